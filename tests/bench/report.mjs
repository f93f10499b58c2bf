// The benchmark's report: a table for the terminal and docs/benchmarks.md.

const number = (n) => n.toLocaleString('en-US');
const seconds = (s) => (s < 0.0995 ? s.toFixed(3) : s < 9.95 ? s.toFixed(2) : s.toFixed(1));
const mebi = (kib) => (kib / 1024).toFixed(kib < 10 * 1024 ? 1 : 0);
const times = (x) => `${x < 9.95 ? x.toFixed(1) : Math.round(x)} x`;

function rowsOf(report, task, rows) {
  const all = report.results.filter((r) => r.task === task.name && r.rows === rows);
  const ours = all.find((r) => r.name === 'Sheetflow');
  return all.map((r) => [
    r.limit ? `${r.name} (limit)` : r.name,
    seconds(r.wall),
    seconds(r.cpu),
    mebi(r.peak),
    r.size ? (r.size / 1e6).toFixed(1) : '',
    ours && r !== ours ? times(r.wall / ours.wall) : '',
    ours && r !== ours ? times(r.cpu / ours.cpu) : '',
  ]);
}

const CLOCK = { wall: 'wall-clock time', cpu: 'CPU time' };
const HEAD = ['', 'wall s', 'CPU s', 'peak MiB', 'output MB', 'wall to ours', 'CPU to ours'];

function text(table) {
  const width = table[0].map((_, j) => Math.max(...table.map((row) => [...row[j]].length)));
  return table.map((row) => row.map((cell, j) => (j ? cell.padStart(width[j]) : cell.padEnd(width[j]))).join('  ')).join('\n');
}

function sections(report) {
  return report.tasks.flatMap((task) => (task.at ?? report.options.rows)
    .map((rows) => ({ task, rows, table: rowsOf(report, task, rows) }))
    .filter((section) => section.table.length));
}

function memoryTable(report) {
  const size = (m) => m.sizes.map(number).join(' / ');
  return [['', 'rows', 'peak', ''],
    ...report.memory.map((m) => [m.task, size(m), `${mebi(m.small)} / ${mebi(m.large)} MiB`, m.ok ? 'flat' : 'GROWS'])];
}

function targetTable(report) {
  const verdict = (met) => (met === null ? 'not measured' : met ? 'met' : 'NOT MET');
  return [['', 'rows', 'target', 'measured', ''],
    ...report.targets.map((t) => [t.task, number(t.rows), t.what, t.got, verdict(t.met)])];
}

export function summary(report) {
  const parts = sections(report).map(({ task, rows, table }) => `${task.name}, ${number(rows)} rows\n${text([HEAD, ...table])}`);
  if (report.memory.length) parts.push(`Peak memory of streaming work\n${text(memoryTable(report))}`);
  if (report.targets.length) parts.push(`Targets, by ${CLOCK[report.by]}\n${text(targetTable(report))}`);
  if (report.missing.length) parts.push(`Missing: ${report.missing.join('; ')}`);
  return parts.join('\n\n');
}

function pipes(table) {
  const line = (row) => `| ${row.join(' | ')} |`;
  return [line(table[0]), `|---|${'--:|'.repeat(table[0].length - 1)}`, ...table.slice(1).map(line)].join('\n');
}

// Commands as one can type them, with the folder left out.
function shell(report, argv) {
  return argv.map((word) => word.replaceAll(`${report.dir}/tools/`, '').replaceAll(`${report.dir}/`, '')
    .replace(process.execPath, 'node')
    .replace(/^.*\/src\/cli\/sheetflow$/, 'sheetflow'))
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export function markdown(report) {
  const { machine } = report;
  const out = [
    '# Benchmarks',
    '',
    'Written by `make bench`. Medians of interleaved runs; wall-clock and CPU seconds and the peak resident memory are the',
    'kernel\'s (wait4). A *limit* is no product: it does one part of the work as bare C, so it shows what the machine gives.',
    'The last columns are a contender\'s wall and CPU time over ours. The input has ten mixed columns, some quoted, some',
    'beyond ASCII.',
    '',
    `Machine: ${machine.cpu}, ${machine.memory}, ${machine.kernel}. Files lie in ${report.dir.startsWith('/dev/shm') ? 'memory (tmpfs)' : 'the temporary folder'}.`,
    `Load of the machine when it began (one minute): ${machine.load}; where it is not near 0, trust CPU before wall time.`,
    `Versions: ${machine.versions.join('; ')}.`,
    '',
  ];
  if (report.missing.length) out.push(`Missing when this was measured: ${report.missing.join('; ')}.`, '');
  if (report.targets.length) {
    out.push('## Targets', '', `Ratios of ${CLOCK[report.by]}; a load above 1 makes CPU time the judge.`, '', pipes(targetTable(report)), '');
  }
  for (const task of report.tasks) {
    out.push(`## ${task.name}`, '', `${task.about[0].toUpperCase()}${task.about.slice(1)}.`, '');
    for (const section of sections(report).filter((s) => s.task === task)) {
      out.push(`${number(section.rows)} rows`, '', pipes([HEAD, ...section.table]), '');
    }
    const rows = task.at ? task.at[0] : Math.min(...report.options.rows);
    out.push('```', ...report.commands(task, rows).map(([name, argv]) => `${shell(report, argv)}   # ${name}`), '```', '');
  }
  if (report.memory.length) {
    out.push('## Memory', '', 'Work that streams needs the same memory whatever the length of its input.', '', pipes(memoryTable(report)), '');
  }
  return out.join('\n');
}
