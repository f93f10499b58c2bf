// sheetflow inspect: what a file holds.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Scratch, people } from './cli.mjs';

test('a text file, for people', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['inspect', 'people.csv']);
  assert.equal(r.status, 0);
  assert.match(r.stdout, /^people\.csv: csv, 139 bytes$/m);
  assert.match(r.stdout, /UTF-8, delimiter ,/);
  assert.match(r.stdout, /3 rows, 5 columns/);
  assert.match(r.stdout, /^id +text +0 +007, 008, 009$/m);
  assert.match(r.stdout, /^age +integer +0 +36, 85, 41$/m);
  assert.match(r.stdout, /^joined +date /m);
});

test('everything, as JSON', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const o = JSON.parse((await s.run(['inspect', '--json', 'people.csv'])).stdout);
  assert.equal(o.format, 'csv');
  assert.equal(o.rows, 3);
  assert.deepEqual(o.column_names, ['id', 'name', 'email', 'age', 'joined']);
  assert.deepEqual(o.data_types, { id: 'text', name: 'text', email: 'text', age: 'integer', joined: 'date' });
  assert.equal(o.profile.email.blanks, 1);
  assert.equal(o.file_size, 139);
});

test('a workbook, and one of its sheets', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  await s.run(['op', 'csv/convert-to-excel', 'people.csv', 'people.xlsx']);
  const first = await s.run(['inspect', 'people.xlsx']);
  assert.match(first.stdout, /Sheets: +Sheet1 \(shown here\), Info/);
  const o = JSON.parse((await s.run(['inspect', '--sheet', 'Info', '--json', 'people.xlsx'])).stdout);
  assert.equal(o.sheet, 'Info');
  const bad = await s.run(['inspect', '--sheet', 'Inof', 'people.xlsx']);
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /Info/);
});

test('standard input', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['inspect', '-'], { input: people });
  assert.equal(r.status, 0);
  assert.match(r.stdout, /3 rows, 5 columns/);
});

test('a file that is not there', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['inspect', 'none.csv']);
  assert.equal(r.status, 66);
  assert.equal(r.stderr, "sheetflow: there is no file 'none.csv'\n");
});

test('a workbook whose first sheet is empty', async (t) => {
  const s = new Scratch(t);
  s.write('book.xlsx', readFileSync('tests/corpora/calamine/issue127.xlsx'));
  const o = JSON.parse((await s.run(['inspect', '--json', 'book.xlsx'])).stdout);
  assert.equal(o.rows, 0);
  assert.deepEqual(o.column_names, []);
  assert.deepEqual(o.warnings.map((w) => w.kind), ['empty_sheet']);
  assert.ok(o.sheets.length > 1);
  const r = await s.run(['op', 'excel/convert-to-csv', 'book.xlsx', 'out.csv']);
  assert.equal(r.status, 65);
  assert.match(r.stderr, /sheet 'Sheet1' is empty; it has no header row. The workbook's sheets: Sheet1, Sheet2/);
});

// Counting gives what looking into everything gives.
const counted = {
  'a table': people,
  'line ends and delimiters in quotes': 'a,b\n"1\n2","x,y"\n3,4\n',
  'blank lines': 'a,b\r\n\r\n1,2\r\n\r\n\r\n3,4\r\n\r\n',
  'blank lines of one column': 'a\n1\n\n\n2\n\n\n',
  'ragged rows': 'a,b\n1\n1,2,3,4\n1,2,,\n',
  'a quote that is never closed': 'a,b\n1,2\n3,"x\n4,5\n',
  'no line end at the end': 'a;b\n1;2\n3;4',
  'nothing but a header': 'a,b\n',
  'many rows': `a,b\n${'1,"x, y"\n\n'.repeat(5000)}2,3,4\n`,
};
for (const [name, text] of Object.entries(counted)) {
  test(`counting: ${name}`, async (t) => {
    const s = new Scratch(t);
    s.write('t.csv', text);
    const all = JSON.parse((await s.run(['inspect', '--json', 't.csv'])).stdout);
    const o = JSON.parse((await s.run(['inspect', '--count', '--json', 't.csv'])).stdout);
    assert.deepEqual([o.rows, o.columns], [all.rows, all.columns]);
    assert.ok(!('profile' in o));
    const r = await s.run(['inspect', '--count', 't.csv']);
    assert.equal(r.stdout, `${all.rows} rows, ${all.columns} columns\n`);
  });
}

test('counting the rows of a workbook\'s sheet, and of standard input', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  await s.run(['op', 'csv/convert-to-excel', 'people.csv', 'people.xlsx']);
  assert.equal((await s.run(['inspect', '--count', 'people.xlsx'])).stdout, '3 rows, 5 columns\n');
  assert.equal((await s.run(['inspect', '--count', '--sheet', 'Info', '--header-row', '0', 'people.xlsx'])).stdout, '6 rows, 2 columns\n');
  assert.equal((await s.run(['inspect', '--count', '-'], { input: people })).stdout, '3 rows, 5 columns\n');
  assert.equal((await s.run(['op', 'csv/info', '--count', 'people.csv'])).status, 2);
});
