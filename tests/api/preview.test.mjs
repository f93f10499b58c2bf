// Looking at files: rows alone, what columns hold, and dry runs on a sample.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';

const customers = readFileSync('samples/customers.xlsx');
let server;
let id;
before(async () => {
  server = await Server.start();
  id = (await server.create()).chat_id;
  await server.upload(id, 'customers.xlsx', customers);
  await server.upload(id, 'days.csv', 'day,n\n2024-01-01,1\n2024-01-02,2\n2024-01-03,x\n');
});
after(() => server.close());

const file = (name, what) => server.call('GET', `/chat/workflows/${id}/files/${name}/${what}`);
const search = (column, value) => ({ operation: 'excel/search', arguments: { conditions: [{ column, operator: 'equals', value }] } });

test('rows alone are the same rows', async () => {
  const whole = await file('customers.xlsx', 'preview?offset=3&limit=4');
  const rows = await file('customers.xlsx', 'preview?offset=3&limit=4&rows_only=1');
  assert.deepEqual(rows.body.data, { rows: whole.body.data.rows, offset: 3 });
  assert.equal((await file('customers.xlsx', 'preview?rows_only=1&offset=100')).body.data.rows.length, 0);
  assert.equal((await file('customers.xlsx', 'preview?rows_only=2')).status, 422);
});

test('a profile tells how values are spread', async () => {
  const { status, body } = await file('customers.xlsx', 'profile?sheet=Customers');
  const { credit, status: state, signed_up: day } = body.data.profile;
  assert.equal(status, 200);
  assert.equal(credit.histogram.reduce((sum, n) => sum + n), 10);
  assert.equal(day.histogram.length, 20);
  assert.deepEqual(state.top[0], { value: 'active', count: 8 });
  const days = (await file('days.csv', 'profile')).body.data.profile;
  assert.deepEqual([days.day.type, days.day.histogram[0], days.day.histogram[19]], ['date', 1, 1]);
  assert.equal(days.n.top.length, 3);
  assert.equal((await file('customers.xlsx', 'profile?sheet=Nope')).status, 422);
  assert.equal((await file('none.csv', 'profile')).status, 404);
});

test('a dry run on a sample shows what each step makes', async () => {
  const { status, body } = await server.execute(id, [
    search('status', 'active'),
    { operation: 'excel/extract-columns-to-file', arguments: { columns: ['name'] } },
    { operation: 'sql/generate', arguments: { table_name: 'people' } },
  ], { dry_run: true, sample: 4, input_file: 'customers.xlsx' });
  const [first, second, third] = body.data.results;
  assert.equal(status, 200);
  assert.deepEqual([first.rows_in, first.rows_out, first.preview.rows.length], [4, 3, 3]);
  assert.deepEqual(second.preview.columns.map(({ name }) => name), ['name']);
  assert.match(third.preview.text, /INSERT INTO people/);
  assert.deepEqual((await server.call('GET', `/chat/workflows/${id}/runs`)).body.data.runs, []);
});

test('a step that fails in a dry run is named, and those before it are shown', async () => {
  const { status, body } = await server.execute(id, [search('status', 'active'), search('nmae', 'x')],
    { dry_run: true, sample: 50, input_file: 'customers.xlsx' });
  assert.equal(status, 422);
  assert.match(body.message, /^step 2 of 2 \(excel\/search\): column 'nmae' does not exist/);
  const { step, results, suggestions, argument } = body.data.details;
  assert.deepEqual([step, results.length, suggestions, argument], [2, 1, ['name'], 'conditions[0].column']);
  assert.equal(results[0].preview.rows.length, 8);
});

test('a sample has its bounds', async () => {
  for (const sample of [0, 1001, -1, 1.5, '10', true]) {
    const { status, body } = await server.execute(id, [search('n', '1')], { dry_run: true, sample, input_file: 'days.csv' });
    assert.equal(status, 422, String(sample));
    assert.equal(body.data.details.argument, 'sample');
  }
});
