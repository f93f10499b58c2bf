// Completion of shells and manual pages: made of the same tables as the program, and good to the tools that read them.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { program, Scratch } from './cli.mjs';

const has = (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
const skip = (tool) => !has(tool) && `${tool} is not installed`;

// What bash would offer for these words, the last of them unfinished.
function complete(s, ...words) {
  const script = `
source <("$0" completion bash)
complete -p sheetflow >/dev/null || exit 3
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_sheetflow
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['-c', script, program, 'sheetflow', ...words], { cwd: s.dir, encoding: 'utf8' });
  return out.split('\n').filter(Boolean).sort();
}

test('bash completes', { skip: skip('bash') }, async (t) => {
  const s = new Scratch(t);
  s.write('in.csv', 'a\n1\n');
  s.write('with blank.csv', 'a\n1\n');
  mkdirSync(join(s.dir, 'folder'));
  const cases = [
    ['verbs', ['re'], ['restore']],
    ['flags of a verb', ['serve', '--ho'], ['--host']],
    ['values of a flag', ['run', '--progress', 'p'], ['plain']],
    ['values after =', ['run', '--progress', '=', 'j'], ['json']],
    ['an empty value after =', ['restore', '--mode', '='], ['copy', 'refuse', 'replace']],
    ['operations', ['op', 'excel/bind'], ['excel/bind-multi-key', 'excel/bind-single-key']],
    ['operations to explain', ['ops', 'csv/s'], ['csv/search']],
    ['flags of an operation', ['op', 'csv/search', '--cond'], ['--conditions']],
    ['values of an argument', ['op', 'csv/search', '--logic', ''], ['AND', 'OR']],
    ['files as inputs', ['op', 'csv/search', ''], ['folder', 'in.csv', 'with blank.csv']],
    ['files as values', ['run', '--input', 'in'], ['in.csv']],
    ['folders as values', ['serve', '--data', ''], ['folder']],
    ['files as words', ['inspect', 'with'], ['with blank.csv']],
    ['verbs to explain', ['help', 'dum'], ['dump']],
    ['shells', ['completion', ''], ['bash', 'fish', 'zsh']],
    ['nothing where anything may stand', ['serve', '--port', ''], []],
    ['no hidden verb', ['work'], []],
  ];
  for (const [label, words, wanted] of cases) {
    await t.test(label, () => assert.deepEqual(complete(s, ...words), wanted));
  }
  await t.test('every verb of the help', async () => {
    const help = (await s.run(['--help'])).stdout;
    const verbs = [...help.matchAll(/^ {2}([a-z]+) +[A-Z]/gm)].map((match) => match[1]);
    assert.deepEqual(complete(s, '').filter((word) => word[0] !== '-'), verbs.sort());
  });
});

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`${shell} takes its script`, { skip: skip(shell) }, async (t) => {
    const s = new Scratch(t);
    const script = (await s.run(['completion', shell])).stdout;
    writeFileSync(join(s.dir, 'script'), script);
    const r = spawnSync(shell, ['-n', join(s.dir, 'script')], { encoding: 'utf8' });
    assert.equal(r.stderr, '');
    assert.equal(r.status, 0);
  });
}

test('fish completes', { skip: skip('fish') }, async (t) => {
  const s = new Scratch(t);
  s.write('script', (await s.run(['completion', 'fish'])).stdout);
  const words = (line) => execFileSync('fish', ['--no-config', '-c', `source script; complete -C '${line}'`],
    { cwd: s.dir, encoding: 'utf8', env: { ...process.env, HOME: s.dir } }).split('\n').filter(Boolean).map((text) => text.split('\t')[0]);
  assert.deepEqual(words('sheetflow op csv/search --logic '), ['AND', 'OR']);
  assert.deepEqual(words('sheetflow dum'), ['dump']);
});

test('another shell is refused', async (t) => {
  const r = await new Scratch(t).run(['completion', 'csh']);
  assert.equal(r.status, 2);
  assert.match(r.stderr, /there is no completion for 'csh'; there is one for bash, zsh, fish/);
});

const pages = ['sheetflow.1', 'sheetflow-op.1', 'sheetflow.yaml.5'];

for (const page of pages) {
  test(`${page} formats without a warning`, { skip: skip('groff') }, async (t) => {
    const s = new Scratch(t);
    s.write(page, (await s.run(['man', page])).stdout);
    const r = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z', page], { cwd: s.dir, encoding: 'utf8' });
    assert.equal(r.stderr, '');
    assert.equal(r.status, 0);
  });
  test(`mandoc finds no fault in ${page}`, { skip: skip('mandoc') }, async (t) => {
    const s = new Scratch(t);
    s.write(page, (await s.run(['man', page])).stdout);
    const r = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', page], { cwd: s.dir, encoding: 'utf8' });
    assert.equal(r.stdout.split('\n').filter((line) => line && !/missing date/.test(line)).join('\n'), '');
  });
}

test('the pages tell of every verb, operation and setting', async (t) => {
  const s = new Scratch(t);
  const plain = (text) => text.replaceAll('\\-', '-');
  const program = plain((await s.run(['man', 'sheetflow.1'])).stdout);
  for (const line of (await s.run(['--help'])).stdout.matchAll(/^ {2}([a-z]+) +[A-Z]/gm)) {
    assert.match(program, new RegExp(`^\\.SS "sheetflow ${line[1]} `, 'm'));
  }
  const operations = plain((await s.run(['man', 'sheetflow-op.1'])).stdout);
  for (const op of JSON.parse((await s.run(['ops', '--json'])).stdout)) assert.ok(operations.includes(`.SS "${op.name}"`), op.name);
  const settings = plain((await s.run(['man', 'sheetflow.yaml.5'])).stdout);
  for (const path of Object.keys(JSON.parse((await s.run(['config', '--json'])).stdout))) {
    assert.ok(settings.includes(`\\fB${path}\\fR`), path);
  }
  const r = await s.run(['man', 'sheetflow.9']);
  assert.equal(r.status, 2);
});

test('the sample settings file is right, and all of it is defaults', async (t) => {
  const s = new Scratch(t);
  const sample = (await s.run(['config', '--sample'])).stdout;
  s.write('sample.yaml', sample);
  assert.equal((await s.run(['config', '--check', 'sample.yaml'])).status, 0);
  s.write('all.yaml', sample.replaceAll(/^( *)# ([a-z_]+: )/gm, '$1$2'));
  const values = async (...args) => Object.entries(JSON.parse((await s.run(['config', '--json', ...args])).stdout))
    .map(([path, setting]) => [path, setting.value]);
  const given = JSON.parse((await s.run(['config', '--json', '--config', 'all.yaml'])).stdout);
  for (const [path, setting] of Object.entries(given)) assert.match(setting.source, /^file/, path);
  assert.deepEqual(await values('--config', 'all.yaml'), await values());
});
