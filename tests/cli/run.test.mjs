// sheetflow run: workflows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowly } from '../lib/workers.mjs';
import { Scratch, people, rows } from './cli.mjs';

const chain = (column = 'name') => ({
  steps: [
    { operation: 'excel/search', arguments: { conditions: [{ column: 'age', operator: 'greater_than', value: 40 }] } },
    { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'name', normalization_type: 'uppercase' }] } },
    { operation: 'excel/extract-columns-to-file', arguments: { columns: [column, 'age'], output_format: 'csv' } },
  ],
});
const result = 'name,age\nGRACE HOPPER,85\n"ALAN, T.",41\n';

test('three steps', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain());
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out'], { env: { SOURCE_DATE_EPOCH: '1770379200' } });
  assert.equal(r.stderr, '');
  assert.equal(r.status, 0);
  assert.equal(r.stdout, 'out/intermediate/people_search_20260206_120000.xlsx\n'
    + 'out/intermediate/people_normalized_20260206_120000.xlsx\nout/people_extracted_20260206_120000.csv\n');
  assert.equal(s.read('out/people_extracted_20260206_120000.csv'), result);
  assert.deepEqual(s.list('out'), ['intermediate', 'people_extracted_20260206_120000.csv']);
});

test('results as one JSON object', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain());
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out', '--json']);
  const o = JSON.parse(r.stdout);
  assert.equal(o.status, 'completed');
  assert.deepEqual(o.results.map((x) => [x.step, x.operation, x.rows_in, x.rows_out]),
    [[1, 'excel/search', 3, 2], [2, 'normalization/apply', 2, 2], [3, 'excel/extract-columns-to-file', 2, 2]]);
  assert.equal(o.output_files.length, 3);
  assert.equal(s.read(o.results[2].output_file_path), result);
});

test('to stdout, from stdin, steps from stdin', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain());
  const a = await s.run(['run', '--steps', 'steps.json', '--input', '-', '--output', '-'], { input: people });
  assert.equal(a.stdout, result);
  const b = await s.run(['run', '--steps', '-', '--input', 'people.csv', '--output', '-'], { input: JSON.stringify(chain()) });
  assert.equal(b.stdout, result);
  const both = await s.run(['run', '--steps', '-', '--input', '-', '--output', '-'], { input: people });
  assert.equal(both.status, 2);
  assert.match(both.stderr, /both read standard input/);
  assert.deepEqual(s.list(), ['people.csv', 'steps.json']);
});

test('progress as JSON lines: every step begins at 0 and ends at 100, in order', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain());
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out', '--progress', 'json']);
  const told = r.stderr.trim().split('\n').map((line) => JSON.parse(line))
    .map((e) => `${e.event} ${e.step ?? ''} ${e.percent ?? ''}`.trim());
  assert.deepEqual(told, [
    'step_started 0', 'progress 0 0', 'progress 0 100', 'step_completed 0',
    'step_started 1', 'progress 1 0', 'progress 1 100', 'step_completed 1',
    'step_started 2', 'progress 2 0', 'progress 2 100', 'step_completed 2', 'done',
  ]);
});

test('progress as plain lines', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain());
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out', '--progress', 'plain']);
  assert.match(r.stderr, /^\[1\/3\] excel\/search: 3 rows in, 2 out, \d+\.\d\d s$/m);
  assert.match(r.stderr, /^\[3\/3\] excel\/extract-columns-to-file: 2 rows in, 2 out/m);
});

test('a failing step: the ones before it keep their files', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain('nmae'));
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out']);
  assert.equal(r.status, 65);
  assert.match(r.stderr, /^sheetflow: step 3 of 3 \(excel\/extract-columns-to-file\): column 'nmae' does not exist; did you mean 'name'\?/m);
  assert.deepEqual(s.list('out'), ['intermediate']);
  assert.equal(s.list('out/intermediate').length, 2);
  assert.deepEqual(s.list(), ['out', 'people.csv', 'steps.json']);
});

const refusals = [
  ['an unknown operation', { steps: [{ operation: 'excel/serch' }] }, 2, /step 1 of 1 \(excel\/serch\): there is no operation .* did you mean 'excel\/search'\?/],
  ['no steps', { step: [] }, 2, /there are no steps/],
  ['an empty list', [], 2, /steps is empty/],
  ['a typo in an argument', { steps: [{ operation: 'excel/search', arguments: { condition: [] } }] }, 2, /no argument 'condition'; did you mean 'conditions'/],
  ['too many steps', Array.from({ length: 51 }, () => ({ operation: 'csv/convert-to-excel' })), 2, /51 steps; at most 50/],
  ['broken JSON', '{"steps": [', 65, /steps\.json: not valid JSON at line 1/],
];

for (const [label, steps, status, text] of refusals) {
  test(`refused: ${label}`, async (t) => {
    const s = new Scratch(t);
    s.write('people.csv', people);
    s.write('steps.json', steps);
    const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out']);
    assert.match(r.stderr, text);
    assert.equal(r.status, status);
    assert.deepEqual(s.list(), ['people.csv', 'steps.json']);
  });
}

test('several inputs: the first step reads the last one that no step names', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('pay.csv', 'id,pay\n007,20\n');
  const steps = [{ operation: 'excel/bind-single-key', arguments: { bind_file: 'pay.csv', comparison_column: 'id', bind_columns: ['pay'], output_format: 'csv' } }];
  s.write('steps.json', { steps });
  for (const inputs of [['people.csv', 'pay.csv'], ['pay.csv', 'people.csv']]) {
    const r = await s.run(['run', '--steps', 'steps.json', ...inputs.flatMap((i) => ['--input', i]), '--output', '-']);
    assert.equal(r.status, 0);
    assert.equal(r.stdout.split('\n')[1], '007,Ada Lovelace,ada@x.org,36,2024-01-31,20');
  }
  s.write('steps.json', { steps: [{ operation: 'csv/search', input_file: 'pay.csv', arguments: { conditions: { column: 'pay', operator: 'is_not_empty' } } }] });
  const own = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--input', 'pay.csv', '--output', '-']);
  assert.equal(own.stdout, 'id,pay\n007,20\n');
});

test('settings apply', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', chain());
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out'],
    { env: { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_SAVE_INTERMEDIATE_FILES: 'false' } });
  assert.equal(r.status, 0);
  assert.equal(s.list('out').length, 1);
  const few = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'out2'],
    { env: { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_MAX_STEPS: '2' } });
  assert.equal(few.status, 2);
  assert.match(few.stderr, /3 steps; at most 2/);
});

test('rejected rows lie beside the output, and are counted', async (t) => {
  const s = new Scratch(t);
  const lines = ['a,b'];
  for (let i = 0; i < 3000; i++) lines.push(i === 10 ? '"open,11' : `${i},x`);
  s.write('bad.csv', lines.join('\n') + '\n');
  const r = await s.run(['op', 'csv/search', '--conditions', '[{"column":"a","operator":"is_not_empty"}]', '--json', 'bad.csv']);
  const o = JSON.parse(r.stdout);
  assert.equal(r.status, 0);
  assert.equal(o.dropped.quarantined, 1);
  assert.equal(o.rows_in, 3000);
  assert.equal(o.rows_out, 2999);
  assert.match(o.rejected_file_path, /^bad_rejected_\d{8}_\d{6}\.csv$/);
  assert.match(s.read(o.rejected_file_path), /^line,reason,text\n12,/);
});

test('Ctrl-C in the middle of a run leaves nothing unfinished', async (t) => {
  const s = new Scratch(t);
  s.write('big.csv', rows(300000));
  s.write('steps.json', {
    steps: [
      { operation: 'csv/convert-to-excel' },
      { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'name', normalization_type: 'title_case' }] } },
    ],
  });
  const child = s.start(['run', '--steps', 'steps.json', '--input', 'big.csv', '--output', 'out', '--progress', 'json']);
  child.stderr.once('data', () => child.kill('SIGINT')); // The first frame: rows are going by.
  const r = await slowly(() => child.pid, () => child.done);
  assert.equal(r.status, 130);
  assert.deepEqual(s.list('out'), []);
});

test('the folders above the output are made as well', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('steps.json', { steps: [{ operation: 'excel/extract-columns-to-file', arguments: { columns: ['id'], output_filename: 'ids.csv' } }] });
  const r = await s.run(['run', '--steps', 'steps.json', '--input', 'people.csv', '--output', 'a/b//c/']);
  assert.equal(r.status, 0, r.stderr);
  assert.equal(s.read('a/b/c/ids.csv'), 'id\n007\n008\n009\n');
});
