// Layer C: power loss. The calls of one story are recorded (tracer -l); then disks are built that POSIX allows at a moment
// of it, and a server is started on each.
//
// Of every file is certain what was written before an fsync of it began; of every folder, the names there when an fsync of
// the folder began. Anything later may be there or not: each write for itself, torn into sectors of 512 bytes; each name
// for itself. What the server had said to clients by that moment must be there after the start.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkRecovered, makeGolden, scratch, snapshot } from './check.mjs';
import { random } from './kills.mjs';
import { TRACER, each, settled } from './run.mjs';
import { Gone, Story } from './story.mjs';
import { Server } from './server.mjs';

const SECTOR = 512;
const ROOT = 1;

// ---- the recording ----

export async function record(env) {
  const data = scratch('record');
  const log = `${data}.log`;
  const story = new Story('s', { wrong: (text) => { throw new Error(`without any crash: ${text}`); } });
  const server = await Server.start(data, { wrap: [TRACER, '-l', log, '-r', data, '--'], env });
  await story.tell(server);
  await server.stop();
  const golden = makeGolden(data, story);
  const ops = parse(readFileSync(log));
  rmSync(data, { recursive: true });
  rmSync(log);
  return { ops, story, golden };
}

function parse(bytes) {
  const ops = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at);
    const [op, a, b, c] = bytes.toString('utf8', at, end).split('\t');
    at = end + 1;
    if (op === 'W') {
      ops.push({ op, id: Number(a), at: Number(b), data: bytes.subarray(at, at + Number(c)) });
      at += Number(c);
    } else if (op === 'A') {
      ops.push({ op, head: bytes.toString('latin1', at, at + Number(a)) });
      at += Number(a);
    } else if (op === 'S' || op === 'T') {
      ops.push({ op, id: Number(a), n: Number(b) });
    } else if (op === 'R') {
      ops.push({ op, from: a, to: b });
    } else if (op === 'U' || op === 'X') {
      ops.push({ op, path: a });
    } else {
      ops.push({ op, id: Number(a), path: b }); // d f C M
    }
  }
  return ops;
}

// ---- disks ----

// What is certain and what is not after the first `upto` calls: names of folders and contents of files as lists of changes.
function history(ops, upto) {
  const folders = new Map();
  const files = new Map();
  const now = new Map(); // folder id -> Map(name -> id), as the program sees it
  const folder = (id) => {
    if (!folders.has(id)) folders.set(id, []);
    if (!now.has(id)) now.set(id, new Map());
    return folders.get(id);
  };
  const file = (id) => {
    if (!files.has(id)) files.set(id, []);
    return files.get(id);
  };
  const find = (path) => {
    let id = ROOT;
    for (const name of path === '.' ? [] : path.split('/')) id = now.get(id)?.get(name);
    return id;
  };
  const split = (path) => {
    const slash = path.lastIndexOf('/');
    return [find(slash < 0 ? '.' : path.slice(0, slash)), path.slice(slash + 1)];
  };
  // One change of names, of which a rename between folders has two halves.
  const change = (i, path, id) => {
    const [parent, name] = split(path);
    folder(parent).push({ i, name, id, sure: false });
    if (id === null) now.get(parent).delete(name);
    else now.get(parent).set(name, id);
  };
  folder(ROOT);
  const acks = [];
  ops.slice(0, upto).forEach((op, i) => {
    if (op.op === 'd' || op.op === 'f' || op.op === 'C' || op.op === 'M') {
      if (op.op === 'd' || op.op === 'M') folder(op.id);
      else file(op.id);
      if (op.path === '.') return;
      change(i, op.path, op.id);
    } else if (op.op === 'W') {
      file(op.id).push({ i, at: op.at, data: op.data, sure: false });
    } else if (op.op === 'T') {
      file(op.id).push({ i, size: op.n, sure: false });
    } else if (op.op === 'S') {
      const list = folders.get(op.id) || files.get(op.id) || [];
      for (const one of list) one.sure ||= one.i < op.n;
    } else if (op.op === 'R') {
      const id = find(op.from);
      const [a, b] = [split(op.from), split(op.to)];
      if (a[0] === b[0]) {
        folder(a[0]).push({ i, name: b[1], id, old: a[1], sure: false });
        now.get(a[0]).delete(a[1]);
        now.get(a[0]).set(b[1], id);
      } else {
        change(i, op.to, id);
        change(i, op.from, null);
      }
    } else if (op.op === 'U' || op.op === 'X') {
      change(i, op.path, null);
    } else if (op.op === 'A') {
      acks.push(op.head);
    }
  });
  return { folders, files, acks };
}

function contents(changes, keep, roll) {
  let size = 0;
  const kept = changes.filter((one) => one.sure || keep(one));
  for (const one of kept) size = Math.max(size, one.size ?? one.at + one.data.length);
  let bytes = Buffer.alloc(size);
  let end = 0;
  for (const one of kept) {
    if (one.size !== undefined) {
      if (one.size < end) bytes.fill(0, one.size);
      end = one.size;
      continue;
    }
    end = Math.max(end, one.at + one.data.length);
    for (let from = 0; from < one.data.length;) {
      const to = Math.min(one.data.length, from + SECTOR - ((one.at + from) % SECTOR));
      if (one.sure || !roll || roll(2)) one.data.copy(bytes, one.at + from, from, to);
      from = to;
    }
  }
  bytes = bytes.subarray(0, end);
  return bytes;
}

// how: 'least', 'most', 'names' (all names, no data that is not certain), or 'mixed'.
function build(data, { folders, files }, how, roll) {
  const keepName = { least: () => false, most: () => true, names: () => true, mixed: () => roll(2) === 1 }[how];
  const keepData = { least: () => false, most: () => true, names: () => false, mixed: () => roll(3) > 0 }[how];
  const fill = (id, path) => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const names = new Map();
    for (const one of folders.get(id)) {
      if (!one.sure && !keepName(one)) continue;
      if (one.old !== undefined) names.delete(one.old);
      if (one.id === null) names.delete(one.name);
      else names.set(one.name, one.id);
    }
    for (const [name, child] of names) {
      if (folders.has(child)) fill(child, join(path, name));
      else writeFileSync(join(path, name), contents(files.get(child) || [], keepData, how === 'mixed' ? roll : null));
    }
  };
  fill(ROOT, data);
}

// The story as far as the server had answered it: what was sent then may have happened.
function storyAt(full, heads, wrong) {
  const story = new Story(full.name, { wrong });
  const said = new Set();
  for (const head of heads) {
    const id = /^x-request-id: (.*)\r$/im.exec(head)?.[1] ?? '';
    const status = Number(head.slice(9, 12));
    if (id.startsWith(`${full.name}.`) && (status < 300 || status === 409)) said.add(id.slice(full.name.length + 1));
  }
  for (const act of full.acts) {
    story.sent[act] = 1;
    if (!said.has(act) || act === 'wait' || !full.acks[act]) {
      // The answer of `wait` is one of many; of `result` and `download` none is kept.
      if (act !== 'wait' && act !== 'result' && act !== 'download') break;
      continue;
    }
    story.acks[act] = full.acks[act];
  }
  return story;
}

export async function state({ ops, story: full, golden }, upto, how, roll, env) {
  const data = scratch('power');
  const found = [];
  const wrong = (text) => found.push(text);
  const past = history(ops, upto);
  rmSync(data, { recursive: true });
  mkdirSync(data);
  build(data, past, how, roll);
  const story = storyAt(full, past.acks, wrong);
  const server = await Server.start(data, { env });
  if (!server.port) {
    wrong(`no start: ${server.log.trim().split('\n').pop()}`);
  } else {
    try {
      await settled(server, wrong);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      wrong(`the server ended: ${error.message}`);
    }
    await server.stop();
    checkRecovered(data, [story], golden, wrong);
    if (upto % 7 === 0) {
      const before = snapshot(data);
      await (await Server.start(data, { env })).stop();
      if (snapshot(data) !== before) wrong('a second start changes something');
    }
  }
  rmSync(data, { recursive: true, force: true });
  return found;
}

export async function power({ count, seed, env, report, stopAtFirst = false }) {
  const recording = await record(env);
  const roll = random(seed);
  const first = recording.ops.findIndex((op) => op.op === 'A');
  const hows = ['least', 'mixed', 'most', 'mixed', 'names', 'mixed'];
  const moments = [];
  for (let n = 0; n < count; n++)
    moments.push({ upto: 1 + Math.floor(((n + 0.5) / count) * recording.ops.length), how: hows[n % hows.length], seed: roll(1 << 30) });
  const wrong = [];
  let states = 0;
  await each(moments, async ({ upto, how, seed: own }) => {
    if (stopAtFirst && wrong.length) return;
    states++;
    for (const text of await state(recording, upto, how, random(own), env)) {
      const line = `power loss after call ${upto} (${how}): ${text}`;
      wrong.push(line);
      report(line);
    }
  });
  return { states, calls: recording.ops.length, first, wrong };
}
