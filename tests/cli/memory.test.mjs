// Memory does not grow with the file: a chain over a file that is many times larger than the memory it may use.
//
// The file is made on the way into the program and comes through a pipe. TEST_MEMORY_MB=5000 makes it 5 GB.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { Scratch, program } from './cli.mjs';

const LIMIT = 64 << 20; // Of what the program and its worker may each hold as data.
const BLOCK_ROWS = 20000;
const MB = Number(process.env.TEST_MEMORY_MB) || 320;

const cities = ['  oslo ', 'Rome', 'são paulo', 'Bonn', '東京'];

// The rows come again and again: nothing may remember them.
function block() {
  const lines = [];
  for (let i = 0; i < BLOCK_ROWS; i++) {
    const status = i % 3 === 0 ? 'active' : 'closed';
    lines.push(`${String(i).padStart(6, '0')},customer number ${i},${status},${cities[i % 5]},${i * 1.25},2024-02-29,"note, with a comma"`);
  }
  return Buffer.from(lines.join('\n') + '\n');
}

// Run with at most LIMIT bytes of data.
function limited(dir, args) {
  return spawn('prlimit', [`--data=${LIMIT}`, program, ...args], { cwd: dir, stdio: ['pipe', 'pipe', 'pipe'] });
}

async function finish(child) {
  const out = [], err = [];
  child.stdout.on('data', (d) => out.push(d));
  child.stderr.on('data', (d) => err.push(d));
  child.stdin.on('error', () => {});
  const [status] = await once(child, 'close');
  return { status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

// `head`, then `body` so many times, into the program as fast as it takes them.
async function feed(child, head, body, times) {
  function* parts() {
    yield head;
    for (let i = 0; i < times; i++) yield typeof body === 'function' ? body(i) : body;
  }
  await pipeline(Readable.from(parts(), { objectMode: true }), child.stdin).catch(() => {}); // It may end earlier.
}

async function lines(path) {
  let n = 0;
  for await (const chunk of createReadStream(path)) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) n++;
  }
  return n;
}

test(`a chain over ${MB} MB with ${LIMIT >> 20} MB of memory`, async (t) => {
  const s = new Scratch(t);
  const probe = limited(s.dir, ['version']);
  probe.stdin.end();
  if ((await finish(probe)).status !== 0) return t.skip('this build needs more memory than that to start');
  s.write('steps.json', {
    steps: [
      { operation: 'csv/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }], output_format: 'csv' } },
      {
        operation: 'normalization/apply',
        arguments: { normalizations: [{ column: 'city', type: 'trim_whitespace' }, { column: 'city', type: 'title_case' }, { column: 'amount', type: 'z_score' }], output_format: 'csv' },
      },
      { operation: 'excel/extract-columns-to-file', arguments: { columns: ['id', 'city', 'amount'], output_format: 'csv' } },
    ],
  });
  const body = block();
  const times = Math.ceil((MB << 20) / body.length);
  const run = limited(s.dir, ['run', '--json', '--progress', 'none', '--steps', 'steps.json', '--input', '-', '--output', 'out']);
  const done = finish(run);
  await feed(run, 'id,name,status,city,amount,day,note\n', body, times);
  const r = await done;
  assert.equal(r.status, 0, r.stderr);
  const results = JSON.parse(r.stdout).results;
  const kept = times * Math.ceil(BLOCK_ROWS / 3);
  assert.deepEqual(results.map((x) => [x.rows_in, x.rows_out]), [[times * BLOCK_ROWS, kept], [kept, kept], [kept, kept]]);
  const out = readdirSync(join(s.dir, 'out'), { recursive: true }).map((name) => join(s.dir, 'out', name)).filter((p) => /_extracted_.*\.csv$/.test(p));
  assert.equal(out.length, 1);
  assert.ok(statSync(out[0]).size > 0);
  assert.equal(await lines(out[0]), kept + 1);
});

// What does have to remember much says so, and leaves nothing behind: so the limit is one.
test('more to remember than the memory there is', async (t) => {
  const s = new Scratch(t);
  const probe = limited(s.dir, ['version']);
  probe.stdin.end();
  if ((await finish(probe)).status !== 0) return t.skip('this build needs more memory than that to start');
  const different = (i) => {
    const part = [];
    for (let k = 0; k < 10000; k++) part.push(`${i * 10000 + k},customer number ${i * 10000 + k}`);
    return Buffer.from(part.join('\n') + '\n');
  };
  const run = limited(s.dir, ['op', 'excel/extract-columns-to-file', '--columns', 'id,name', '--remove-duplicates', '-', 'out.csv']);
  const done = finish(run);
  await feed(run, 'id,name\n', different, 200);
  const r = await done;
  assert.equal(r.status, 65, r.stderr);
  assert.match(r.stderr, /do not fit into the memory limit/);
  assert.deepEqual(s.list(), []);
});
