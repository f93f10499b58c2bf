// Many clients at once, each on its own way through create, upload, watch, execute, download and delete, again and again. Every
// answer is checked, content included.
//
//   node tests/load/load.mjs [--clients 1000] [--seconds 60] [--processes 2] [--rate 120]
//
// `rate` is the number of requests a second of all clients together: clients think between requests, as people do, and
// without a pause a thousand of them would only measure how long a queue for two processors is. Ways that have begun
// when the time is over are finished. Said at the end: answers and delays by kind, wrong answers, the server's memory over time, and what is left.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { number, percentile, resident } from './figures.mjs';
import { Server } from '../lib/server.mjs';
import { workersOf, zygotesOf } from '../lib/workers.mjs';

const SAMPLE_MS = 500;

export async function load({ clients, seconds, processes, rate }) {
  const server = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_MAX_CONNECTIONS: String(clients + 10), SHEETFLOW_QUOTA_MAX_UPLOADS: '0' } });
  const samples = [];
  const timer = setInterval(() => samples.push(resident(server.child.pid)), SAMPLE_MS);
  try {
    const parts = await Promise.all(Array.from({ length: processes }, async (_, i) => {
      const n = Math.floor((clients * (i + 1)) / processes) - Math.floor((clients * i) / processes);
      const child = fork(new URL('./clients.mjs', import.meta.url), { env: process.env });
      child.send({ port: server.port, clients: n, seconds, pauseMs: (clients / rate) * 1000, seed: i });
      const [result] = await once(child, 'message');
      return result;
    }));
    clearInterval(timer);
    const left = await server.call('GET', '/chat/workflows');
    const metrics = (await server.call('GET', `${server.origin}/metrics`)).body;
    const kinds = {};
    for (const part of parts) {
      for (const [kind, delays] of Object.entries(part.delays)) (kinds[kind] ??= []).push(...delays);
    }
    const requests = Object.values(kinds).reduce((sum, list) => sum + list.length, 0);
    const workers = workersOf(server.child.pid), helpers = [...workers, ...zygotesOf(server.child.pid)];
    await server.stop();
    return {
      clients, seconds, rate, requests, samples,
      wrong: parts.flatMap((part) => part.wrong),
      ways: parts.reduce((sum, part) => sum + part.ways, 0),
      kinds: Object.fromEntries(Object.entries(kinds).map(([kind, list]) =>
        [kind, { n: list.length, p50: percentile(list, 50), p99: percentile(list, 99), max: percentile(list, 100) }])),
      left: left.body.total, errors5xx: serverErrors(metrics), workers: workers.length, workersLeft: helpers.filter((pid) => existsSync(`/proc/${pid}`)).length,
    };
  } finally {
    clearInterval(timer);
    await server.close();
  }
}

// Requests with a 5xx status, as the server itself counts them.
function serverErrors(metrics) {
  return String(metrics).split('\n').filter((line) => /^sheetflow_http_requests_total\{.*(status|code)="5/.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}

// Memory after warm-up (a third of the time) and at the end: medians of five samples, in MiB.
export function memory({ samples }) {
  const median = (list) => percentile(list, 50) / 1024;
  const third = Math.floor(samples.length / 3);
  return { peak: Math.max(...samples) / 1024, warm: median(samples.slice(third, third + 5)), end: median(samples.slice(-5)) };
}

export function tell(r) {
  const m = memory(r);
  return [
    `${r.clients} clients for ${r.seconds} s: ${r.requests} answers, ${r.ways} whole ways, ${r.wrong.length} wrong, ${r.errors5xx} of 5xx`,
    ...Object.entries(r.kinds).map(([kind, k]) =>
      `  ${kind.padEnd(9)} ${String(k.n).padStart(6)}   p50 ${k.p50.toFixed(1).padStart(8)} ms   p99 ${k.p99.toFixed(1).padStart(8)} ms   max ${k.max.toFixed(1).padStart(8)} ms`),
    `  memory of the server: ${m.warm.toFixed(1)} MiB warm, ${m.end.toFixed(1)} MiB at the end, ${m.peak.toFixed(1)} MiB at most`,
    `  left behind: ${r.left} conversations, ${r.workers} workers when idle, ${r.workersLeft} after the end`,
    ...r.wrong.slice(0, 10).map((line) => `  wrong: ${line}`),
  ].join('\n');
}

if (import.meta.filename === process.argv[1]) {
  const figures = await load({
    clients: number('clients', 1000), seconds: number('seconds', 60), processes: number('processes', 2), rate: number('rate', 120),
  });
  console.log(tell(figures));
  process.exit(figures.wrong.length || figures.errors5xx || figures.left || figures.workersLeft ? 1 : 0);
}
