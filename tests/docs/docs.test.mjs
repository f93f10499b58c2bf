// Everything that README and docs/ show is true: shell blocks run, in their order, in a copy of the repository's samples with a server
// beside them; what is shown as output is what comes out; links lead somewhere; every endpoint is described.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { PROGRAM, Server } from '../lib/server.mjs';

const MARK = '@@@ block ';
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md',
  ...readdirSync('docs').filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
let server;

before(async () => { server = await Server.start(); });
after(() => server.close());

// [{language, text, line}] of a page, without what is about building the program.
function blocks(page) {
  const found = [];
  let open = null;
  readFileSync(page, 'utf8').split('\n').forEach((line, i) => {
    const fence = /^```(\w*)$/.exec(line);
    if (!fence) open?.lines.push(line);
    else if (open) {
      found.push({ language: open.language, text: open.lines.join('\n'), line: open.line });
      open = null;
    } else open = { language: fence[1], lines: [], line: i + 1 };
  });
  assert.equal(open, null, `${page}: a block does not end`);
  return found;
}

const isBuilding = (text) => /^(make|node tests\/|build-test)/m.test(text);

// Runs the blocks as one script, so that variables live on. curl fails on an error status.
function bash(texts, cwd) {
  const script = ['set -e', 'curl() { command curl --fail-with-body -S "$@"; }',
    ...texts.flatMap((text, i) => [`printf '\\n${MARK}%s\\n' ${i}`, text])].join('\n');
  const child = spawn('bash', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = [], err = [];
  child.stdout.on('data', (data) => out.push(data));
  child.stderr.on('data', (data) => err.push(data));
  return new Promise((done) => {
    child.on('close', (status) => done({
      status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(),
    }));
  });
}

const plain = (text) => text.replace(/_\d{8}_\d{6}/g, '_<time>').trimEnd();

for (const page of pages) {
  const all = blocks(page);
  const shell = all.filter(({ language, text }) => language === 'sh' && !isBuilding(text));

  if (shell.length) {
    test(`${page}: ${shell.length} shell blocks run and say what is shown`, async () => {
      const cwd = mkdtempSync(join(tmpdir(), 'sheetflow-docs-'));
      try {
        mkdirSync(join(cwd, 'tmp'));
        mkdirSync(join(cwd, 'build'));
        symlinkSync(resolve(PROGRAM), join(cwd, 'build/sheetflow'));
        cpSync('samples', join(cwd, 'samples'), { recursive: true });
        const texts = shell.map(({ text }) => text
          .replaceAll('127.0.0.1:5050', `127.0.0.1:${server.port}`).replaceAll('/tmp/', `${cwd}/tmp/`));
        const { status, stdout, stderr } = await bash(texts, cwd);
        const outputs = stdout.split(new RegExp(`\\n?${MARK}\\d+\\n`)).slice(1);
        const last = shell[outputs.length - 1];
        assert.equal(status, 0, `line ${last?.line}:\n${last?.text}\n${outputs.at(-1)}\n${stderr}`);
        shell.forEach((block, i) => {
          const next = all[all.indexOf(block) + 1];
          if (next?.language === 'text') {
            assert.equal(plain(outputs[i]), plain(next.text), `${page} line ${next.line}`);
          }
        });
      } finally {
        rmSync(cwd, { recursive: true, force: true });
      }
    });
  }

  test(`${page}: JSON is JSON, and links lead somewhere`, () => {
    for (const { language, text, line } of all) {
      if (language === 'json') assert.doesNotThrow(() => JSON.parse(text), `${page} line ${line}`);
    }
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      assert.ok(existsSync(join(dirname(page), target)), `${page} links to ${target}`);
    }
  });
}

test('docs/http-api.md has every endpoint', async () => {
  const text = readFileSync('docs/http-api.md', 'utf8');
  const { paths } = (await server.call('GET', '/openapi.json')).body;
  const operations = (await server.call('GET', '/operations')).body.data.operations.map(({ name }) => `/${name}`);
  for (const [path, methods] of Object.entries(paths)) {
    if (operations.includes(path)) continue;
    for (const method of Object.keys(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      assert.ok(new RegExp(`(^### |\`)${name.replace(/[{}/]/g, '\\$&')}(\`|$)`, 'm').test(text), `${name} is missing`);
    }
  }
});

test('docs/reference.md has every operation and setting', async () => {
  const text = readFileSync('docs/reference.md', 'utf8');
  for (const { name } of (await server.call('GET', '/operations')).body.data.operations) {
    assert.ok(text.includes(`\n### ${name}\n`), name);
  }
  const table = readFileSync('src/base/setting_table.c', 'utf8');
  for (const [, path] of table.matchAll(/(?:BOOL|INT|STRING|CHOICE|LIST)\("([a-z_.]+)"/g)) {
    assert.ok(text.includes(`| \`${path}\` |`), path);
  }
});
