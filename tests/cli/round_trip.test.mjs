// Tables made by chance through every pair of formats of the real program: each format is written from a text, read
// and written as every other, and what comes out must be the text again. Old workbooks are only read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scratch } from './cli.mjs';

const TABLES = 6;
const COLUMNS = ['name', 'größe', 'a,b', 'say "x"', '=x', '東京'];
const ODD = ['007', '1E5', 'TRUE', '3-4', '1,5', '-0', 'null', '#N/A', '2024-02-29', '12345678901234567890', '0.1', '-5',
  '=1+1', "O'Neil", 'a\nb', ' lead', 'trail ', '"q"', ';', '\t', '😀', '_x0041_', '<&>', '\\', 'x,y', 'é', ''];

// xorshift: the same tables every time.
function chance(seed) {
  let x = seed * 2654435761 >>> 0 || 1;
  return (below) => {
    x ^= x << 13; x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5; x >>>= 0;
    return x % below;
  };
}

function someTable(seed) {
  const next = chance(seed + 1);
  const columns = COLUMNS.slice(0, 2 + next(COLUMNS.length - 1));
  const kinds = columns.map(() => next(4));
  const cell = (kind) => {
    if (next(6) === 0) return '';
    if (kind === 0) return String(next(2000000) - 1000000);
    if (kind === 1) return String((next(2000000) - 1000000) / 64);
    if (kind === 2) return ODD[next(ODD.length)];
    return Array.from({ length: 1 + next(12) }, () => String.fromCharCode(97 + next(26))).join('');
  };
  const rows = Array.from({ length: next(40) }, () => kinds.map(cell));
  rows.push(columns.map((_, i) => `end${i}`)); // Blank rows at the end of a sheet are none.
  return { columns, rows };
}

const quoted = (v) => (/[",\r\n]/.test(v) || /^\s|\s$/.test(v) ? `"${v.replaceAll('"', '""')}"` : v);
const asCsv = ({ columns, rows }) => `${[columns, ...rows].map((row) => row.map(quoted).join(',')).join('\n')}\n`;
// How an operation that keeps every row writes one format as another.
const convert = (input, output, format) => ['op', 'excel/search', '--conditions',
  '[{"column": "name", "operator": "not_equals", "value": "no such value"}]', '--output-format', format,
  ...(input.endsWith('.csv') ? ['--delimiter', ',', '--quote', '"'] : input.endsWith('.tsv') ? ['--delimiter', 'tab'] : []),
  input, output];

async function run(s, args) {
  const r = await s.run(args);
  assert.equal(r.status, 0, `${args.join(' ')}: ${r.stderr}`);
}

const records = (text, format) => (format === 'json' ? JSON.parse(text)
  : text.trimEnd().split('\n').map((line) => JSON.parse(line)));

for (let seed = 0; seed < TABLES; seed++) {
  test(`table ${seed} through every pair of formats`, async (t) => {
    const s = new Scratch(t);
    const table = someTable(seed);
    s.write('in.csv', asCsv(table));
    // The first writing settles how the program quotes; everything later must be the same bytes.
    await run(s, convert('in.csv', 'same.csv', 'csv'));
    const want = s.read('same.csv');
    for (const first of ['csv', 'tsv', 'xlsx']) {
      await run(s, convert('in.csv', `one.${first}`, first));
      for (const second of ['csv', 'tsv', 'xlsx', 'json', 'jsonl']) {
        const to = `two_${first}.${second}`;
        await run(s, convert(`one.${first}`, to, second));
        if (second === 'json' || second === 'jsonl') {
          const got = records(s.read(to), second);
          assert.equal(got.length, table.rows.length, to);
          got.forEach((record, i) => table.columns.forEach((column, c) => {
            const value = record[column] === null ? '' : String(record[column]);
            assert.equal(value, table.rows[i][c], `${to}, row ${i}, ${column}`);
          }));
          continue;
        }
        await run(s, convert(to, `three_${first}_${second}.csv`, 'csv'));
        assert.equal(s.read(`three_${first}_${second}.csv`), want, to);
      }
    }
  });
}
