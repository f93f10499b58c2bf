// A CSV is read once, trusting its top; what only a late row tells must be the same as if it had stood above.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Scratch } from './cli.mjs';

const ROWS = 150_000; // More than the reader holds at a time.
const lines = Array.from({ length: ROWS }, (_, i) => `${i},plain ${i}`);
const table = (...late) => `id,text\n${lines.join('\n')}\n${late.join('\n')}\n`;
const op = (s, ...rest) => s.run(['op', 'excel/extract-columns-to-file', '--json', ...rest]);

test('a wider row', async (t) => {
  const s = new Scratch(t);
  s.write('t.csv', table('7,x,more,yet more'));
  const o = JSON.parse((await op(s, 't.csv', 'out.csv')).stdout);
  assert.equal(o.rows_in, ROWS + 1);
  assert.equal(o.rows_out, ROWS + 1);
  assert.deepEqual(o.warnings.map((w) => [w.kind, w.count]), [['long_rows', 1]]);
  const out = readFileSync(join(s.dir, 'out.csv'), 'utf8').trimEnd().split('\n');
  assert.equal(out[0], 'id,text,_extra_1,_extra_2');
  assert.equal(out[1], '0,plain 0,,');
  assert.equal(out.at(-1), '7,x,more,yet more');
  assert.equal(out.length, ROWS + 2);
  assert.deepEqual(readdirSync(s.dir).sort(), ['out.csv', 't.csv']);
});

test('a wider row, to standard output', async (t) => {
  const s = new Scratch(t);
  s.write('t.csv', table('7,x,more'));
  const r = await s.run(['op', 'excel/extract-columns-to-file', '--columns', '_extra_1,id', '--output-format', 'csv', 't.csv', '-']);
  assert.equal(r.status, 0, r.stderr);
  const out = r.stdout.trimEnd().split('\n');
  assert.equal(out.length, ROWS + 2);
  assert.equal(out[0], '_extra_1,id');
  assert.equal(out.at(-1), 'more,7');
});

test('a column that only a late row has', async (t) => {
  const s = new Scratch(t);
  s.write('t.csv', table('7,x,more'));
  const r = await op(s, '--columns', '_extra_1', 't.csv', 'out.csv');
  assert.equal(r.status, 0, r.stderr);
  assert.ok(readFileSync(join(s.dir, 'out.csv'), 'utf8').endsWith('\nmore\n'));
});

test('letters of another encoding', async (t) => {
  const s = new Scratch(t);
  s.write('t.csv', Buffer.from(table('7,Köln'), 'latin1'));
  const o = JSON.parse((await op(s, 't.csv', 'out.csv')).stdout);
  assert.deepEqual(o.warnings.map((w) => w.kind), ['encoding_guessed']);
  assert.ok(readFileSync(join(s.dir, 'out.csv'), 'utf8').endsWith('\n7,Köln\n'));
});

test('rows that cannot be read, before a wider one', async (t) => {
  const s = new Scratch(t);
  s.write('t.csv', table('7,x').replace('\n5,plain 5\n', '\n5,"plain 5\n').replace(/7,x\n$/, '7,x,more\n'));
  const o = JSON.parse((await op(s, 't.csv')).stdout);
  assert.equal(o.dropped.quarantined, 1);
  assert.equal(o.rows_out, ROWS);
  assert.match(o.output_file_path, /^t_extracted_\d+_\d+\.xlsx$/);
  assert.match(o.rejected_file_path, /^t_rejected_\d+_\d+\.csv$/);
  assert.match(readFileSync(join(s.dir, o.rejected_file_path), 'utf8'), /plain 5/);
  assert.equal(readdirSync(s.dir).length, 3);
});

test('a search of several passes, and a chain', async (t) => {
  const s = new Scratch(t);
  s.write('t.csv', table('7,x,more'));
  s.write('steps.json', JSON.stringify({
    steps: [
      { operation: 'csv/search', arguments: { conditions: [{ column: 'id', operator: 'equals', value: '7' }] } },
      { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'text', normalization_type: 'uppercase' }] } },
      { operation: 'excel/convert-to-csv', arguments: {} },
    ],
  }));
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 't.csv', '--output', 'made', '--json']);
  const o = JSON.parse(r.stdout);
  assert.equal(o.status, 'completed', r.stdout);
  assert.deepEqual(o.results.map((x) => x.rows_out), [2, 2, 2]);
  const path = o.results[2].output_file_path;
  assert.equal(readFileSync(join(s.dir, path), 'utf8'), 'id,text,_extra_1\n7,PLAIN 7,\n7,X,more\n');
  assert.ok(!/-2\./.test(JSON.stringify(o.output_files)));
});
