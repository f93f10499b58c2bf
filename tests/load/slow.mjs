// Plain requests by wrk, then slowhttptest's three attacks, twice: slow headers and bodies must be cut off, meanwhile an ordinary request be
// answered, and the second time take no more memory than the first. What is not installed is left out.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resident } from './figures.mjs';
import { Server } from '../lib/server.mjs';

const SECONDS = 20; // Longer than a server bears slow headers and bodies.
const PATIENCE_MS = 2000;
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
  // What the attack asks for, and whether the server has to cut it off before its time is over.
  const attacks = [
    ['slow headers', ['-H', '-i', '2', '-u', health], true],
    ['slow bodies', ['-B', '-s', '100000', '-i', '2', '-f', 'application/json', '-u', `${server.base}/chat/workflows`], true],
    ['slow readers of large replies', ['-X', '-w', '10', '-y', '20', '-n', '5', '-z', '32', '-k', '3', '-u', `${server.base}/openapi.json`], false],
  ];
  const attack = async (flags) => {
    const begun = performance.now();
    let done = false, worst = 0;
    const ended = output('slowhttptest', [...flags, '-c', '1000', '-r', '500', '-l', String(SECONDS), '-p', '3']).then(() => { done = true; });
    while (!done) {
      const asked = performance.now();
      const reply = await fetch(health);
      failed ||= reply.status !== 200;
      await reply.arrayBuffer();
      worst = Math.max(worst, performance.now() - asked);
      await new Promise((next) => { setTimeout(next, 200); });
    }
    await ended;
    return { worst, seconds: (performance.now() - begun) / 1000 };
  };
  const round = async (tell) => {
    for (const [name, flags, cut] of attacks) {
      const { worst, seconds } = await attack(flags);
      const bad = worst > PATIENCE_MS || (cut && seconds >= SECONDS);
      failed ||= bad;
      if (tell || bad) console.log(`${name}, 1,000 connections: ${cut ? `cut off after ${seconds.toFixed(0)} s` : `for ${SECONDS} s`}, an ordinary request waits ${worst.toFixed(0)} ms at most${bad ? ': too long' : ''}`);
    }
    return resident(server.child.pid) / 1024;
  };
  if (has('slowhttptest')) {
    const before = resident(server.child.pid) / 1024, first = await round(true), second = await round(false);
    const bad = second > first * 1.5 + 16;
    failed ||= bad;
    console.log(`memory: ${before.toFixed(1)} MiB before, ${first.toFixed(1)} MiB after, ${second.toFixed(1)} MiB after the same again${bad ? ': it grows' : ''}`);
  }
} finally {
  await server.close();
}
process.exit(failed ? 1 : 0);
