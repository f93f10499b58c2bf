// A server of its own for a test: scratch data folder, free ports, stopped and cleaned up at the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { slowly } from './workers.mjs';

export const PROGRAM = process.env.SHEETFLOW || 'build/sheetflow';

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

export class Server {
  // options: {data, env, args, port, wsPort}
  static async start(options = {}) {
    const server = new Server();
    server.ownData = !options.data;
    server.data = options.data || mkdtempSync(join(tmpdir(), 'sheetflow-test-'));
    server.options = options;
    await server.spawn();
    return server;
  }

  async spawn() {
    const { env = {}, args = [], port = 0, wsPort = 0 } = this.options;
    this.wsPort = wsPort;
    this.child = spawn(PROGRAM,
      ['serve', '--port', String(port), '--ws-port', String(wsPort), '--data', this.data, ...args],
      { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'pipe'] });
    this.log = '';
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise((resolve, reject) => {
      this.child.on('error', reject); // There is no such program.
      this.child.stderr.on('data', (data) => {
        this.log += data;
        const match = /listens on https?:\/\/[^ ]*:(\d+)[ ;]/.exec(this.log);
        if (match) {
          this.port = Number(match[1]);
          resolve();
        }
      });
      this.exited.then(({ code }) => reject(new Error(`server ended with ${code}: ${this.log}`)));
    });
    this.origin = `http://127.0.0.1:${this.port}`;
    this.base = `${this.origin}/api/v1`;
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exited;
  }

  async restart() {
    await this.spawn();
  }

  async close() {
    await this.stop();
    if (this.ownData) rmSync(this.data, { recursive: true, force: true });
  }

  // {status, body, headers}; body is the parsed envelope.
  async call(method, path, body, headers = {}) {
    const init = { method, headers: { ...headers } };
    if (body instanceof FormData) {
      init.body = body;
    } else if (body !== undefined) {
      init.body = typeof body === 'string' ? body : JSON.stringify(body);
      init.headers['content-type'] ??= 'application/json';
    }
    const reply = await fetch(path.startsWith('http') ? path : this.base + path, init);
    const text = await reply.text();
    let parsed;
    try {
      parsed = text ? JSON.parse(text) : undefined;
    } catch {
      parsed = text;
    }
    return { status: reply.status, body: parsed, headers: reply.headers };
  }

  async create(body = {}) {
    const reply = await this.call('POST', '/chat/workflows', body);
    if (reply.status !== 201) throw new Error(JSON.stringify(reply.body));
    return reply.body.data;
  }

  async upload(id, name, content) {
    const form = new FormData();
    form.append('file', new Blob([content]), name);
    return this.call('POST', `/chat/workflows/${id}/upload`, form);
  }

  execute(id, steps, more = {}) {
    return this.call('POST', `/chat/workflows/${id}/execute`, { steps, ...more });
  }

  async download(url) {
    const reply = await fetch(url.startsWith('http') ? url : this.base + url);
    return Buffer.from(await reply.arrayBuffer());
  }

  slowly(body) {
    return slowly(() => this.child.pid, body);
  }

  watch(id, { since, port, headers } = {}) {
    const query = since === undefined ? '' : `?since=${since}`;
    return Watcher.open(`ws://127.0.0.1:${port || this.port}/chat/${id}${query}`, headers);
  }
}

// A WebSocket whose frames can be waited for.
export class Watcher {
  static async open(url, headers) {
    const watcher = new Watcher();
    watcher.frames = [];
    watcher.waiting = [];
    watcher.socket = new WebSocket(url, { headers });
    watcher.closed = new Promise((resolve) => {
      watcher.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
    });
    watcher.socket.on('message', (data) => {
      watcher.frames.push(JSON.parse(String(data)));
      watcher.check();
    });
    await once(watcher.socket, 'open');
    return watcher;
  }

  check() {
    this.waiting = this.waiting.filter(({ test, resolve }) => {
      const frame = this.frames.find(test);
      if (frame) resolve(frame);
      return !frame;
    });
  }

  // The first frame, past or to come, for which test(frame) holds; or of this type.
  frame(test) {
    const fn = typeof test === 'string' ? (frame) => frame.type === test : test;
    return new Promise((resolve) => {
      this.waiting.push({ test: fn, resolve });
      this.check();
    });
  }

  send(value) {
    this.socket.send(typeof value === 'string' ? value : JSON.stringify(value));
  }

  close() {
    this.socket.terminate();
  }
}

export const CUSTOMERS = [
  'id,name,city,amount,status',
  '007,ada lovelace,London,10.5,active',
  '008,"O\'Brien, Pat",Dublin,2.675,inactive',
  '009,Zoë Ångström,Malmö,1e5,active',
  '010,"line',
  'break",Paris,,active',
  '1234567890123456789,=SUM(A1),東京,-3,active',
  '',
].join('\n');
