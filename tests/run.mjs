// Runs every suite on every build directory it is given and sums up their TAP. The last line of the output is
// "N passed, N failed". A suite that crashes, prints no result or exits badly without a failed case counts as one failure.
//
//   node tests/run.mjs BUILD... [--only TEXT]
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';

const args = process.argv.slice(2);
const onlyAt = args.indexOf('--only');
const only = onlyAt >= 0 ? args.splice(onlyAt, 2)[1] : '';
const builds = args.length ? args : ['build-test'];
const SUITE_TIMEOUT_MS = 15 * 60 * 1000;

function list(dir, pattern) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).filter((name) => pattern.test(name)).sort().map((name) => join(dir, name));
}

function isProgram(path) {
  const st = statSync(path);
  return st.isFile() && (st.mode & 0o111) !== 0;
}

// The files of other projects are seeds of the parsers that read them; scripts/fuzz gives them to libFuzzer, too.
function corporaSeeds(target) {
  const kinds = { fuzz_csv: /\.(csv|tsv|psv|ssv|txt)$/, fuzz_xlsx: /\.xls[xm]$/, fuzz_xls: /\.xls$/ };
  if (!kinds[target]) return [];
  return list('tests/corpora', /^[a-z0-9-]+$/).flatMap((folder) => list(folder, kinds[target]));
}

function suitesOf(build) {
  const env = { SHEETFLOW: resolve(build, 'src/cli/sheetflow'), CMOCKA_MESSAGE_OUTPUT: 'TAP' };
  // Every case through every door once; a sample on the slower builds.
  if (build !== builds[0]) Object.assign(env, { DOORS_EVERY: '9', SANITIZED: '1' });
  const suites = [];
  const add = (name, command, ...rest) => suites.push({ name: `${build}: ${name}`, command, args: rest, env });

  for (const layer of list(join(build, 'tests/unit'), /^[a-z]+$/)) {
    for (const path of list(layer, /^test_[a-z0-9_]+$/)) {
      if (isProgram(path)) add(`unit ${layer.split('/').pop()} ${path.split('test_').pop()}`, path);
    }
  }
  if (existsSync(join(build, 'tests/ops/run_ops'))) {
    add('operations', join(build, 'tests/ops/run_ops'), 'tests/ops');
  }
  for (const path of list(join(build, 'tests/fuzz'), /^fuzz_[a-z_]+$/)) {
    const name = path.split('/').pop();
    const seeds = [...list(join('tests/fuzz/seeds', name), /./), ...corporaSeeds(name)];
    if (isProgram(path) && seeds.length) add(`seeds ${name}`, path, ...seeds);
  }
  for (const dir of ['tests/cli', 'tests/api', 'tests/security', 'tests/load', 'tests/docs', 'tests/sql', 'tests/oracle']) {
    for (const path of list(dir, /\.test\.mjs$/)) {
      add(path, process.execPath, '--test', '--test-reporter=tap', path);
    }
  }
  // Once: what is proved there does not depend on the build.
  if (build === builds[0]) {
    for (const path of list('tests/crash', /\.test\.mjs$/))
      add(path, process.execPath, '--test', '--test-reporter=tap', path);
  }
  // The browser does the same work whatever the server is made with, so once is enough.
  for (const path of build === builds[0] ? list('tests/e2e', /\.test\.mjs$/) : []) {
    add(path, process.execPath, '--test', '--test-reporter=tap', path);
  }
  // Debian's own python sees Debian's packages, whatever else is on the PATH.
  for (const path of list('tests/oracle', /^test_.*\.py$/)) add(path, '/usr/bin/python3', path);
  // One verdict each, by exit status.
  const dump = join(build, 'tests/oracle/xlsx_dump');
  const corpora = (...names) => names.map((name) => join('tests/corpora', name));
  const oracle = (name, ...rest) => {
    add(name, '/usr/bin/python3', 'tests/oracle/xlsx_oracle.py', ...rest);
    suites.at(-1).single = true;
  };
  if (existsSync(dump)) {
    oracle('workbooks against openpyxl', dump, ...corpora('calamine', 'duckdb-excel', 'messytables', 'xlsx2csv'));
    add('texts against csv of Python', '/usr/bin/python3', 'tests/oracle/text_oracle.py', dump,
      ...corpora('csv-spectrum', 'messytables', 'xlsx2csv'));
    suites.at(-1).single = true;
    oracle('workbooks against the CSV given with them', '--csv', dump, ...corpora('xlsx2csv'));
  }
  return suites;
}

function run(suite) {
  return new Promise((resolve) => {
    const child = spawn(suite.command, suite.args, {
      env: { ...process.env, ...suite.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_TIMEOUT_MS);
    child.stdout.on('data', (data) => { out += data; });
    child.stderr.on('data', (data) => { out += data; });
    child.on('error', (error) => { out += String(error); });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(sum(suite, out, code, signal));
    });
  });
}

// Leaf results only: node's runner indents the cases of a file and repeats the file itself outside.
function sum(suite, out, code, signal) {
  const lines = out.split('\n');
  const results = lines.filter((line) => /^\s*(not )?ok\b/.test(line));
  const isNode = suite.args.includes('--test');
  const leaves = isNode ? nodeLeaves(lines) : results.map((line) => !/^\s*not ok/.test(line));
  const skipped = lines.filter((line) => /^\s*ok\b.*# SKIP/i.test(line)).length;
  if (suite.single) leaves.push(code === 0);
  let passed = leaves.filter(Boolean).length - skipped;
  let failed = leaves.length - leaves.filter(Boolean).length;
  if ((code !== 0 || signal) && failed === 0) failed = 1;
  if (leaves.length === 0 && failed === 0) failed = 1;
  if (passed < 0) passed = 0;
  return { suite, passed, failed, skipped, out, code, signal };
}

function nodeLeaves(lines) {
  const number = (word) => {
    const line = lines.find((text) => new RegExp(`^# ${word} \\d+`).test(text));
    return line ? Number(line.split(' ')[2]) : 0;
  };
  return [
    ...Array(number('pass') + number('skipped')).fill(true),
    ...Array(number('fail') + number('cancelled')).fill(false),
  ];
}

const queue = builds.flatMap(suitesOf).filter((suite) => suite.name.includes(only));
const results = [];
async function slot() {
  for (let suite = queue.shift(); suite; suite = queue.shift()) {
    const result = await run(suite);
    results.push(result);
    const verdict = result.failed ? 'FAIL' : 'ok';
    const skips = result.skipped ? `, ${result.skipped} skipped` : '';
    console.log(`${verdict}  ${suite.name}: ${result.passed} passed, ${result.failed} failed${skips}`);
    if (result.failed) {
      console.log(`  exit ${result.code}${result.signal ? `, signal ${result.signal}` : ''}`);
      const text = result.out.split('\n').filter((line) => !/^\s*ok\b/.test(line)).join('\n');
      console.log(text.length > 12000 ? `${text.slice(0, 8000)}\n ...\n${text.slice(-4000)}` : text);
    }
  }
}
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, slot));

const total = (key) => results.reduce((n, result) => n + result[key], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exit(total('failed') || !total('passed') ? 1 : 0);
