// The scripts that sql/* write run unchanged on the real engines, and the rows come back equal.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { engines } from './engines.mjs';

const PROGRAM = resolve(process.env.SHEETFLOW || 'build/sheetflow');
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UTF8_NAME = 63; // The longest name all three take, in bytes.

const HOSTILE = [
  "O'Brien", "''", "'", '\\', 'back\\slash', 'ends with \\', "\\'", "\\\\' OR 1=1 --", "'; DROP TABLE t; --", '"; DROP TABLE t; --',
  '-- no comment', '# none either', '/* nor this */', '*/', 'line\nbreak', '\nbegins with a break', 'carriage\r\nreturn', 'tab\tbetween',
  'x\n.shell false\ny', 'x\n\\! false\ny', 'x\ndelimiter //\ny', 'x;\nCOMMIT;\ny', '$tag$', '$1', ':name', '@var', '?', '%s', '%_', "E'\\n'",
  '`tick`', '"double"', '{name}', '{{', 'NULL', 'null', 'TRUE', '007', '1234567890123456789', '1E5', '3-4', '=SUM(A1)', '€ ß 東京 😀 👩‍👩‍👧', 'e\u0301',
  '\u00a0', '\u2028', '\u200b', '\u0001', '\u001a', '\u007f', '\\0', '\\n', '\\%', '\\_', 'a'.repeat(5000),
];

const field = (value) => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`);
const csv = (names, rows) => [names, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');

for (const Engine of engines) {
  if (!Engine.program()) {
    test(Engine.name, { skip: 'not installed; make engines installs it' }, () => {});
    continue;
  }

  describe(Engine.name, () => {
    let engine;
    let dir;

    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'sheetflow-sql-'));
      engine = new Engine();
      await engine.start();
    });
    after(async () => {
      await engine?.close();
      rmSync(dir, { recursive: true, force: true });
    });

    function op(name, args, input, output) {
      const flags = Object.entries(args).flatMap(([key, value]) =>
        [`--${key}`, typeof value === 'string' ? value : JSON.stringify(value)]);
      const done = spawnSync(PROGRAM, ['op', name, ...flags, input, output], { cwd: dir, encoding: 'utf8' });
      assert.equal(done.status, 0, done.stderr);
      return readFileSync(join(dir, output), 'utf8');
    }

    // Make a table of these columns, write the CSV as SQL for this engine, load it.
    function load(table, columns, text, { operation = 'sql/generate', args = {}, file = 'in.csv' } = {}) {
      if (text !== null) writeFileSync(join(dir, file), text);
      const list = Object.entries(columns).map(([name, type]) => `${engine.quote(name)} ${engine.types[type] ?? type}`);
      engine.run(`CREATE TABLE ${engine.quote(table)} (${list.join(', ')});`);
      const own = operation === 'sql/generate-custom-to-text' ? {} : { table_name: table };
      const script = op(operation, { database_type: engine.name, ...own, ...args }, file, `${table}.sql`);
      engine.run(script);
      return script;
    }

    test('hostile texts come back as they were', () => {
      const rows = HOSTILE.map((value, i) => [i, value, HOSTILE.at(-1 - i)]);
      load('hostile', { n: 'integer', a: 'text', b: 'text' }, csv(['n', 'a', 'b'], rows), { args: { types: 'text' } });
      assert.deepEqual(engine.rows('hostile', ['n', 'a', 'b']), rows.map(([n, a, b]) => ({ n, a, b })));
    });

    test('many rows in one INSERT and several transactions are the same rows', () => {
      const rows = Array.from({ length: 25 }, (_, i) => [i, HOSTILE[i]]);
      const args = { rows_per_insert: 4, batch_size: 10 };
      const script = load('many', { n: 'integer', a: 'text' }, csv(['n', 'a'], rows), { args });
      assert.equal(script.match(/^COMMIT;$/gm).length, 3 + 1, 'three, and one within a text');
      assert.deepEqual(engine.rows('many', ['n', 'a']), rows.map(([n, a]) => ({ n, a })));
    });

    test('numbers, booleans, dates and blanks keep their kind', () => {
      const columns = { i: 'integer', x: 'number', ok: 'boolean', day: 'date', at: 'datetime', t: 'text' };
      const rows = [
        [1, 0.1, true, '2024-02-29', '2024-02-29 23:59:59', 'a'],
        [-5, 2.675, false, '1999-12-31', '2000-01-01 00:00:00', null],
        [null, null, null, null, null, null],
        [999999999999999, 1500, true, '2038-01-20', '2038-01-20 03:14:08', ' '],
      ];
      const text = csv(Object.keys(columns), rows);
      const truth = (v) => (v === null ? null : Boolean(v));
      const back = (table) => engine.rows(table, Object.keys(columns)).map((row) => ({
        ...row,
        ok: truth(row.ok),
        at: row.at && row.at.replace('T', ' ').replace(/\.0+$/, ''),
      }));
      const want = rows.map((row) => Object.fromEntries(Object.keys(columns).map((name, k) => [name, row[k]])));
      load('kinds', columns, text);
      assert.deepEqual(back('kinds'), want);
      writeFileSync(join(dir, 'in.csv'), text);
      op('csv/convert-to-excel', {}, 'in.csv', 'in.xlsx');
      load('kinds_of_workbook', columns, null, { file: 'in.xlsx' });
      assert.deepEqual(back('kinds_of_workbook'), want);
    });

    test('blanks can be empty text', () => {
      load('empty', { a: 'text', b: 'text' }, 'a,b\nx,\n', { args: { empty_as: 'empty' } });
      assert.deepEqual(engine.rows('empty', ['a', 'b']), [{ a: 'x', b: '' }]);
    });

    test('names of columns and tables are quoted where they need it', () => {
      const names = ['order', 'select', 'group', 'user', 'Mixed Case', 'with space', 'we"ird', 'ti`ck', "o'clock", 'back\\slash', 'semi;colon',
        '--comment', '/*x*/', '1st', 'größe', '東京', 'a.b', '%s', '$x', 'n'.repeat(UTF8_NAME), 'w '.repeat(31) + 'w', 'key', 'rank', 'table', 'null', 'true'];
      const columns = Object.fromEntries(names.map((name) => [name, 'text']));
      load('Order Lines', columns, csv(names, [names]), { args: { types: 'text' } });
      assert.deepEqual(engine.rows('Order Lines', names), [Object.fromEntries(names.map((name) => [name, name]))]);
    });

    test('columns whose names are in upper case are found', () => {
      load('Upper', { ID: 'text', Name: 'text' }, 'ID,Name\n1,x\n', { args: { types: 'text' } });
      assert.deepEqual(engine.rows('Upper', ['ID', 'Name']), [{ ID: '1', Name: 'x' }]);
    });

    test('a name that is too long for the engine is refused, not cut', () => {
      const limit = { postgresql: 63, mysql: 64 }[engine.name];
      if (!limit) return;
      writeFileSync(join(dir, 'long.csv'), `${'n'.repeat(limit + 1)}\nx\n`);
      const done = spawnSync(PROGRAM, ['op', 'sql/generate', '--database-type', engine.name, 'long.csv', 'long.sql'], { cwd: dir, encoding: 'utf8' });
      assert.notEqual(done.status, 0);
      assert.match(done.stderr, new RegExp(`${limit}`));
      load('at_the_limit', { ['n'.repeat(limit)]: 'text' }, `${'n'.repeat(limit)}\nx\n`);
      assert.equal(engine.rows('at_the_limit', ['n'.repeat(limit)]).length, 1);
    });

    test('columns that the database fills in are left to it', () => {
      const type = { postgresql: 'postgresql_serial', mysql: 'mysql_auto_increment', sqlite: 'sqlite_autoincrement' }[engine.name];
      load('counted', { id: engine.serial, a: 'text' }, 'a\nx\ny\n', { args: { auto_increment: { increment_type: type } } });
      assert.deepEqual(engine.rows('counted', ['id', 'a']), [{ id: 1, a: 'x' }, { id: 2, a: 'y' }]);
    });

    test('a sequence counts', () => {
      if (engine.name === 'postgresql') engine.run('CREATE SEQUENCE seq_id START 7;');
      const args = { auto_increment: { increment_type: 'manual_sequence', start_value: 7 } };
      load('sequence', { id: 'integer', a: 'text' }, 'a\nx\ny\nz\n', { args });
      assert.deepEqual(engine.rows('sequence', ['id', 'a']), [{ id: 7, a: 'x' }, { id: 8, a: 'y' }, { id: 9, a: 'z' }]);
    });

    test('every row gets a UUID', () => {
      load('uuids', { id: 'text', a: 'text' }, 'a\nx\ny\nz\n', { args: { auto_increment: { increment_type: 'uuid_generate' } } });
      const ids = engine.rows('uuids', ['id']).map(({ id }) => id);
      assert.equal(new Set(ids).size, 3);
      for (const id of ids) assert.match(id, UUID);
    });

    test('templates put values into and beside literals', () => {
      const template = "INSERT INTO custom (n, a, b, c) VALUES ({n:int}, {a}, '<{a}>', {missing|none});";
      const rows = HOSTILE.map((value, i) => [i, value, null]);
      load('custom', { n: 'integer', a: 'text', b: 'text', c: 'text' }, csv(['n', 'a', 'missing'], rows),
        { operation: 'sql/generate-custom-to-text', args: { template, types: 'text' } });
      assert.deepEqual(engine.rows('custom', ['n', 'a', 'b', 'c']), rows.map(([n, a]) => ({ n, a, b: `<${a}>`, c: 'none' })));
    });

    test('LIKE finds what holds the value, wildcards in the data aside', () => {
      engine.run("CREATE TABLE likes (a varchar(100)); INSERT INTO likes VALUES ('Pat O''Brien, Dublin'), ('Ada');");
      writeFileSync(join(dir, 'in.csv'), "name\nO'Brien\n");
      const script = op('sql/generate-custom-to-text',
        { database_type: engine.name, template: 'DELETE FROM likes WHERE a LIKE {%name%};' }, 'in.csv', 'likes.sql');
      engine.run(script);
      assert.deepEqual(engine.rows('likes', ['a']), [{ a: 'Ada' }]);
    });

    test('chosen columns without repeated rows', () => {
      load('chosen', { a: 'text', b: 'text' }, 'a,x,b\n1,p,2\n1,q,2\n3,r,4\n',
        { operation: 'sql/generate-to-text', args: { columns: ['a', 'b'], remove_duplicates: true, types: 'text' } });
      assert.deepEqual(engine.rows('chosen', ['a', 'b']), [{ a: '1', b: '2' }, { a: '3', b: '4' }]);
    });
  });
}
