// Layer D: the N-th allocation fails, in the server's start, in the server at work, and in its workers.
//
//   start: it starts all the same, or ends with a sentence and a status, never by a signal
//   work:  each request succeeds with the whole answer or is refused with a sentence (or the connection is lost); told
//          again with the same key it succeeds, and all is there once
import { closeSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { checkRecovered, makeGolden, scratch } from './check.mjs';
import { NOMEM, each, settled, tellAll } from './run.mjs';
import { Gone, Story } from './story.mjs';
import { Server, pause } from './server.mjs';

export const ROLES = { server: 1n, worker: 2n };
const ACTS = ['create', 'upload', 'execute', 'download', 'operate', 'result'];
const KEEP = 20;

class Control {
  constructor() {
    this.path = `${scratch('nomem')}.control`;
    writeFileSync(this.path, Buffer.alloc(32));
    this.fd = openSync(this.path, 'r+');
  }

  arm(left, role) {
    const bytes = Buffer.alloc(32);
    bytes.writeBigInt64LE(BigInt(left), 0);
    bytes.writeBigInt64LE(ROLES[role], 24);
    writeSync(this.fd, bytes, 0, 32, 0);
  }

  get seen() {
    const bytes = Buffer.alloc(32);
    readSync(this.fd, bytes, 0, 32, 0);
    return { left: Number(bytes.readBigInt64LE(0)), n: Number(bytes.readBigInt64LE(8)), failed: Number(bytes.readBigInt64LE(16)) };
  }

  get env() {
    return { LD_PRELOAD: NOMEM, NOMEM_FILE: this.path };
  }

  close() {
    closeSync(this.fd);
    rmSync(this.path);
    rmSync(this.path.replace(/\.control$/, ''), { recursive: true });
  }
}

export async function startSweep({ step, first = 1, last = Infinity, env, report, stopAtFirst }) {
  const wrong = [];
  const start = async (n) => {
    const data = scratch('memory');
    const control = new Control();
    control.arm(n, 'server');
    const server = await Server.start(data, { env: { ...env, ...control.env } });
    const { n: allocations } = control.seen;
    const listens = server.port !== 0;
    const end = await server.stop();
    const say = (text) => {
      wrong.push(`start, allocation ${n}: ${text}`);
      report(wrong.at(-1));
    };
    if (end.signal) say(`ended by ${end.signal}: ${server.log.trim().split('\n').pop()}`);
    if (!listens && !/memory|cannot/.test(server.log)) say(`without a sentence: ${server.log}`);
    rmSync(data, { recursive: true, force: true });
    control.close();
    return allocations;
  };
  const allocations = await start(0);
  const points = [];
  for (let n = first; n <= Math.min(allocations, last); n += step) points.push(n);
  await each(points, async (n) => (stopAtFirst && wrong.length ? null : start(n)));
  return { allocations, points: points.length, wrong };
}

export async function workSweep({ role, step, first = 1, last = Infinity, env, report, stopAtFirst, most = Infinity }) {
  const data = scratch('memory');
  const control = new Control();
  control.arm(0, role);
  let server = await Server.start(data, { env: { ...env, ...control.env } });
  const figures = { role, allocations: 0, points: 0, refused: 0, wrong: [] };
  let n = 0;
  let told = 0;
  const wrong = (text) => {
    figures.wrong.push(`${role}, allocation ${n}: ${text}`);
    report(figures.wrong.at(-1));
  };
  let stories = [];
  const tell = async (left) => {
    const story = new Story(`m${stories.length}-${told++}`, { rows: 20, acts: ACTS, wrong });
    story.shapes = figures.shapes;
    story.mayFail = (reply) => /memory/.test(reply.body?.message);
    stories.push(story);
    control.arm(left, role);
    figures.refused += await tellAll(server, [story], { tries: 6 });
    return story;
  };
  // Twice: the first time fills caches that the later ones find filled.
  await tell(0);
  const whole = await tell(0);
  figures.allocations = control.seen.n;
  figures.shapes = whole.shapesSeen;
  await server.stop();
  const golden = { ...makeGolden(data, whole), mayFail: true };
  server = await Server.start(data, { env: { ...env, ...control.env } });
  // Some more than were counted: not every story takes the same.
  for (n = first; n <= Math.min(figures.allocations * 1.05, last) && figures.points < most; n += step) {
    figures.points++;
    const story = await tell(n);
    if (server.ended || !story.done) {
      await pause(20);
      if (server.ended) wrong(`the server ended: ${server.ended.signal ?? server.ended.code}`);
      else wrong('the story does not come to its end');
      if (stopAtFirst) break;
      control.arm(0, role);
      await server.stop();
      server = await Server.start(data, { env: { ...env, ...control.env } });
      await tellAll(server, [story]);
    } else if (story.acks.execute.outcome !== golden.outcome || story.acks.result.id !== golden.result) {
      wrong('another result than with enough memory');
    }
    if (stopAtFirst && figures.wrong.length) break;
    if (stories.length > KEEP) {
      control.arm(0, role);
      const old = stories.shift();
      if (old.acks.create) await server.api('DELETE', `/chat/workflows/${old.acks.create.id}`).catch((e) => {
        if (!(e instanceof Gone)) throw e;
      });
    }
  }
  control.arm(0, role);
  if (!server.ended) await settled(server, wrong);
  await server.stop();
  server = await Server.start(data, { env });
  await settled(server, wrong);
  await server.stop();
  stories = stories.filter((story) => story.acks.create);
  checkRecovered(data, stories, golden, wrong);
  rmSync(data, { recursive: true, force: true });
  control.close();
  delete figures.shapes;
  return figures;
}
