// sheetflow op: one operation.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Scratch, people, rows, stamp } from './cli.mjs';

const over40 = ['--conditions', '[{"column": "age", "operator": "greater_than", "value": 40}]'];
const found = 'id,name,email,age,joined\n008,Grace Hopper,grace@x.org,85,2024-02-29\n009,"Alan, T.",,41,2024-03-01\n';

test('to a file that is named', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['op', 'csv/search', ...over40, 'people.csv', 'found.csv']);
  assert.equal(r.stderr, '');
  assert.equal(r.status, 0);
  assert.equal(r.stdout, 'found.csv\n');
  assert.equal(s.read('found.csv'), found);
  assert.deepEqual(s.list(), ['found.csv', 'people.csv']);
});

test('beside the input, under its usual name', async (t) => {
  const s = new Scratch(t);
  mkdirSync(join(s.dir, 'sub'));
  s.write('sub/people.csv', people);
  const r = await s.run(['op', 'csv/search', ...over40, 'sub/people.csv']);
  assert.equal(r.status, 0);
  assert.match(r.stdout, /^sub\/people_search_\d{8}_\d{6}\.csv\n$/);
  assert.equal(s.read(r.stdout.trim()), found);
  assert.equal(s.list('sub').length, 2);
});

test('into a folder', async (t) => {
  const s = new Scratch(t);
  mkdirSync(join(s.dir, 'out'));
  s.write('people.csv', people);
  const r = await s.run(['op', 'csv/search', ...over40, 'people.csv', 'out']);
  assert.equal(r.status, 0);
  assert.match(s.list('out').join(), /^people_search_\d{8}_\d{6}\.csv$/);
});

test('from stdin to stdout', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['op', 'csv/search', ...over40, '-', '-'], { input: people });
  assert.equal(r.status, 0);
  assert.equal(r.stdout, found);
  assert.equal(r.stderr, '');
  assert.deepEqual(s.list(), []);
});

test('from a pipe that has a name', async (t) => {
  const s = new Scratch(t);
  execFileSync('mkfifo', [join(s.dir, 'pipe')]);
  const child = s.start(['op', 'csv/search', ...over40, 'pipe', '-']);
  writeFileSync(join(s.dir, 'pipe'), people);
  const r = await child.done;
  assert.equal(r.stderr, '');
  assert.equal(r.stdout, found);
  assert.deepEqual(s.list(), ['pipe']);
});

test('a workbook through stdout and back', async (t) => {
  const s = new Scratch(t);
  const x = await s.run(['op', 'csv/convert-to-excel', '-', '-'], { input: people });
  assert.equal(x.status, 0);
  assert.equal(x.bytes.subarray(0, 2).toString(), 'PK');
  const c = await s.run(['op', 'excel/convert-to-csv', '-', '-'], { input: x.bytes });
  assert.equal(c.status, 0);
  assert.equal(c.stdout, people);
});

test('the suffix chooses the format', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  for (const [name, begins] of [['a.xlsx', 'PK'], ['a.csv', 'id,name'], ['a.tsv', 'id\tname'], ['a.json', '['], ['a.jsonl', '{"id":"007"']]) {
    const r = await s.run(['op', 'excel/search', ...over40.slice(0, 1), '[{"column":"age","operator":"less_than","value":40}]', 'people.csv', name]);
    assert.equal(r.status, 0, name);
    assert.ok(s.read(name).startsWith(begins), name);
  }
});

test('an existing file is replaced, a link followed, its permissions kept', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('old.csv', 'old');
  chmodSync(join(s.dir, 'old.csv'), 0o640);
  symlinkSync('old.csv', join(s.dir, 'link.csv'));
  const r = await s.run(['op', 'csv/search', ...over40, 'people.csv', 'link.csv']);
  assert.equal(r.status, 0);
  assert.equal(s.read('old.csv'), found);
  assert.equal(statSync(join(s.dir, 'old.csv')).mode & 0o777, 0o640);
  assert.deepEqual(s.list(), ['link.csv', 'old.csv', 'people.csv']);
});

test('a device is written to, not replaced', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['op', 'csv/search', ...over40, 'people.csv', '/dev/null']);
  assert.equal(r.status, 0);
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

test('reading and writing the same file', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['op', 'csv/search', ...over40, 'people.csv', 'people.csv']);
  assert.equal(r.status, 0);
  assert.equal(s.read('people.csv'), found);
});

test('flags with - or _, lists, yes and no, @file', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('c.json', '[{"column": "age", "operator": "gt", "value": 40}]');
  for (const args of [
    ['--conditions', '@c.json', '--header-row', '1'],
    ['--conditions=@c.json', '--header_row=1'],
  ]) {
    const r = await s.run(['op', 'csv/search', ...args, 'people.csv', '-']);
    assert.equal(r.stderr, '', args.join(' '));
    assert.equal(r.stdout, found, args.join(' '));
  }
  s.write('twice.csv', 'a,b\n1,x\n1,x\n');
  for (const [flags, lines] of [
    [['--remove-duplicates'], 2], [['--remove_duplicates'], 2], [['--remove-duplicates', 'true'], 2], [['--remove-duplicates=yes'], 2],
    [['--no-remove-duplicates'], 3], [['--remove-duplicates', 'false'], 3], [['--remove-duplicates', 'no'], 3],
  ]) {
    const r = await s.run(['op', 'excel/extract-columns-to-file', ...flags, '--columns', 'b,a', 'twice.csv', 'out.csv']);
    assert.equal(r.stderr, '', flags.join(' '));
    assert.equal(s.read('out.csv'), 'b,a\n' + 'x,1\n'.repeat(lines - 1), flags.join(' '));
  }
});

test('a second file', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  s.write('pay.csv', 'who,pay\n009,10\n007,20\n');
  const args = ['excel/bind-single-key', '--bind-file', 'pay.csv', '--comparison-column', 'id', '--bind-columns', 'pay'];
  s.write('pay.csv', 'id,pay\n009,10\n007,20\n');
  const r = await s.run(['op', ...args, 'people.csv', 'b.csv']);
  assert.equal(r.stderr, '');
  assert.equal(r.status, 0);
  assert.equal(s.read('b.csv').split('\n')[1], '007,Ada Lovelace,ada@x.org,36,2024-01-31,20');
  args[2] = 'pya.csv';
  const bad = await s.run(['op', ...args, 'people.csv', 'c.csv']);
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /there is no file 'pya\.csv'/);
});

test('results as one JSON object', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['op', 'csv/search', ...over40, '--json', 'people.csv', 'found.csv']);
  const o = JSON.parse(r.stdout);
  assert.equal(o.operation, 'csv/search');
  assert.equal(o.rows_in, 3);
  assert.equal(o.rows_out, 2);
  assert.deepEqual(o.dropped, { filtered: 1 });
  assert.equal(o.output_file_path, 'found.csv');
  assert.deepEqual(o.warnings, []);
});

test('an operation without a file prints what it found', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['op', 'excel/extract-columns', '--columns', 'age', 'people.csv']);
  assert.equal(r.status, 0);
  assert.equal(JSON.parse(r.stdout).columns.age.statistics.max, 85);
  assert.deepEqual(s.list(), ['people.csv']);
});

const failures = [
  ['no such file', ['op', 'csv/search', ...over40, 'poeple.csv'], 66, /there is no file 'poeple\.csv'/],
  ['a folder', ['op', 'csv/search', ...over40, '.'], 66, /'\.' is a folder, not a file/],
  ['no such column', ['op', 'csv/search', '--conditions', '[{"column":"agge","operator":"gt","value":1}]', 'people.csv'], 65,
    /column 'agge' does not exist; did you mean 'age'\? Available: id, name/],
  ['not a spreadsheet', ['op', 'csv/search', ...over40, 'picture.csv'], 65, /PNG|image|picture/i],
  ['nothing in it', ['op', 'csv/search', ...over40, 'empty.csv'], 65, /empty/],
  ['no such folder', ['op', 'csv/search', ...over40, 'people.csv', 'nowhere/out.csv'], 73, /the folder 'nowhere' does not exist/],
  ['no file of arguments', ['op', 'csv/search', '--conditions', '@none.json', 'people.csv'], 66, /'none\.json' cannot be read/],
  ['no settings file', ['op', 'csv/search', ...over40, '--config', 'none.yaml', 'people.csv'], 66, /none\.yaml/],
];

for (const [label, args, status, text] of failures) {
  test(`fails: ${label}`, async (t) => {
    const s = new Scratch(t);
    s.write('people.csv', people);
    s.write('empty.csv', '');
    s.write('picture.csv', Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex'));
    const before = s.list();
    const r = await s.run(args);
    assert.match(r.stderr, text);
    assert.equal(r.status, status);
    assert.doesNotMatch(r.stderr, /step 1 of 1|\/tmp\//);
    assert.equal(r.stdout, '');
    assert.deepEqual(s.list(), before);
  });
}

test('a failure as JSON', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const r = await s.run(['op', 'csv/search', '--conditions', '[{"column":"agge","operator":"gt","value":1}]', '--json', 'people.csv']);
  const o = JSON.parse(r.stdout);
  assert.equal(r.status, 65);
  assert.equal(o.status, 'failed');
  assert.equal(o.error.details.column, 'agge');
  assert.deepEqual(o.error.details.suggestions, ['age']);
});

test('warnings are told', async (t) => {
  const s = new Scratch(t);
  s.write('ragged.csv', 'a,b\n1,2\n3\n4,5\n');
  const r = await s.run(['op', 'csv/convert-to-excel', 'ragged.csv', 'x.xlsx']);
  assert.equal(r.status, 0);
  assert.match(r.stderr, /^warning: .+row 3/m);
  const quiet = await s.run(['op', 'csv/convert-to-excel', '--progress', 'none', 'ragged.csv', 'x.xlsx']);
  assert.equal(quiet.stderr, '');
});

test('a reader that has had enough', async (t) => {
  const s = new Scratch(t);
  s.write('big.csv', rows(300000));
  const child = s.start(['op', 'csv/search', '--conditions', '[{"column":"n","operator":"gt","value":0}]', 'big.csv', '-']);
  child.stdout.once('data', () => child.stdout.destroy());
  const r = await child.done;
  assert.equal(r.signal, 'SIGPIPE');
  assert.equal(r.stderr, '');
  assert.deepEqual(s.list(), ['big.csv']);
});

test('Ctrl-C leaves nothing behind', async (t) => {
  const s = new Scratch(t);
  const child = s.start(['op', 'csv/convert-to-excel', '-', 'x.xlsx'], { input: null });
  // It waits for the end of its input: there is work in hand, whatever the machine's speed.
  await new Promise((done) => {
    child.stdin.write(people, done);
  });
  while (s.list().length === 0) await new Promise(setImmediate);
  child.kill('SIGINT');
  const r = await child.done;
  assert.equal(r.status, 130);
  assert.match(r.stderr, /stopped on request/);
  assert.deepEqual(s.list(), []);
});

test('an output name that has the usual stamp is unique', async (t) => {
  const s = new Scratch(t);
  s.write('people.csv', people);
  const env = { SOURCE_DATE_EPOCH: '1770379200' };
  const a = await s.run(['op', 'csv/search', ...over40, 'people.csv'], { env });
  const b = await s.run(['op', 'csv/search', ...over40, 'people.csv'], { env });
  assert.match(a.stdout, stamp);
  assert.equal(a.stdout, 'people_search_20260206_120000.csv\n');
  assert.equal(b.stdout, 'people_search_20260206_120000-2.csv\n');
});
