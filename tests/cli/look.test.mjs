// sheetflow op csv/info and csv/search/suggest-operators: what the HTTP API answers about a file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scratch, people } from './cli.mjs';

test('a file is told of as JSON, from a pipe too', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const o = JSON.parse((await s.run(['op', 'csv/info', 'people.csv'])).stdout);
  assert.deepEqual([o.file_name, o.rows, o.columns, o.profile.age.max], ['people.csv', 3, 5, 85]);
  const piped = await s.run(['op', 'excel/info', '-'], { input: people });
  assert.equal(JSON.parse(piped.stdout).rows, 3);
  assert.deepEqual(s.list(), ['people.csv']);
});

test('each column with the operators that fit it', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const o = JSON.parse((await s.run(['op', 'csv/search/suggest-operators', 'people.csv'])).stdout);
  assert.deepEqual(Object.keys(o), ['id', 'name', 'email', 'age', 'joined']);
  assert.deepEqual(o.joined, { type: 'date', operators: ['equals', 'before', 'after', 'between'] });
  assert.equal(o.id.operators.length, 8);
});

test('help, a missing file, a wrong flag', async (t) => {
  const s = new Scratch(t);
  assert.match((await s.run(['op', 'csv/info', '--help'])).stdout, /^Usage: sheetflow op csv\/info FILE$/m);
  assert.equal((await s.run(['op', 'csv/info', 'none.csv'])).status, 66);
  assert.equal((await s.run(['op', 'csv/info'])).status, 2);
  const wrong = await s.run(['op', 'csv/info', '--shet', '1', 'none.csv']);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--sheet/);
});
