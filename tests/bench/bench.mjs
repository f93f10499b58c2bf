// The benchmark of `make bench`: makes the data, runs every task's contenders in turn, round after round, and reports
// medians and which targets are met. Exits 1 when it could not measure: a command of ours fails, or results disagree.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { targetsOf } from './targets.mjs';
import { tasksOf } from './tasks.mjs';
import { markdown, summary } from './report.mjs';

const SLOW_SECONDS = 3; // One run of what takes longer than this has to do.
const MEMORY_GROWTH_KIB = 8 * 1024; // Between the smallest and the largest input.
const BUSY = 1; // A load above this makes CPU time the judge.
const MEMORY_LIMIT_KIB = 64 * 1024;

const options = process.env.BENCH_QUICK
  ? { rows: [10_000], books: [10_000], rounds: 1, only: '', docs: false }
  : { rows: [100_000, 1_000_000], books: [100_000, 500_000], rounds: 5, only: '', docs: true };
for (let i = 2; i < process.argv.length; i++) {
  const arg = process.argv[i];
  if (arg === '--rows') options.rows = options.books = process.argv[++i].split(',').map(Number);
  else if (arg === '--rounds') options.rounds = Number(process.argv[++i]);
  else if (arg === '--only') options.only = process.argv[++i];
  else if (arg === '--no-docs') options.docs = false;
  else if (arg !== '--keep') throw new Error(`unknown option ${arg}`);
}

const dir = process.env.BENCH_DIR;
const NPM = { polars: 'nodejs-polars', duckdb: '@duckdb/node-api', xlsx: 'xlsx' };
// Does it load? What npm installed may still lack the binary for this machine.
const loads = (name) => spawnSync(process.execPath, ['--input-type=module', '-e', `await import('${NPM[name]}')`],
  { cwd: 'tests/bench' }).status === 0;
const found = new Map();
const bench = {
  dir,
  books: options.books,
  program: process.env.SHEETFLOW ?? join(process.cwd(), 'build/src/cli/sheetflow'),
  tool: (name) => join(dir, 'tools', name),
  find: (name) => {
    if (!found.has(name)) {
      found.set(name, name in NPM ? loads(name)
        : name === 'pandas' ? spawnSync('/usr/bin/python3', ['-c', 'import pandas, openpyxl']).status === 0
          : spawnSync('which', [name]).status === 0);
    }
    return found.get(name);
  },
};
const faults = [], failed = []; // Failures of ours; of peers.
const peers = JSON.parse(readFileSync('tests/bench/package.json', 'utf8')).dependencies;
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
  writeSide(rows, at('side.csv'));
  writeFileSync(at('one.csv'), 'id,name\n1,one\n');
  if (rows > Math.max(...options.books)) return;
  must(bench.program, 'op', 'csv/convert-to-excel', '--progress', 'none', at('in.csv'), at('in.xlsx'));
  measure(['unzip', '-p', at('in.xlsx'), 'xl/worksheets/sheet1.xml'], at('sheet.xml'));
  const lxw = bench.tool('peer_libxlsxwriter');
  if (existsSync(lxw)) must(lxw, at('in.csv'), at('shared.xlsx'), 'shared');
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
        const place = `${task.name}, ${rows} rows, ${contender.name}: ${error.message}`;
        if (contender.name === 'Sheetflow') faults.push(place);
        else failed.push(place);
        runs.set(contender, []);
        break;
      }
    }
  }
  if (task.sameLines) compareLines(task, rows, rivals.filter((c) => runs.get(c).length));
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
  const counts = rivals.filter((c) => !c.limit && (c.output || c.stdout)).map((c) => {
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
  return tasks.filter((task) => task.streams).flatMap((task) => {
    const sizes = task.at ?? options.rows;
    const [small, large] = [Math.min(...sizes), Math.max(...sizes)];
    if (small === large) return [];
    const of = (rows) => results.find((r) => r.task === task.name && r.rows === rows && r.name === 'Sheetflow');
    const [a, b] = [of(small), of(large)];
    if (!a || !b) return [];
    const ok = b.peak - a.peak <= MEMORY_GROWTH_KIB && b.peak <= MEMORY_LIMIT_KIB;
    return [{ task: task.name, sizes: [small, large], small: a.peak, large: b.peak, ok }];
  });
}

const all = tasksOf(bench);
const tasks = all.tasks.filter((task) => task.name.includes(options.only));
const sizes = [...new Set(tasks.flatMap((task) => task.at ?? options.rows))].sort((a, b) => a - b);
sizes.forEach(makeData);
const results = [];
for (const task of tasks) {
  for (const rows of task.at ?? options.rows) {
    console.error(`${task.name}, ${rows} rows`);
    results.push(...runTask(task, rows));
  }
}
// Other work on the machine stretches wall-clock time, ours more or less than another's.
const by = Number(load) > BUSY ? 'cpu' : 'wall';
const report = {
  tasks,
  by,
  targets: targetsOf(tasks, results, options, by),
  missing: [...all.missing, ...failed],
  results,
  memory: checkMemory(tasks, results),
  faults,
  options,
  dir,
  commands: (task, rows) => task.contenders.filter((c) => !c.at || c.at.includes(rows)).map((c) => [c.name, c.command(rows)]),
  machine: {
    cpu: `${cpus()[0].model.trim()}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `Linux ${release().split('.').slice(0, 2).join('.')}`,
    load,
    versions: [output(bench.program, 'version'), output('mlr', '--version'), `node ${process.version}`,
      output('/usr/bin/python3', '-c', 'import sys, pandas, openpyxl; print("Python", sys.version.split()[0] + ", pandas", pandas.__version__ + ", openpyxl", openpyxl.__version__)'),
      ...['polars', 'duckdb', 'xlsx'].filter(bench.find).map((name) => `${NPM[name]} ${peers[NPM[name]]}`),
      output('dpkg-query', '-W', '-f', 'libxlsxwriter ${Version}', 'libxlsxwriter-dev'),
      output('dpkg-query', '-W', '-f', 'ISA-L ${Version}', 'libisal-dev')].filter(Boolean),
  },
};
console.log(summary(report));
if (options.docs && !options.only) writeFileSync('docs/benchmarks.md', markdown(report));
for (const fault of faults) console.error(`FAULT  ${fault}`);
process.exit(faults.length ? 1 : 0);
