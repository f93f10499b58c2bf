// The benchmark of `make bench`: makes the data, runs every task's contenders in turn, round after round, and reports
// medians. Exits 1 when a command fails, when results disagree, or when a streaming task needs more memory for more rows.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { SMALL, tasksOf } from './tasks.mjs';
import { markdown, summary } from './report.mjs';

const SLOW_SECONDS = 3; // One run of what takes longer than this has to do.
const MEMORY_GROWTH_KIB = 8 * 1024; // Between the smallest and the largest input.
const MEMORY_LIMIT_KIB = 64 * 1024;

const options = { rows: [100_000, 1_000_000], rounds: 5, only: '', docs: true };
for (let i = 2; i < process.argv.length; i++) {
  const arg = process.argv[i];
  if (arg === '--rows') options.rows = process.argv[++i].split(',').map(Number);
  else if (arg === '--rounds') options.rounds = Number(process.argv[++i]);
  else if (arg === '--only') options.only = process.argv[++i];
  else if (arg === '--no-docs') options.docs = false;
  else if (arg !== '--keep') throw new Error(`unknown option ${arg}`);
}

const dir = process.env.BENCH_DIR;
const bench = {
  dir,
  program: process.env.SHEETFLOW ?? join(process.cwd(), 'build/src/cli/sheetflow'),
  tool: (name) => join(dir, 'tools', name),
  find: (name) => (name === 'pandas'
    ? spawnSync('/usr/bin/python3', ['-c', 'import pandas, openpyxl']).status === 0
    : spawnSync('which', [name]).status === 0),
};
const faults = [];
const load = loadavg()[0].toFixed(1);

function output(command, ...args) {
  const run = spawnSync(command, args, { encoding: 'utf8' });
  return run.status === 0 ? run.stdout.trim().split('\n')[0] : '';
}

// Run once under measure: { wall, cpu, peak (KiB) }.
function measure(argv, stdout) {
  const result = join(dir, 'result');
  execFileSync(bench.tool('measure'), [result, stdout, ...argv], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [wall, user, system, peak, status] = readFileSync(result, 'utf8').split(' ').map(Number);
  if (status !== 0) throw new Error(`exit ${status} of ${argv.join(' ')}`);
  return { wall, cpu: user + system, peak };
}

function must(command, ...args) {
  const run = spawnSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 20 });
  if (run.status !== 0) throw new Error(`exit ${run.status} of ${command} ${args.join(' ')}`);
}

function makeData(rows) {
  const at = (name) => join(dir, String(rows), name);
  console.error(`data of ${rows} rows`);
  mkdirSync(join(dir, String(rows)), { recursive: true });
  measure([bench.tool('generate'), String(rows)], at('in.csv'));
  must(bench.program, 'op', 'csv/convert-to-excel', '--progress', 'none', at('in.csv'), at('in.xlsx'));
  measure(['unzip', '-p', at('in.xlsx'), 'xl/worksheets/sheet1.xml'], at('sheet.xml'));
  writeSide(rows, at('side.csv'));
  if (rows === SMALL && bench.find('pandas')) {
    must('/usr/bin/python3', 'tests/bench/peer.py', 'copy', at('in.xlsx'), at('foreign.xlsx'));
  }
}

// The other file of the join: every fifth key.
function writeSide(rows, path) {
  const lines = ['id,label'];
  for (let id = 5; id <= rows; id += 5) lines.push(`${id},label ${id % 97}`);
  writeFileSync(path, `${lines.join('\n')}\n`);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function clean(contender, rows) {
  for (const name of [contender.output, contender.fresh]) {
    if (name) rmSync(join(dir, String(rows), name), { recursive: true, force: true });
  }
  if (contender.fresh) mkdirSync(join(dir, String(rows), contender.fresh));
}

// All contenders of a task at one size, in turn, so that what disturbs the machine disturbs all of them.
function runTask(task, rows) {
  const rivals = task.contenders.filter((c) => !c.at || c.at.includes(rows));
  const runs = new Map(rivals.map((c) => [c, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of rivals) {
      const done = runs.get(contender);
      if (done.some((r) => r.wall > SLOW_SECONDS)) continue;
      clean(contender, rows);
      try {
        done.push(measure(contender.command(rows), contender.stdout ? join(dir, String(rows), contender.stdout) : '/dev/null'));
      } catch (error) {
        faults.push(`${task.name}, ${rows} rows, ${contender.name}: ${error.message}`);
        runs.set(contender, []);
        break;
      }
    }
  }
  if (task.sameLines) compareLines(task, rows, rivals);
  return rivals.filter((c) => runs.get(c).length).map((c) => {
    const done = runs.get(c);
    return {
      task: task.name,
      rows,
      name: c.name,
      limit: !!c.limit,
      runs: done.length,
      wall: median(done.map((r) => r.wall)),
      cpu: median(done.map((r) => r.cpu)),
      peak: median(done.map((r) => r.peak)),
      size: c.output && existsSync(join(dir, String(rows), c.output)) ? statSync(join(dir, String(rows), c.output)).size : 0,
    };
  });
}

function compareLines(task, rows, rivals) {
  const counts = rivals.filter((c) => c.output || c.stdout).map((c) => {
    const text = readFileSync(join(dir, String(rows), c.output ?? c.stdout));
    let lines = 0;
    for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines++;
    return [c.name, lines];
  });
  if (new Set(counts.map(([, n]) => n)).size > 1) {
    faults.push(`${task.name}, ${rows} rows: results differ in length: ${counts.map((c) => c.join(' ')).join(', ')}`);
  }
}

// Streaming means that ten times the rows need no more memory.
function checkMemory(tasks, results) {
  const [small, large] = [Math.min(...options.rows), Math.max(...options.rows)];
  return tasks.filter((task) => task.streams && small !== large).flatMap((task) => {
    const of = (rows) => results.find((r) => r.task === task.name && r.rows === rows && r.name === 'Sheetflow');
    const [a, b] = [of(small), of(large)];
    if (!a || !b) return [];
    const ok = b.peak - a.peak <= MEMORY_GROWTH_KIB && b.peak <= MEMORY_LIMIT_KIB;
    if (!ok) faults.push(`${task.name}: ${a.peak} KiB for ${small} rows, ${b.peak} KiB for ${large}`);
    return [{ task: task.name, small: a.peak, large: b.peak, ok }];
  });
}

const tasks = tasksOf(bench).filter((task) => task.name.includes(options.only));
const sizes = [...new Set([...tasks.flatMap((task) => (task.at ?? options.rows)), ...options.rows])].sort((a, b) => a - b);
sizes.forEach(makeData);
const results = [];
for (const task of tasks) {
  for (const rows of task.at ?? options.rows) {
    console.error(`${task.name}, ${rows} rows`);
    results.push(...runTask(task, rows));
  }
}
const report = {
  tasks,
  results,
  memory: checkMemory(tasks, results),
  faults,
  options,
  dir,
  commands: (task, rows) => task.contenders.filter((c) => !c.at || c.at.includes(rows)).map((c) => [c.name, c.command(rows)]),
  machine: {
    cpu: `${cpus()[0].model.trim()}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release()}`,
    load,
    versions: [output(bench.program, 'version'), output('mlr', '--version'), `node ${process.version}`,
      output('/usr/bin/python3', '-c', 'import sys, pandas, openpyxl; print("Python", sys.version.split()[0] + ", pandas", pandas.__version__ + ", openpyxl", openpyxl.__version__)'),
      output('dpkg-query', '-W', '-f', 'libxlsxwriter ${Version}', 'libxlsxwriter-dev'),
      output('dpkg-query', '-W', '-f', 'ISA-L ${Version}', 'libisal-dev')].filter(Boolean),
  },
};
console.log(summary(report));
if (options.docs && !options.only) writeFileSync('docs/benchmarks.md', markdown(report));
for (const fault of faults) console.error(`FAULT  ${fault}`);
process.exit(faults.length ? 1 : 0);
