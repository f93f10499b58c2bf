// sheetflow doctor: each line ok, warning or fault, with what to do.
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, Server } from '../lib/server.mjs';
import { Scratch } from './cli.mjs';

async function ports() {
  return { SHEETFLOW_APP_PORT: String(await freePort()), SHEETFLOW_CHAT_WORKFLOWS_WEBSOCKET_PORT: '0' };
}

async function doctor(s, args, env) {
  const r = await s.run(['doctor', '--json', ...args], { env });
  const report = JSON.parse(r.stdout);
  return { ...r, report, find: (check) => report.findings.filter((finding) => finding.check === check) };
}

async function madeFolder(s) {
  const server = await Server.start({ data: join(s.dir, 'data') });
  await server.create();
  await server.stop();
  return server;
}

test('a folder that is well', async (t) => {
  const s = new Scratch(t);
  await madeFolder(s);
  const r = await doctor(s, ['--data', 'data'], await ports());
  assert.equal(r.report.faults, 0, r.stdout);
  assert.equal(r.status, 0);
  for (const check of ['settings', 'folder', 'disk', 'lock', 'worker', 'port', 'database', 'clock']) {
    assert.ok(r.find(check).length > 0, check);
  }
  assert.match(r.find('database')[0].text, /^whole; 1 conversation$/);
  assert.match(r.find('lock')[0].text, /is free/);
  assert.match(r.find('worker')[0].text, /started and answered/);
  assert.deepEqual(s.list(), ['data']);
});

test('for people: a line each, and what to do under it', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['doctor', '--data', 'data'], { env: await ports() });
  assert.match(r.stdout, /^ok {7}worker {4}started and answered in \d+ ms$/m);
  assert.match(r.stdout, /^warning {2}folder {4}there is no data folder 'data' yet\n {19}'sheetflow serve' makes it/m);
  assert.match(r.stdout, /^0 faults, \d warnings?\n$/m);
  assert.equal(r.status, 0);
  assert.deepEqual(s.list(), []); // It makes nothing.
});

test('beside a running server: who it is, and that it answers', async (t) => {
  const s = new Scratch(t);
  const server = await Server.start({ data: join(s.dir, 'data') });
  t.after(() => server.stop());
  const r = await doctor(s, ['--data', 'data'], {
    SHEETFLOW_APP_PORT: String(server.port), SHEETFLOW_CHAT_WORKFLOWS_WEBSOCKET_PORT: '0',
  });
  assert.equal(r.status, 0, r.stdout);
  assert.equal(r.find('lock')[0].text, `process ${server.child.pid} works on the data folder`);
  assert.match(r.find('port')[0].text, /a Sheetflow answers there/);
});

test('another program has the port', async (t) => {
  const s = new Scratch(t);
  const other = createServer((socket) => socket.end('hello\n')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const env = { ...await ports(), SHEETFLOW_APP_PORT: String(other.address().port) };
  const r = await doctor(s, ['--data', 'data'], env);
  assert.equal(r.status, 65);
  assert.match(r.find('port')[0].text, /is in use by another program/);
  assert.match(r.find('port')[0].advice, /choose another port/);
});

test('a settings file that is wrong', async (t) => {
  const s = new Scratch(t);
  s.write('s.yaml', 'app:\n  prot: 1\n');
  const r = await doctor(s, ['--data', 'data', '--config', 's.yaml'], { SHEETFLOW_CHAT_WORKFLOWS_WEBSOCKET_PORT: '0' });
  assert.equal(r.status, 65);
  assert.equal(r.find('settings')[0].state, 'fault');
  assert.match(r.find('settings')[0].text, /did you mean/);
});

test('a folder that others can read', async (t) => {
  const s = new Scratch(t);
  await madeFolder(s);
  chmodSync(join(s.dir, 'data'), 0o755);
  const r = await doctor(s, ['--data', 'data'], await ports());
  assert.equal(r.status, 0);
  assert.deepEqual(r.find('folder').map((finding) => finding.state), ['warning', 'ok']);
  assert.match(r.find('folder')[0].text, /'data' is open to other users of this machine \(mode 755\)/);
});

test('a file where the folder should be', async (t) => {
  const s = new Scratch(t);
  s.write('data', 'x');
  const r = await doctor(s, ['--data', 'data'], await ports());
  assert.equal(r.status, 65);
  assert.match(r.find('folder')[0].text, /'data' is a file/);
});

test('a damaged database', async (t) => {
  const s = new Scratch(t);
  await madeFolder(s);
  const path = join(s.dir, 'data', 'sqlite', 'chat.db');
  const bytes = readFileSync(path);
  bytes.fill(0xff, 3 * 4096 + 8, 5 * 4096);
  writeFileSync(path, bytes);
  const r = await doctor(s, ['--data', 'data'], await ports());
  assert.equal(r.status, 65);
  assert.equal(r.find('database')[0].state, 'fault');
  assert.match(r.find('database')[0].advice, /backup/);
});

test('clocks that are wrong', async (t) => {
  const s = new Scratch(t);
  await madeFolder(s);
  const env = await ports();
  const past = await doctor(s, ['--data', 'data'], { ...env, SOURCE_DATE_EPOCH: '86400' });
  assert.equal(past.status, 65);
  assert.match(past.find('clock')[0].text, /1970-01-02T.*before this program was made/);
  assert.deepEqual(readdirSync(join(s.dir, 'data', 'tmp')), []);
});
