// Plain requests by wrk, then slowhttptest's three attacks: meanwhile an ordinary request must be answered, and afterwards the memory be
// as before. What is not installed is left out.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resident } from './figures.mjs';
import { Server } from '../lib/server.mjs';

const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
async function output(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  await once(child, 'close');
  return text;
}

const server = await Server.start();
let failed = false;
try {
  const health = `${server.base}/health`;
  if (has('wrk')) {
    const text = await output('wrk', ['-t1', '-c100', '-d5s', '--latency', health]);
    const bad = /Non-2xx|Socket errors: .*[1-9]/.test(text);
    failed ||= bad;
    console.log(`wrk, 100 connections: ${/Requests\/sec: +([\d.]+)/.exec(text)?.[1]} requests a second, p99 ${/99% +(\S+)/.exec(text)?.[1]}${bad ? ', with errors' : ''}`);
  }
  const before = resident(server.child.pid);
  const attacks = [['slow headers', ['-H']], ['slow bodies', ['-B', '-s', '100000']], ['slow readers', ['-X']]];
  for (const [name, flags] of has('slowhttptest') ? attacks : []) {
    const attack = output('slowhttptest', [...flags, '-c', '1000', '-r', '500', '-i', '2', '-l', '20', '-p', '3', '-u', health]);
    let done = false;
    attack.then(() => { done = true; });
    let worst = 0;
    while (!done) {
      const begun = performance.now();
      const reply = await fetch(health);
      failed ||= reply.status !== 200;
      await reply.arrayBuffer();
      worst = Math.max(worst, performance.now() - begun);
      await new Promise((next) => { setTimeout(next, 200); });
    }
    console.log(`${name}, 1,000 connections for 20 s: an ordinary request waits ${worst.toFixed(0)} ms at most`);
  }
  const after = resident(server.child.pid);
  console.log(`memory: ${(before / 1024).toFixed(1)} MiB before, ${(after / 1024).toFixed(1)} MiB after`);
} finally {
  await server.close();
}
process.exit(failed ? 1 : 0);
