// What is measured: each task with its contenders, ours first, and the targets it is held against. A contender that
// cannot run here (its program is missing) is left out and told as missing. `at` limits a slow one to the sizes it can do
// in reasonable time.
//
// A target: { against, atLeast } how many times faster than a peer; { against, within } how many times a limit's time,
// the time of the contender `besides` not counted; { against, size } how many times a peer's file; { peak } MiB. At the
// largest size of the task unless `rows` says.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const SMALL = 100_000;
export const TINY = 1000;
const WANTED = [
  { column: 'note', operator: 'contains', value: 'urgent' },
  { column: 'amount', operator: 'greater_than', value: 5000 },
];
const COLUMNS = ['id', 'name', 'city', 'amount'];
const CHAIN = {
  steps: [
    { operation: 'excel/search', arguments: { conditions: WANTED } },
    {
      operation: 'normalization/apply',
      arguments: { normalizations: [{ column_name: 'city', normalization_type: 'uppercase' }] },
    },
    { operation: 'excel/extract-columns-to-file', arguments: { columns: COLUMNS } },
  ],
};

// bench: { dir, program, books (sizes of workbooks), tool(name), find(name) }; every file of one size lies in dir/<rows>.
export function tasksOf(bench) {
  const file = (rows, name) => join(bench.dir, String(rows), name);
  const op = (...rest) => [bench.program, 'op', ...rest];
  const python = (verb, from, to) => ['/usr/bin/python3', 'tests/bench/peer.py', verb, from, to];
  const node = (peer, verb, ...paths) => [process.execPath, `tests/bench/peers/${peer}.mjs`, verb, ...paths];
  const query = (verb, output, ...more) => ['Polars', 'DuckDB'].map((name) => {
    const peer = name.toLowerCase(), target = `${output}_${peer}.csv`;
    return {
      name,
      needs: peer,
      command: (n) => node(peer, verb, file(n, 'in.csv'), file(n, target), ...more.map((m) => file(n, m))),
      output: target,
    };
  });
  const queryTargets = (peak) => [{ against: 'Polars', atLeast: 1.5 }, { against: 'DuckDB', atLeast: 1.5 }, { peak }];
  const lxw = bench.tool('peer_libxlsxwriter');
  const steps = join(bench.dir, 'chain.json');
  writeFileSync(steps, JSON.stringify(CHAIN));

  const tasks = [
    {
      name: 'CSV, count rows',
      about: '`inspect --count`: records, not lines, so quotes are heeded and columns counted; a start of the program is allowed for',
      streams: true,
      targets: [{ against: 'wc -l', within: 1.3, besides: 'start of the program' }],
      contenders: [
        { name: 'Sheetflow', command: (n) => [bench.program, 'inspect', '--count', '--json', file(n, 'in.csv')], stdout: 'count.json' },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
        { name: 'start of the program', limit: true, command: (n) => [bench.program, 'inspect', '--count', '--json', file(n, 'one.csv')] },
      ],
    },
    {
      name: 'CSV, three columns',
      about: 'id, city and amount of ten',
      streams: true,
      sameLines: true,
      targets: [{ against: 'cat', within: 3 }],
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('excel/extract-columns-to-file', '--columns', 'id,city,amount', '--progress', 'none',
            file(n, 'in.csv'), file(n, 'select.csv')),
          output: 'select.csv',
        },
        ...query('select', 'select'),
        { name: 'cat', limit: true, command: (n) => ['cat', file(n, 'in.csv')], stdout: 'cat.csv' },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
      ],
    },
    {
      name: 'CSV, filter',
      about: '`contains` on text and `>` on a number, about one row in nine stays',
      streams: true,
      sameLines: true,
      targets: queryTargets(64),
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('csv/search', '--conditions', JSON.stringify(WANTED), '--progress', 'none',
            file(n, 'in.csv'), file(n, 'filter.csv')),
          output: 'filter.csv',
        },
        ...query('filter', 'filter'),
        {
          name: 'Miller',
          needs: 'mlr',
          command: (n) => ['mlr', '--icsv', '--ocsv', 'filter', '$note =~ "urgent"i && $amount > 5000', file(n, 'in.csv')],
          stdout: 'filter_mlr.csv',
        },
        {
          name: 'pandas',
          needs: 'pandas',
          command: (n) => python('csv-filter', file(n, 'in.csv'), file(n, 'filter_pandas.csv')),
          output: 'filter_pandas.csv',
        },
        {
          name: 'bare C loop',
          limit: true,
          command: (n) => [bench.tool('probe_csv'), file(n, 'in.csv'), '9', 'urgent', '4', '5000'],
          stdout: 'filter_probe.csv',
        },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
      ],
    },
    {
      name: 'CSV, two columns without duplicates',
      about: 'city and status, each pair once',
      streams: true,
      sameLines: true,
      targets: queryTargets(64),
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('excel/extract-columns-to-file', '--columns', 'city,status', '--remove-duplicates', '--progress', 'none',
            file(n, 'in.csv'), file(n, 'distinct.csv')),
          output: 'distinct.csv',
        },
        ...query('distinct', 'distinct'),
        {
          name: 'Miller',
          needs: 'mlr',
          command: (n) => ['mlr', '--icsv', '--ocsv', 'cut', '-o', '-f', 'city,status', 'then', 'head', '-n', '1', '-g', 'city,status', file(n, 'in.csv')],
          stdout: 'distinct_mlr.csv',
        },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
      ],
    },
    {
      name: 'CSV, join',
      about: 'one column by a key out of a file of a fifth of the rows',
      sameLines: true,
      targets: queryTargets(160),
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('excel/bind-single-key', '--bind-file', file(n, 'side.csv'), '--comparison-column', 'id',
            '--bind-columns', 'label', '--progress', 'none', file(n, 'in.csv'), file(n, 'joined.csv')),
          output: 'joined.csv',
        },
        ...query('join', 'joined', 'side.csv'),
        {
          name: 'Miller',
          needs: 'mlr',
          command: (n) => ['mlr', '--icsv', '--ocsv', 'join', '--ur', '-j', 'id', '-f', file(n, 'side.csv'),
            'then', 'unsparsify', file(n, 'in.csv')],
          stdout: 'joined_mlr.csv',
        },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
      ],
    },
    {
      name: 'CSV to JSON',
      about: 'an array of records, not indented; types decided column by column (ours: two passes)',
      streams: true,
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('json/generate', '--pretty-print', 'false', '--progress', 'none', file(n, 'in.csv'), file(n, 'out.json')),
          output: 'out.json',
        },
        {
          name: 'Miller',
          needs: 'mlr',
          command: (n) => ['mlr', '--icsv', '--ojson', '--jvstack', 'cat', file(n, 'in.csv')],
          stdout: 'out_mlr.json',
        },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
      ],
    },
    {
      name: 'CSV to SQL',
      about: 'one INSERT a row',
      streams: true,
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('sql/generate', '--table-name', 'orders', '--progress', 'none', file(n, 'in.csv'), file(n, 'out.sql')),
          output: 'out.sql',
        },
        { name: 'wc -l', limit: true, command: (n) => ['wc', '-l', file(n, 'in.csv')] },
      ],
    },
    {
      name: 'CSV to XLSX',
      about: 'types decided column by column (ours: two passes), widths, styles',
      at: bench.books,
      streams: true,
      targets: [{ against: 'libxlsxwriter, constant memory', atLeast: 3 }, { against: 'libxlsxwriter, constant memory', size: 1.2 }],
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('csv/convert-to-excel', '--progress', 'none', file(n, 'in.csv'), file(n, 'converted.xlsx')),
          output: 'converted.xlsx',
        },
        {
          name: 'libxlsxwriter, constant memory',
          needs: lxw,
          command: (n) => [lxw, file(n, 'in.csv'), file(n, 'converted_lxw.xlsx')],
          output: 'converted_lxw.xlsx',
        },
        {
          name: 'pandas',
          needs: 'pandas',
          at: [SMALL],
          command: (n) => python('csv-to-xlsx', file(n, 'in.csv'), file(n, 'converted_pandas.xlsx')),
        },
        {
          name: 'deflate of the sheet alone',
          limit: true,
          command: (n) => [bench.tool('probe_zip'), 'deflate', file(n, 'sheet.xml')],
          stdout: 'sheet.deflated',
        },
      ],
    },
    {
      name: 'XLSX to CSV',
      about: 'a workbook that Sheetflow wrote (inline strings)',
      at: bench.books,
      streams: true,
      targets: [{ against: 'inflate of the sheet alone', within: 2 }, { against: 'SheetJS', atLeast: 20 }],
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('excel/extract-columns-to-file', '--progress', 'none', file(n, 'in.xlsx'), file(n, 'back.csv')),
          output: 'back.csv',
        },
        {
          name: 'SheetJS',
          needs: 'xlsx',
          command: (n) => node('sheetjs', 'xlsx-to-csv', file(n, 'in.xlsx'), file(n, 'back_sheetjs.csv')),
          output: 'back_sheetjs.csv',
        },
        {
          name: 'pandas',
          needs: 'pandas',
          at: [SMALL],
          command: (n) => python('xlsx-to-csv', file(n, 'in.xlsx'), file(n, 'back_pandas.csv')),
        },
        {
          name: 'inflate of the sheet alone',
          limit: true,
          command: (n) => [bench.tool('probe_zip'), 'inflate', file(n, 'in.xlsx')],
        },
      ],
    },
    {
      name: 'XLSX with shared strings to CSV',
      about: 'a workbook of libxlsxwriter with a table of shared strings, which has to be remembered',
      at: bench.books,
      needs: lxw,
      targets: [{ against: 'inflate of the sheet alone', within: 2 }, { against: 'SheetJS', atLeast: 20 }],
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => op('excel/extract-columns-to-file', '--progress', 'none', file(n, 'shared.xlsx'), file(n, 'shared.csv')),
          output: 'shared.csv',
        },
        {
          name: 'SheetJS',
          needs: 'xlsx',
          command: (n) => node('sheetjs', 'xlsx-to-csv', file(n, 'shared.xlsx'), file(n, 'shared_sheetjs.csv')),
          output: 'shared_sheetjs.csv',
        },
        {
          name: 'inflate of the sheet alone',
          limit: true,
          command: (n) => [bench.tool('probe_zip'), 'inflate', file(n, 'shared.xlsx')],
        },
      ],
    },
    {
      name: 'three steps, XLSX to XLSX',
      about: 'filter, upper case, four columns; ours writes every step\'s file, pandas only the last',
      at: bench.books,
      streams: true,
      targets: [{ against: 'pandas', atLeast: 100, rows: SMALL }],
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => [bench.program, 'run', '--steps', steps, '--input', file(n, 'in.xlsx'), '--output', file(n, 'chain'),
            '--progress', 'none', '--json'],
          fresh: 'chain',
        },
        {
          name: 'pandas',
          needs: 'pandas',
          at: [SMALL],
          command: (n) => python('chain', file(n, 'in.xlsx'), file(n, 'chain_pandas.xlsx')),
        },
        {
          name: 'inflate of the sheet alone',
          limit: true,
          command: (n) => [bench.tool('probe_zip'), 'inflate', file(n, 'in.xlsx')],
        },
      ],
    },
    {
      name: 'three steps, a small workbook',
      about: 'the same steps; here the start of the program counts',
      at: [TINY],
      contenders: [
        {
          name: 'Sheetflow',
          command: (n) => [bench.program, 'run', '--steps', steps, '--input', file(n, 'in.xlsx'), '--output', file(n, 'chain'),
            '--progress', 'none', '--json'],
          fresh: 'chain',
        },
        {
          name: 'pandas',
          needs: 'pandas',
          command: (n) => python('chain', file(n, 'in.xlsx'), file(n, 'chain_pandas.xlsx')),
        },
        {
          name: 'inflate of the sheet alone',
          limit: true,
          command: (n) => [bench.tool('probe_zip'), 'inflate', file(n, 'in.xlsx')],
        },
      ],
    },
  ];
  const here = (c) => !c.needs || (c.needs.startsWith('/') ? existsSync(c.needs) : bench.find(c.needs));
  const missing = [...new Set(tasks.flatMap((task) => [task, ...task.contenders].filter((c) => !here(c)).map((c) => c.name)))];
  return { missing, tasks: tasks.filter(here).map((task) => ({ ...task, contenders: task.contenders.filter(here) })) };
}
