// Every operation over REST: its declaration's first example, downloads, refusals, and the doors that only REST has.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';

let server;
let operations;

before(async () => {
  server = await Server.start({ env: { SHEETFLOW_FILE_MAX_FILE_SIZE_MB: '1' } });
  operations = (await server.call('GET', '/operations')).body.data.operations;
});
after(() => server.close());

// files: {field: [name, content]}; fields: objects become JSON text.
function form(files, fields = {}) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    body.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  for (const [field, [name, content]] of Object.entries(files)) body.append(field, new Blob([content]), name);
  return body;
}

const post = (path, files, fields, headers) => server.call('POST', path, form(files, fields), headers);

// What a run writes anew each time.
const timeless = (text) => text.replace(/Generated at: .*/g, 'Generated at: *').trimEnd();

const PEOPLE = 'id,name,age,born,member\n007,Ada,36,1985-12-10,true\n008,Alan,41,1972-06-23,false\n009,Joan,,1977-06-24,true\n';

test('every operation answers its first example', async (t) => {
  for (const operation of operations) {
    await t.test(operation.name, async () => {
      const [example] = operation.examples;
      const files = { file: ['people.csv', example.input] };
      const fields = { ...example.arguments };
      if (example.bind) files.bind_file = ['bind.csv', example.bind];
      delete fields.bind_file;
      const reply = await post(`/${operation.name}`, files, fields);
      assert.equal(reply.status, 200, JSON.stringify(reply.body));
      assert.equal(reply.body.status_code, 200);
      const { data } = reply.body;
      assert.equal(data.rows_in, example.input.trim().split('\n').length - 1);
      assert.deepEqual(data.warnings, []);
      if (operation.kind === 'result') {
        assert.equal(data.download_url, undefined);
        return;
      }
      const got = await fetch(data.download_url);
      assert.equal(got.status, 200);
      const text = await got.text();
      assert.equal(data.size, Buffer.byteLength(text));
      if (example.output) assert.equal(timeless(text), timeless(example.output));
    });
  }
});

test('a column is read as values and statistics, where REST clients look and where workflows have it', async () => {
  const { body } = await post('/excel/extract-columns', { file: ['p.csv', PEOPLE] }, { columns: 'age' });
  assert.deepEqual(body.data.columns.age.values, [36, 41, null]);
  assert.equal(body.data.columns.age.null_count, 1);
  assert.equal(body.data.extraction_info.total_rows, 3);
  assert.deepEqual(body.data.data.columns, body.data.columns);
});

test('a result is named, typed, ranged, and not to be guessed', async () => {
  const reply = await post('/excel/extract-columns-to-file', { file: ['Übersicht 1.csv', PEOPLE] },
    { columns: ['id', 'name'], remove_duplicates: 'YES' });
  const { download_url: url, filename } = reply.body.data;
  assert.match(filename, /^Übersicht 1_extracted_\d{8}_\d{6}\.xlsx$/);
  assert.match(url, /\/api\/v1\/files\/downloads\/[0-9a-f]{32}-%C3%9Cbersicht%201_extracted_\d{8}_\d{6}\.xlsx$/);
  const whole = await fetch(url);
  assert.equal(whole.headers.get('content-type'),
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet');
  assert.match(whole.headers.get('content-disposition'), /filename\*=UTF-8''%C3%9Cbersicht%201_extracted/);
  const bytes = Buffer.from(await whole.arrayBuffer());
  const part = await fetch(url, { headers: { range: 'bytes=0-1' } });
  assert.equal(part.status, 206);
  assert.equal(await part.text(), bytes.subarray(0, 2).toString());
  assert.equal((await fetch(url, { headers: { 'if-none-match': whole.headers.get('etag') } })).status, 304);
  const wrong = url.replace(/downloads\/./, (m) => m.slice(0, -1) + (m.endsWith('0') ? '1' : '0'));
  assert.equal((await server.call('GET', wrong)).status, 404);
  assert.equal((await server.call('GET', '/files/downloads/..%2f..%2fsqlite%2fchat.db')).status, 400);
  assert.equal((await server.call('GET', `/files/downloads/${'0'.repeat(32)}-..`)).status, 404);
  assert.equal((await server.call('GET', '/files/downloads/nothing.xlsx')).body.data.error_type, 'NotFound');
});

test('what old clients expect of this door: conditions_applied, statements, names, no report', async () => {
  const file = ['people.csv', PEOPLE];
  const found = await post('/csv/search', { file }, {
    conditions: [{ column: 'age', operator: 'gt', value: 40 }] });
  assert.equal(found.body.data.conditions_applied, 1);
  assert.deepEqual(found.body.data.statistics, { total_rows: 3, filtered_rows: 1, conditions_applied: 1, matched: [1] });
  assert.match(found.body.data.filename, /^people_search_.*\.csv$/);

  const sql = (await post('/sql/generate', { file }, { table_name: 'people' })).body.data;
  assert.deepEqual([sql.success, sql.table_name, sql.database_type, sql.total_rows, sql.total_statements],
    [true, 'people', 'postgresql', 3, 3]);
  assert.match(sql.statements[0], /^INSERT INTO people/);
  assert.match(sql.generated_at, /Z$/);
  const kept = (await post('/sql/generate', { file }, { return_file: 'True' })).body.data;
  assert.equal(kept.statements, undefined);
  assert.match((await server.download(kept.download_url)).toString(), /^-- Generated by Sheetflow/);

  const text = (await post('/sql/generate-to-text', { file })).body.data;
  assert.match(text.filename, /^sql_statements_\d{8}_\d{6}\.txt$/);
  assert.match(text.download_url, /sql_statements_\d{8}_\d{6}\.txt$/);
  assert.match((await fetch(text.download_url)).headers.get('content-type'), /^text\/plain/);
  const custom = (await post('/sql/generate-custom-to-text', { file },
    { template: 'UPDATE people SET name = {name} WHERE id = {id};' })).body.data;
  assert.match(custom.filename, /^custom_sql_\d{8}_\d{6}\.txt$/);

  const rules = [{ column_name: 'name', normalization_type: 'uppercase' }];
  const silent = await post('/normalization/apply', { file }, { normalizations: rules });
  assert.equal(silent.body.data.report, undefined);
  const told = await post('/normalization/apply', { file }, { normalizations: rules, return_report: '1' });
  assert.equal(told.body.data.report.columns_processed.length, 1);
});

test('more than 100 statements: the first 100 are shown, all are in the file', async () => {
  const rows = Array.from({ length: 250 }, (_, i) => `${i + 1},x`).join('\n');
  const { data } = (await post('/sql/generate', { file: ['many.csv', `id,name\n${rows}\n`] })).body;
  assert.equal(data.statements.length, 100);
  assert.equal(data.total_statements, 250);
});

test('a join needs both files, each in its field', async () => {
  const fields = { comparison_column: 'id', bind_columns: ['city'] };
  const missing = await post('/excel/bind-single-key', { file: ['a.csv', PEOPLE] }, fields);
  assert.equal(missing.status, 422);
  assert.equal(missing.body.data.details.argument, 'bind_file');
  const wrong = await post('/excel/bind-single-key',
    { file: ['a.csv', PEOPLE], bind_fil: ['b.csv', 'id,city\n'] }, fields);
  assert.equal(wrong.status, 422);
  assert.deepEqual(wrong.body.data.details.suggestions, ['bind_file']);
  const same = await post('/excel/bind-single-key',
    { file: ['a.csv', PEOPLE], bind_file: ['a.csv', 'id,city\n007,London\n'] },
    { ...fields, output_format: 'csv' });
  assert.equal(same.status, 200, JSON.stringify(same.body));
  assert.equal(same.body.data.statistics.matched_rows, 1);
});

test('wrong requests are refused by name, and nothing of them stays', async () => {
  const file = ['people.csv', PEOPLE];
  const none = await server.call('POST', '/excel/search', { conditions: [] });
  assert.equal(none.status, 422);
  assert.match(none.body.message, /^file is required\. .*multipart/);
  const unknown = await post('/excel/search', { file }, { conditons: [] });
  assert.equal(unknown.status, 422);
  assert.deepEqual(unknown.body.data.details.suggestions, ['conditions']);
  const mistyped = await post('/excel/search', { file }, { conditions: '[{"column": ' });
  assert.equal(mistyped.status, 422);
  assert.equal(mistyped.body.data.details.argument, 'conditions');
  const bool = await post('/excel/extract-columns', { file }, { remove_duplicates: 'maybe' });
  assert.equal(bool.status, 422);
  assert.equal(bool.body.data.details.argument, 'remove_duplicates');
  const column = await post('/excel/extract-columns-to-file', { file }, { columns: ['nmae'] });
  assert.equal(column.status, 422);
  assert.equal(column.body.data.error_type, 'ColumnNotFound');
  assert.deepEqual(column.body.data.details.available_columns ?? column.body.data.details.available,
    ['id', 'name', 'age', 'born', 'member']);
  assert.deepEqual(column.body.data.details.suggestions, ['name']);
  const png = await post('/excel/info', { file: ['x.xlsx', Buffer.from('89504e470d0a1a0a0000000d', 'hex')] });
  assert.equal(png.status, 415);
  const suffix = await post('/excel/info', { file: ['x.exe', PEOPLE] });
  assert.equal(suffix.status, 415);
  const large = await post('/csv/search', { file: ['l.csv', Buffer.alloc(3 << 20, 'a,b\n')] });
  assert.equal(large.status, 413);
  assert.match(large.body.message, /1 MiB.*file\.max_file_size_mb/);
  const limit = await post('/excel/bind-single-key',
    { file: ['a.csv', Buffer.alloc((1 << 20) + 5, 'a,b\n')], bind_file: ['b.csv', 'a\n1\n'] });
  assert.equal(limit.status, 413);
  assert.match(limit.body.message, /^a\.csv/);
  const plain = await server.call('POST', '/excel/search', 'a,b', { 'content-type': 'text/csv' });
  assert.equal(plain.status, 415);
  const method = await server.call('GET', '/excel/search');
  assert.equal(method.status, 405);
  assert.equal(method.headers.get('allow'), 'POST');
  assert.equal((await server.call('POST', '/excel/serch', {})).status, 404);
  assert.deepEqual(readdirSync(join(server.data, 'tmp')), []);
  assert.deepEqual(readdirSync(join(server.data, 'results')).filter((name) => name.startsWith('.')), []);
});

test('what is in a file, and how it can be searched', async () => {
  const info = (await post('/csv/info', { file: ['people.csv', PEOPLE] })).body.data;
  assert.deepEqual([info.file_name, info.rows, info.columns, info.delimiter, info.encoding, info.file_size],
    ['people.csv', 3, 5, ',', 'UTF-8', Buffer.byteLength(PEOPLE)]);
  assert.deepEqual(info.column_names, ['id', 'name', 'age', 'born', 'member']);
  assert.deepEqual(info.data_types, { id: 'text', name: 'text', age: 'integer', born: 'date', member: 'boolean' });
  assert.equal(info.profile.age.blanks, 1);
  assert.equal(info.profile.name.distinct, 3);
  const typo = await post('/csv/info', { file: ['people.csv', PEOPLE] }, { delimitr: ';' });
  assert.deepEqual(typo.body.data.details.suggestions, ['delimiter']);
  const other = await post('/csv/info', { file: ['people.csv', PEOPLE] }, { header_row: 0 });
  assert.equal(other.body.data.rows, 4);

  const made = (await post('/csv/convert-to-excel', { file: ['people.csv', PEOPLE] }, { sheet_name: 'Leute' })).body.data;
  const xlsx = await server.download(made.download_url);
  const book = (await post('/excel/info', { file: ['p.xlsx', xlsx] })).body.data;
  assert.deepEqual(book.sheets.map((sheet) => sheet.name), ['Leute', 'Info']);
  const operators = await post('/excel/search/suggest-operators', { file: ['p.xlsx', xlsx] });
  assert.deepEqual(Object.keys(operators.body.data), ['id', 'name', 'age', 'born', 'member']);
  assert.deepEqual(operators.body.data.age, { type: 'integer',
    operators: ['equals', 'not_equals', 'greater_than', 'greater_than_or_equal', 'less_than', 'less_than_or_equal',
      'between'] });
  assert.deepEqual(operators.body.data.born.operators, ['equals', 'before', 'after', 'between']);
  assert.deepEqual(operators.body.data.member.operators, ['equals', 'not_equals']);
  assert.equal(operators.body.data.name.operators.length, 8);
  const same = await post('/csv/search/suggest-operators', { file: ['p.csv', PEOPLE] });
  assert.deepEqual(same.body.data, operators.body.data);
  assert.equal(same.body.total, 5);
});

test('files are bound row by row', async () => {
  const files = { source_file: ['s.csv', 'town,n\nLondon,1\nParis,2\n'], target_file: ['people.csv', PEOPLE] };
  const fields = { column_mapping: { city: 'town', age: 'n' }, output_format: 'csv' };
  const bound = (await post('/files/bind', files, fields)).body.data;
  assert.match(bound.filename, /^people_bound_\d{8}_\d{6}\.csv$/);
  assert.equal((await server.download(bound.download_url)).toString(),
    'id,name,age,born,member,city\n007,Ada,1,1985-12-10,true,London\n008,Alan,2,1972-06-23,false,Paris\n'
    + '009,Joan,,1977-06-24,true,\n');
  assert.deepEqual(bound.statistics, { target_rows: 3, source_rows: 2, bound_rows: 2 });
  assert.deepEqual(bound.warnings.map((w) => [w.kind, w.count]), [['rows_without_source', 1]]);
  const preview = await post('/files/bind/preview', files, { column_mapping: { city: 'town' }, limit: 2 });
  assert.equal(preview.status, 200, JSON.stringify(preview.body));
  assert.deepEqual(preview.body.data.rows, [['007', 'Ada', 36, '1985-12-10', true, 'London'],
    ['008', 'Alan', 41, '1972-06-23', false, 'Paris']]);
  assert.equal(preview.body.data.total_rows, 3);
  const wrong = await post('/files/bind', files, { column_mapping: { city: 'twon' } });
  assert.equal(wrong.status, 422);
  assert.deepEqual(wrong.body.data.details.suggestions, ['town']);
  const longer = { source_file: ['s.csv', 'x\n1\n2\n3\n4\n5\n'], target_file: ['t.csv', 'a\n1\n'] };
  const cut = (await post('/files/bind', longer, { column_mapping: { b: 'x' } })).body.data;
  assert.deepEqual(cut.warnings.map((w) => [w.kind, w.count]), [['unused_source_rows', 4]]);
  const chat = await server.create();
  await server.upload(chat.chat_id, 'a.csv', PEOPLE);
  const step = await server.execute(chat.chat_id, [{ operation: 'files/bind', arguments: {} }]);
  assert.equal(step.status, 422, 'it is no step of workflows');
});

test('files are bound row by row across batches', async () => {
  const n = 5000;
  const column = (name, f) => `${name}\n${Array.from({ length: n }, (_, i) => f(i)).join('\n')}\n`;
  const reply = await post('/files/bind', { source_file: ['s.csv', column('s', (i) => `value ${i}`)],
    target_file: ['t.csv', column('t', (i) => i)] }, { column_mapping: { s: 's' }, output_format: 'csv' });
  const lines = (await server.download(reply.body.data.download_url)).toString().trim().split('\n');
  assert.equal(lines.length, n + 1);
  lines.slice(1).forEach((line, i) => assert.equal(line, `${i},value ${i}`));
});

test('choices are told', async () => {
  const types = await server.call('GET', '/normalization/types');
  assert.equal(types.body.total, Object.keys(types.body.data).length);
  assert.ok(types.body.data.title_case.length > 5);
  const databases = await server.call('GET', '/sql/databases');
  assert.deepEqual(databases.body.data, { databases: ['postgresql', 'mysql', 'sqlite'], default: 'postgresql' });
});

test('many at once are all answered', async () => {
  const replies = await Promise.all(Array.from({ length: 40 }, (_, i) => post('/csv/search',
    { file: [`f${i}.csv`, `n\n${i}\n${i + 1}\n`] }, { conditions: [{ column: 'n', operator: 'eq', value: i }] })));
  for (const reply of replies) assert.equal(reply.body.data?.rows_out, 1, JSON.stringify(reply.body));
});

test('results survive a restart until they expire; then they are gone from the disk too', async () => {
  const { download_url: url } = (await post('/csv/search', { file: ['a.csv', PEOPLE] },
    { conditions: [{ column: 'id', operator: 'eq', value: '007' }] })).body.data;
  const { pathname } = new URL(url);
  const token = /downloads\/([0-9a-f]{32})-/.exec(pathname)[1];
  const folder = join(server.data, 'results', token);
  mkdirSync(join(server.data, 'results', `.${'0'.repeat(32)}`));
  await server.stop();
  await server.restart();
  assert.match((await server.download(server.origin + pathname)).toString(), /007,Ada/);
  assert.ok(!existsSync(join(server.data, 'results', `.${'0'.repeat(32)}`)), 'what was being made is gone');

  const [name] = readdirSync(folder);
  const old = new Date(Date.now() - 25 * 3600 * 1000);
  for (const path of [join(folder, name), folder]) utimesSync(path, old, old);
  const gone = await server.call('GET', server.origin + pathname);
  assert.equal(gone.status, 404);
  assert.match(gone.body.message, /expired/);
  await server.stop();
  await server.restart();
  while (existsSync(folder)) await server.call('GET', '/health'); // The janitor looks when the server starts.
});
