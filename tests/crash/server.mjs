// A server that may die at any moment, and requests that tell a lost connection from an answer.
import { spawn } from 'node:child_process';
import { Agent, request as httpRequest } from 'node:http';
import { workersOf, zygotesOf } from '../lib/workers.mjs';

export const PROGRAM = process.env.SHEETFLOW || 'build/sheetflow';
const START_MS = 60000;
const REQUEST_MS = 60000;

// Every event of a run is kept, so that the numbers of events have no gap that would have to be explained.
const ENV = { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_STREAM_PROGRESS: 'false', SHEETFLOW_LOGGING_LEVEL: 'info' };

// The server is gone: nothing is known about the request.
export class Gone extends Error {}

export class Server {
  // wrap: words in front of the program, which print its process id first (tracer). Comes back when the server
  // listens, or has ended: then `port` is 0.
  static async start(data, { env = {}, wrap = [], program = PROGRAM, args = [] } = {}) {
    const server = new Server();
    const words = [...wrap, program, 'serve', '--port', '0', '--ws-port', '0', '--data', data, ...args];
    server.data = data;
    server.port = 0;
    server.log = '';
    server.out = '';
    server.child = spawn(words[0], words.slice(1), {
      env: { ...process.env, ...ENV, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    server.agent = new Agent({ keepAlive: true, maxSockets: 16 });
    server.child.stdout.on('data', (bytes) => { server.out += bytes; });
    server.exited = new Promise((resolve) => {
      server.child.on('close', (code, signal) => {
        server.ended = { code, signal };
        server.agent.destroy();
        resolve(server.ended);
      });
    });
    const listens = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the server does not start: ${server.log}`)), START_MS);
      server.child.stderr.on('data', (bytes) => {
        server.log += bytes;
        const match = /listens on http:\/\/[^ ]*:(\d+)[ ;]/.exec(server.log);
        if (!match) return;
        server.port = Number(match[1]);
        clearTimeout(timer);
        resolve();
      });
      server.exited.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    await listens;
    server.pid = wrap.length ? Number(server.out.split('\n')[0]) : server.child.pid;
    return server;
  }

  kill(signal) {
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has ended already.
    }
  }

  async stop(signal = 'SIGTERM') {
    if (!this.ended) this.kill(signal);
    return this.exited;
  }

  // Process ids of its workers.
  workers() {
    return workersOf(this.pid);
  }

  // And of the process that forks them.
  zygotes() {
    return zygotesOf(this.pid);
  }

  // {status, headers, body (parsed where JSON), bytes}; throws Gone when no whole answer comes.
  request(method, path, { body, file, headers = {}, id } = {}) {
    const fields = { ...headers };
    let bytes;
    if (file) {
      const line = 'crash-boundary';
      const parts = file.map(({ field = 'file', name, content }) => {
        const what = name ? `; filename="${name}"\r\nContent-Type: application/octet-stream` : '';
        return `--${line}\r\nContent-Disposition: form-data; name="${field}"${what}\r\n\r\n${content}\r\n`;
      });
      bytes = Buffer.from(`${parts.join('')}--${line}--\r\n`);
      fields['content-type'] = `multipart/form-data; boundary=${line}`;
    } else if (body !== undefined) {
      bytes = Buffer.from(JSON.stringify(body));
      fields['content-type'] = 'application/json';
    }
    if (bytes) fields['content-length'] = bytes.length;
    if (id) fields['x-request-id'] = id;
    return new Promise((resolve, reject) => {
      const gone = (error) => reject(new Gone(`${method} ${path}: ${error.message}`));
      const options = {
        host: '127.0.0.1', port: this.port, method, path, headers: fields, agent: this.agent, timeout: REQUEST_MS,
      };
      if (this.ended || !this.port) {
        gone(new Error('the server has ended'));
        return;
      }
      const req = httpRequest(options, (reply) => {
        const chunks = [];
        reply.on('data', (chunk) => chunks.push(chunk));
        reply.on('error', gone);
        reply.on('aborted', () => gone(new Error('cut off')));
        reply.on('end', () => {
          const all = Buffer.concat(chunks);
          let parsed;
          if (/json/.test(reply.headers['content-type'] || '')) {
            try {
              parsed = JSON.parse(all);
            } catch (error) {
              gone(error);
              return;
            }
          }
          resolve({ status: reply.statusCode, headers: reply.headers, body: parsed, bytes: all });
        });
      });
      req.on('timeout', () => req.destroy(new Error('no answer in time')));
      req.on('error', gone);
      req.end(bytes);
    });
  }

  api(method, path, options) {
    return this.request(method, `/api/v1${path}`, options);
  }
}

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
