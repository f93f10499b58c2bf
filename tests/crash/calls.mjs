// Layer B: a process is killed, or told ENOSPC or EIO, at every system call with which it changes the data folder.
//
//   story in a fresh folder, the N-th call hit ─▶ server dies or answers errors ─▶ checks ─▶ start ─▶ the rest of the
//   story with the same keys ─▶ checks ─▶ start once more: nothing changes
//
// N goes from the first call of the first start to the last one of the stop.
import { rmSync } from 'node:fs';
import { checkCrashed, checkRecovered, makeGolden, scratch, snapshot } from './check.mjs';
import { TRACER, each, settled, tellAll } from './run.mjs';
import { Server } from './server.mjs';
import { Story } from './story.mjs';

export const ERRORS = { ENOSPC: 28, EIO: 5 };
const FAULT_TRIES = 3;

// One story under the tracer; `options` are the tracer's. Resolves with what it counted.
async function traced(data, story, options, env) {
  const server = await Server.start(data, { wrap: [TRACER, ...options, '-r', data, '--'], env });
  const seen = { refused: 0, log: server };
  if (server.port) {
    for (let tries = 0; tries < FAULT_TRIES && !story.done && !server.ended; tries++)
      seen.refused += await tellAll(server, [story]);
  }
  const end = await server.stop();
  const [, total] = server.out.split('\n');
  const [n, hit] = (total || '0\t').split('\t');
  return { ...seen, n: Number(n), hit, code: end.code, text: server.log };
}

export async function countCalls(env) {
  const data = scratch('count');
  const story = new Story('s', { wrong: (text) => { throw new Error(`without any crash: ${text}`); } });
  const { n } = await traced(data, story, [], env);
  if (!story.done) throw new Error('the story does not come to its end under the tracer');
  const golden = makeGolden(data, story);
  rmSync(data, { recursive: true });
  return { n, golden };
}

// Returns the sentences of what is wrong at the point.
export async function point(n, error, golden, env) {
  const data = scratch('call');
  const found = [];
  const wrong = (text) => found.push(text);
  const story = new Story('s', { wrong });
  // A run that met the error has failed with its reason; it is told again under the same key as what it is.
  const goldenHere = { ...golden, mayFail: true };
  const options = ['-k', String(n), ...(error ? ['-e', String(ERRORS[error])] : [])];
  story.mayFail = () => true;
  const first = await traced(data, story, options, env);
  if (!error) checkCrashed(data, [story], goldenHere, wrong);
  if (error && first.code >= 128) wrong(`the server ended by signal ${first.code - 128}`);
  const server = await Server.start(data, { env });
  if (!server.port) {
    wrong(`the server does not start again: ${server.log.trim().split('\n').pop()}`);
  } else {
    story.runFailed = first.hit?.includes('worker') || Boolean(error);
    await tellAll(server, [story]);
    await story.again(server).catch((e) => wrong(`told again: ${e.message}`));
    await settled(server, wrong); // Nobody waits for a run that was to be cancelled.
    await server.stop();
    checkRecovered(data, [story], goldenHere, wrong);
    if (n % 5 === 0) {
      const before = snapshot(data);
      await (await Server.start(data, { env })).stop();
      if (snapshot(data) !== before) wrong('a second start changes something');
    }
  }
  rmSync(data, { recursive: true, force: true });
  return { found, hit: first.hit, reached: Boolean(first.hit) };
}

// Points first, first + step, ... up to last.
export async function sweep({ error = null, first = 1, last = Infinity, step = 1, golden, calls, env, report, stopAtFirst = false }) {
  const points = [];
  for (let n = first; n <= Math.min(calls, last); n += step) points.push(n);
  let hits = 0;
  const wrong = [];
  await each(points, async (n) => {
    if (stopAtFirst && wrong.length) return;
    const { found, hit, reached } = await point(n, error, golden, env);
    hits += reached;
    for (const text of found) {
      const line = `${error || 'kill'} at call ${n} (${hit}): ${text}`;
      wrong.push(line);
      report(line);
    }
  });
  return { points: points.length, hits, wrong };
}
