// Memory does not grow with the file: a chain over a file that is many times larger than the memory it may use.
//
// The file is made on the way into the program and comes through a pipe. TEST_MEMORY_MB=5000 makes it 5 GB.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
function limited(dir, args, env = {}) {
  return spawn('prlimit', [`--data=${LIMIT}`, program, ...args], { cwd: dir, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
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
  if (await skipped(t, s)) return;
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

const SCALE = MB / 320;

// Rows by their number, ten thousand at a time.
function* manyRows(blocks, row) {
  for (let i = 0; i < blocks; i++) {
    const part = [];
    for (let k = 0; k < 10000; k++) part.push(row(i * 10000 + k));
    yield Buffer.from(part.join('\n') + '\n');
  }
}

async function inBlocks(child, head, blocks, row) {
  function* parts() {
    yield head;
    yield* manyRows(blocks, row);
  }
  await pipeline(Readable.from(parts(), { objectMode: true }), child.stdin).catch(() => {});
}

async function skipped(t, s) {
  const probe = limited(s.dir, ['version']);
  probe.stdin.end();
  if ((await finish(probe)).status === 0) return false;
  t.skip('this build needs more memory than that to start');
  return true;
}

// The memory ends before the budget does: 512 MB of it may be used, and there are 64.
test('duplicates of more rows than memory can remember', async (t) => {
  const s = new Scratch(t);
  if (await skipped(t, s)) return;
  const blocks = Math.ceil(200 * SCALE), different = (n) => (n % 10 === 9 ? n - 9 : n);
  const run = limited(s.dir, ['op', 'excel/extract-columns-to-file', '--columns', 'id,name', '--remove-duplicates', '-', 'out.csv']);
  const done = finish(run);
  await inBlocks(run, 'id,name\n', blocks, (n) => `${different(n)},customer number ${different(n)}`);
  const r = await done;
  assert.equal(r.status, 0, r.stderr);
  assert.deepEqual(s.list(), ['out.csv']);
  let n = 0;
  for await (const line of createInterface({ input: createReadStream(join(s.dir, 'out.csv')) })) {
    if (n > 0) {
      const id = n - 1 + Math.floor((n - 1) / 9);
      if (line !== `${id},customer number ${id}`) assert.equal(line, `${id},customer number ${id}`);
    }
    n++;
  }
  assert.equal(n, blocks * 9000 + 1);
});

// memory_limit_mb at its least; the right side is several times as large.
test('a join with a right side beyond memory_limit_mb', async (t) => {
  const s = new Scratch(t);
  if (await skipped(t, s)) return;
  const blocks = Math.ceil(120 * SCALE), rows = blocks * 10000;
  const side = createWriteStream(join(s.dir, 'side.csv'));
  function* right() {
    yield 'id,label\n';
    yield* manyRows(blocks, (n) => `${rows - n},"the label of number ${rows - n}, which is a long one so that it takes room ${n}"`);
  }
  await pipeline(Readable.from(right(), { objectMode: true }), side);
  const run = limited(s.dir, ['run', '--json', '--progress', 'none', '--steps', 'steps.json', '--input', '-', '--input', 'side.csv', '--output', 'out'],
    { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_MEMORY_LIMIT_MB: '64' });
  s.write('steps.json', {
    steps: [{ operation: 'excel/bind-single-key', arguments: { bind_file: 'side.csv', comparison_column: 'id', bind_columns: ['label'], output_format: 'csv' } }],
  });
  const done = finish(run);
  // Every fourth has a match, and one more would have one without its leading zero.
  const key = (n) => (n % 4 === 0 ? n + 1 : n % 4 === 1 ? `0${n}` : `no ${n}`);
  await inBlocks(run, 'id\n', 10, key);
  const r = await done;
  assert.equal(r.status, 0, r.stderr);
  const { statistics } = JSON.parse(r.stdout).results[0];
  assert.deepEqual(
    [statistics.source_rows, statistics.bind_rows, statistics.matched_rows, statistics.unique_keys_in_bind, statistics.duplicate_keys],
    [100000, rows, 25000, rows, 0]);
  assert.deepEqual(statistics.near_misses, { trim: 0, ignore_case: 0, number_text: 25000, leading_zeros: 25000 });
  const out = readdirSync(join(s.dir, 'out'), { recursive: true }).filter((name) => /_bound_.*\.csv$/.test(name));
  let n = -1;
  for await (const line of createInterface({ input: createReadStream(join(s.dir, 'out', out[0])) })) {
    if (n >= 0) {
      const want = n % 4 === 0 ? `${n + 1},"the label of number ${n + 1}, which is a long one so that it takes room ${rows - n - 1}"` : `${key(n)},`;
      if (line !== want) assert.equal(line, want);
    }
    n++;
  }
  assert.equal(n, 100000);
});

// Four rules that must know all of their column first; each column is larger than what memory may hold of it.
test('medians, quartiles and most frequent values of more rows than memory can remember', async (t) => {
  const s = new Scratch(t);
  if (await skipped(t, s)) return;
  const blocks = Math.ceil(200 * SCALE), rows = blocks * 10000;
  s.write('steps.json', {
    steps: [{
      operation: 'normalization/apply',
      arguments: {
        normalizations: [
          { column: 'amount', type: 'fill_null_values', parameters: { method: 'median' } },
          { column: 'name', type: 'fill_null_values', parameters: { method: 'mode' } },
          { column: 'size', type: 'outlier_removal' },
          { column: 'size', type: 'fill_null_values', parameters: { method: 'median' } },
        ],
        output_format: 'csv',
      },
    }],
  });
  const run = limited(s.dir, ['run', '--json', '--progress', 'none', '--steps', 'steps.json', '--input', '-', '--output', 'out'],
    { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_MEMORY_LIMIT_MB: '64' });
  const done = finish(run);
  // Numbers 0..rows-1 in another order, one of them blank; names that come once, and one late that comes twice.
  const step = 7919, other = (n) => (n * step) % rows;
  const late = rows - 7;
  const row = (n) => `${other(n) === rows - 1 ? '' : other(n)},${n === 1 ? '' : `customer number ${n === late ? late - 1 : n}`},${n === 0 ? 1e12 : n}`;
  await inBlocks(run, 'amount,name,size\n', blocks, row);
  const r = await done;
  assert.equal(r.status, 0, r.stderr);
  const { report } = JSON.parse(r.stdout).results[0];
  assert.deepEqual(report.columns_processed.map((c) => c.filled ?? c.outliers_removed), [1, 1, 1, 1]);
  for (const c of report.columns_processed) assert.equal(c.before_stats.unique_count_exact, false);
  const out = readdirSync(join(s.dir, 'out'), { recursive: true }).filter((name) => /_normalized_.*\.csv$/.test(name));
  let n = -1;
  for await (const line of createInterface({ input: createReadStream(join(s.dir, 'out', out[0])) })) {
    if (n >= 0) {
      const amount = other(n) === rows - 1 ? (rows - 2) / 2 : other(n);
      const name = `customer number ${n === 1 || n === late ? late - 1 : n}`;
      const want = `${amount},${name},${n === 0 ? rows / 2 : n}`;
      if (line !== want) assert.equal(line, want);
    }
    n++;
  }
  assert.equal(n, rows);
});
