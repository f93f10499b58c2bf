// A server that is killed: what was acknowledged stays, a run that was cut off goes on, nothing half written is seen.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';
import { zygotesOf } from '../lib/workers.mjs';

let server;
const ROWS = 120000;
const LINES = ['id,name,amount'];
for (let i = 0; i < ROWS; i++) LINES.push(`${i},name ${i % 977},${i % 1000}.25`);
const BIG = `${LINES.join('\n')}\n`;
const STEPS = [
  { operation: 'csv/search', arguments: { conditions: [{ column: 'amount', operator: 'greater_than', value: 10 }] } },
  { operation: 'csv/convert-to-excel', arguments: {} },
];

before(async () => { server = await Server.start(); });
after(() => server.close());

const paths = () => readdirSync(server.data, { recursive: true });

async function ended(id, run) {
  const watcher = await server.watch(id, { since: 0 });
  await watcher.frame((f) => f.run_id === run && /^workflow_(completed|failed|cancelled)$/.test(f.type));
  watcher.close();
  return (await server.call('GET', `/chat/workflows/${id}/runs/${run}`)).body.data;
}

test('a run cut off by kill -9 goes on after the start and ends once', async () => {
  const chat = await server.create();
  await server.upload(chat.chat_id, 'big.csv', BIG);
  const watcher = await server.watch(chat.chat_id);
  await watcher.frame('connected');
  const reply = await server.execute(chat.chat_id, STEPS, { async: true });
  assert.equal(reply.status, 202);
  const { run_id: run } = reply.body.data;
  await watcher.frame('workflow_started');
  await server.stop('SIGKILL');
  await server.restart();
  const now = await ended(chat.chat_id, run);
  assert.equal(now.status, 'completed');
  assert.deepEqual(now.steps.map((s) => s.status), ['completed', 'completed']);
  assert.equal(now.steps[0].rows_in, ROWS);
  assert.deepEqual(paths().filter((path) => path.endsWith('.tmp')), []);
  const files = (await server.call('GET', `/chat/workflows/${chat.chat_id}`)).body.data.output_files;
  assert.equal(files.length, 1);
  const replayed = await server.watch(chat.chat_id, { since: 0 });
  await replayed.frame('workflow_completed');
  const numbers = replayed.frames.filter((f) => f.type !== 'connected').map((f) => f.seq);
  assert.deepEqual(numbers, [...new Set(numbers)].toSorted((a, b) => a - b));
  replayed.close();
});

test('a graceful stop in the middle of a run ends within ten seconds, and the run goes on later', async () => {
  const chat = await server.create();
  await server.upload(chat.chat_id, 'big.csv', BIG);
  const reply = await server.execute(chat.chat_id, STEPS, { async: true });
  const started = Date.now();
  const { code } = await server.stop();
  assert.equal(code, 0);
  assert.ok(Date.now() - started < 10000);
  await server.restart();
  assert.equal((await ended(chat.chat_id, reply.body.data.run_id)).status, 'completed');
});

test('the process that forks workers is killed: a run under way goes on, and the next ones have another', async () => {
  const chat = await server.create();
  await server.upload(chat.chat_id, 'big.csv', BIG);
  const [zygote] = zygotesOf(server.child.pid);
  assert.ok(zygote);
  const watcher = await server.watch(chat.chat_id);
  await watcher.frame('connected');
  let run;
  await server.slowly(async () => {
    run = (await server.execute(chat.chat_id, STEPS, { async: true })).body.data.run_id;
    await watcher.frame('workflow_started');
    process.kill(zygote, 'SIGKILL');
  });
  watcher.close();
  assert.equal((await ended(chat.chat_id, run)).status, 'completed');
  for (let i = 0; i < 3; i++) {
    const next = await server.execute(chat.chat_id, STEPS.slice(0, 1));
    assert.equal(next.status, 200, JSON.stringify(next.body));
  }
  const [next, ...more] = zygotesOf(server.child.pid);
  assert.ok(next && next !== zygote && more.length === 0);
});

test('a cancelled run stops and leaves no partial file', async () => {
  const chat = await server.create();
  await server.upload(chat.chat_id, 'big.csv', BIG);
  const watcher = await server.watch(chat.chat_id);
  await watcher.frame('connected');
  const reply = await server.execute(chat.chat_id, STEPS, { async: true });
  const { run_id: run } = reply.body.data;
  await watcher.frame('workflow_started');
  const cancel = await server.call('POST', `/chat/workflows/${chat.chat_id}/runs/${run}/cancel`);
  watcher.close();
  // It may have been quicker than we were.
  if (cancel.status === 409) return;
  assert.equal(cancel.status, 200, JSON.stringify(cancel.body));
  assert.equal(cancel.body.data.status, 'cancelled');
  assert.deepEqual(paths().filter((path) => path.endsWith('.tmp')), []);
  const again = await server.call('POST', `/chat/workflows/${chat.chat_id}/runs/${run}/cancel`);
  assert.equal(again.status, 409);
});

test('a second server on the same folder refuses to start and says why', async () => {
  await assert.rejects(Server.start({ data: server.data }), /another/);
});

test('two watchers, one slow, see the same; deleting a conversation closes them', async () => {
  const chat = await server.create();
  const [a, b] = await Promise.all([server.watch(chat.chat_id), server.watch(chat.chat_id)]);
  await Promise.all([a.frame('connected'), b.frame('connected')]);
  b.socket.pause();
  await server.upload(chat.chat_id, 'small.csv', 'a\n1\n');
  await a.frame('message');
  b.socket.resume();
  await b.frame('message');
  assert.deepEqual(a.frames.slice(1), b.frames.slice(1));
  await server.call('DELETE', `/chat/workflows/${chat.chat_id}`);
  assert.equal((await a.closed).code, 4404);
  assert.ok(!paths().some((path) => path.startsWith('workflows') && path.includes(chat.chat_id)));
  assert.ok(!readdirSync(join(server.data, 'tmp')).length);
});

test('SIGHUP takes the settings that a reload takes, and keeps the others', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sheetflow-reload-'));
  const file = join(dir, 'settings.yaml');
  writeFileSync(file, 'chat_workflows:\n  execution:\n    max_steps: 1\n');
  const own = await Server.start({ args: ['--config', file] });
  const reloaded = async (word) => {
    const logged = own.log.split(word).length;
    own.child.kill('SIGHUP');
    while (own.log.split(word).length === logged) await once(own.child.stderr, 'data');
  };
  try {
    const chat = await own.create();
    await own.upload(chat.chat_id, 'a.csv', 'a\n1\n');
    const steps = [1, 2].map(() => ({ operation: 'csv/convert-to-excel', arguments: {} }));
    assert.equal((await own.execute(chat.chat_id, steps)).status, 422);
    writeFileSync(file, 'chat_workflows:\n  execution:\n    max_steps: 2\napi:\n  prefix: /other\n');
    await reloaded('settings reloaded');
    assert.match(own.log, /some changes need a restart/);
    assert.equal((await own.execute(chat.chat_id, steps)).status, 200);
    writeFileSync(file, 'chat_workflows:\n  execution:\n    max_stepps: 2\n');
    await reloaded('the settings stay as they are');
    assert.match(own.log, /max_steps/);
    assert.equal((await own.execute(chat.chat_id, steps)).status, 200);
  } finally {
    await own.close();
    rmSync(dir, { recursive: true });
  }
});
