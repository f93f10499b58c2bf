// Many idle watchers of one conversation, and one event: when does the last of them have it?
//
//   node tests/load/broadcast.mjs [--watchers 10000] [--processes 2] [--rounds 10]
//
// The watchers are C programs (watchers.c; WATCHERS may name the program), so that the measuring side costs little. Two delays
// are told for all watchers of all rounds: `fan-out` from the first watcher that has the event, which is what the hub does,
// and `in all` from the moment the server has made the event (its timestamp), with the commit to disk.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { dirname, join, resolve } from 'node:path';
import { PROGRAM, Server } from '../lib/server.mjs';
import { cpuMs, number, percentile, resident } from './figures.mjs';

// Built beside the server, with the tests.
export const WATCHERS = resolve(process.env.WATCHERS || join(dirname(PROGRAM), '../../tests/load/watchers'));

class Watchers {
  constructor(port, path, n) {
    this.child = spawn(WATCHERS, [String(port), path, String(n)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.exited = new Promise((done) => this.child.on('exit', done));
  }

  async line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('the watchers ended');
    return value.split(' ');
  }

  await() { this.child.stdin.write('\n'); }

  close() {
    this.child.stdin.end();
    return this.exited;
  }
}

// Microseconds lost by Date are kept: the time of "2026-11-23T06:10:16.595663Z" in milliseconds.
function wallMs(timestamp) {
  const [seconds, fraction] = timestamp.replace('Z', '').split('.');
  return Date.parse(`${seconds}Z`) + Number(`0.${fraction || 0}`) * 1000;
}

export async function broadcast({ watchers, processes, rounds }) {
  const server = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_MAX_CONNECTIONS: String(watchers + 10) } });
  const groups = [];
  try {
    const chat = await server.create();
    const own = await server.watch(chat.chat_id);
    await own.frame('connected');
    const before = resident(server.child.pid);
    for (let i = 0; i < processes; i++) {
      const n = Math.floor((watchers * (i + 1)) / processes) - Math.floor((watchers * i) / processes);
      groups.push(new Watchers(server.port, `/chat/${chat.chat_id}`, n));
    }
    for (const group of groups) await group.line();
    const connected = resident(server.child.pid);
    const fanOut = [];
    const inAll = [];
    const cpu = cpuMs(server.child.pid);
    for (let round = 0; round < rounds; round++) {
      for (const group of groups) group.await();
      const name = `file-${round}.csv`;
      const reply = await server.upload(chat.chat_id, name, `a,b\n${round},2\n`);
      if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
      const arrived = [];
      for (const group of groups) {
        const [, ...times] = await group.line();
        for (const ns of times) arrived.push(Number(ns) / 1e6);
      }
      if (arrived.length !== watchers) throw new Error(`${arrived.length} of ${watchers} watchers have the event`);
      const frame = await own.frame((f) => f.type === 'message' && JSON.stringify(f).includes(name));
      const made = wallMs(frame.timestamp);
      const first = arrived.reduce((a, b) => Math.min(a, b));
      for (const at of arrived) {
        fanOut.push(at - first);
        inAll.push(at - made);
      }
    }
    own.close();
    return {
      cpu: (cpuMs(server.child.pid) - cpu) / rounds,
      watchers, rounds, fanOut: spread(fanOut), inAll: spread(inAll),
      kbPerWatcher: (connected - before) / watchers, residentAfter: resident(server.child.pid), connected,
    };
  } finally {
    await Promise.all(groups.map((group) => group.close()));
    await server.close();
  }
}

const spread = (values) => ({ p50: percentile(values, 50), p99: percentile(values, 99), max: percentile(values, 100) });

export function tell(r) {
  const ms = (s) => `p50 ${s.p50.toFixed(1)} ms, p99 ${s.p99.toFixed(1)} ms, max ${s.max.toFixed(1)} ms`;
  return [
    `${r.watchers} idle watchers, ${r.rounds} events to all of them`,
    `  fan-out (from the first that has it): ${ms(r.fanOut)}`,
    `  in all (from the event's timestamp, with its commit): ${ms(r.inAll)}`,
    `  processor time of the server: ${r.cpu.toFixed(0)} ms an event`,
    `  memory of the server: ${r.kbPerWatcher.toFixed(1)} KiB a watcher`,
  ].join('\n');
}

if (import.meta.filename === process.argv[1]) {
  const figures = await broadcast({
    watchers: number('watchers', 10000), processes: number('processes', 2), rounds: number('rounds', 10),
  });
  console.log(tell(figures));
}
