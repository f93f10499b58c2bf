// What the program says about itself, and what it says to what it does not understand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scratch } from './cli.mjs';

const verbs = ['serve', 'run', 'op', 'ops', 'inspect', 'dump', 'restore', 'backup', 'verify', 'doctor', 'config', 'completion', 'version', 'help'];

test('help lists the verbs', async (t) => {
  const s = new Scratch(t);
  for (const args of [['--help'], ['-h'], ['help']]) {
    const r = await s.run(args);
    assert.equal(r.status, 0);
    for (const verb of verbs) assert.match(r.stdout, new RegExp(`^  ${verb} `, 'm'));
    assert.doesNotMatch(r.stdout, /worker/);
    assert.equal(r.stderr, '');
  }
});

test('every verb explains itself', async (t) => {
  const s = new Scratch(t);
  for (const verb of verbs) {
    const r = await s.run([verb, '--help']);
    assert.equal(r.status, 0, verb);
    assert.match(r.stdout, new RegExp(`Usage: sheetflow ${verb}`), verb);
    assert.equal((await s.run(['help', verb])).stdout, r.stdout, verb);
  }
});

test('every operation explains itself', async (t) => {
  const s = new Scratch(t);
  const listed = (await s.run(['ops'])).stdout.trim().split('\n').map((line) => line.split(' ')[0]);
  assert.ok(listed.includes('excel/search'));
  for (const name of listed) {
    const r = await s.run(['op', name, '--help']);
    assert.equal(r.status, 0, name);
    assert.match(r.stdout, new RegExp(name), name);
    assert.match(r.stdout, /--output-filename|--columns/, name);
    assert.equal((await s.run(['ops', name])).status, 0, name);
    const schema = JSON.parse((await s.run(['ops', name, '--json'])).stdout);
    assert.equal(schema.name, name);
  }
  assert.equal(JSON.parse((await s.run(['ops', '--json'])).stdout).length, listed.length);
});

test('the version', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['version']);
  assert.match(r.stdout, /^sheetflow \d+\.\d+\.\d+/);
  assert.equal((await s.run(['--version'])).stdout, r.stdout);
});

const refusals = [
  ['nothing', [], /say what to do/],
  ['an unknown verb', ['inspekt', 'a.csv'], /there is no verb 'inspekt'; did you mean 'inspect'\?/],
  ['an unknown flag', ['run', '--stepz', 's.json'], /sheetflow run has no flag --stepz; did you mean --steps\?/],
  ['a flag without its value', ['run', '--steps'], /--steps needs a value: FILE/],
  ['a flag with a value it does not take', ['run', '--json=yes'], /--json takes no value/],
  ['a flag given twice', ['run', '--steps', 'a', '--steps', 'b'], /--steps is given twice/],
  ['a value that is no choice', ['run', '--progress', 'plane'], /--progress: 'plane' is not one of auto, plain, json, none; did you mean plain\?/],
  ['a short flag', ['inspect', '-x'], /'-x' is no flag/],
  ['too many words', ['inspect', 'a', 'b'], /'b' is too much; usage: sheetflow inspect FILE/],
  ['too few words', ['inspect'], /something is missing; usage: sheetflow inspect FILE/],
  ['run without steps', ['run', '--input', 'a.csv'], /--steps is required/],
  ['run without input', ['run', '--steps', 'a.json'], /--input is required/],
  ['op without a name', ['op'], /say which operation first/],
  ['an unknown operation', ['op', 'excel/serch', 'a.csv'], /there is no operation 'excel\/serch'; did you mean 'excel\/search'\?/],
  ['an unknown operation to explain', ['ops', 'excel/serch'], /did you mean 'excel\/search'\?/],
  ['an unknown argument', ['op', 'excel/search', '--conditionz', '[]', 'a.csv'], /excel\/search has no option --conditionz; did you mean --conditions\?/],
  ['a missing argument', ['op', 'excel/search', 'a.csv'], /conditions is required/],
  ['a value of the wrong kind', ['op', 'excel/search', '--conditions', '[{]', 'a.csv'], /--conditions: the JSON text cannot be read/],
  ['a format it cannot write', ['op', 'csv/convert-to-excel', 'a.csv', 'a.sql'], /csv\/convert-to-excel cannot write sql/],
  ['results and rows on one stdout', ['op', 'csv/search', '--conditions', '{"column":"a","operator":"is_empty"}', '--json', 'a.csv', '-'], /both go to standard output/],
];

for (const [label, args, text] of refusals) {
  test(`refused: ${label}`, async (t) => {
    const s = new Scratch(t);
    const r = await s.run(args);
    assert.match(r.stderr, text);
    assert.equal(r.status, 2);
    assert.equal(r.stdout, '');
    assert.deepEqual(s.list(), []);
  });
}

test('settings: value, source and meaning', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['config'], { env: { SHEETFLOW_APP_PORT: '6060' } });
  assert.equal(r.status, 0);
  assert.match(r.stdout, /^app\.port = 6060\n {4}.+\n {4}From: environment SHEETFLOW_APP_PORT\./m);
  assert.match(r.stdout, /^excel\.max_column_width = 50\n/m);
  s.write('s.yaml', 'app:\n  port: 7070\n');
  const j = JSON.parse((await s.run(['config', '--json', '--config', 's.yaml'])).stdout);
  assert.equal(j['app.port'].value, '7070');
  assert.match(j['app.port'].source, /^file s\.yaml/);
  assert.equal(j['app.host'].source, 'default');
});

test('settings: checking a file', async (t) => {
  const s = new Scratch(t);
  s.write('good.yaml', 'app:\n  port: 7070\n');
  s.write('bad.yaml', 'app:\n  prot: 7070\n');
  const good = await s.run(['config', '--check', 'good.yaml']);
  assert.equal(good.status, 0);
  assert.match(good.stdout, /correct/);
  const bad = await s.run(['config', '--check', 'bad.yaml']);
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /did you mean '?(app\.)?port/);
});
