// Work by the clock, and limits of time: backups and their retention, clean-up, results, pings, idle connections, steps.
//
// Nothing waits for the clock: files and rows are made older, and SIGHUP has the server look at once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, utimesSync, watch, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import WebSocket from 'ws';
import { CUSTOMERS, PROGRAM, Server } from '../lib/server.mjs';
import { signalAll, workersOf } from '../lib/workers.mjs';

const MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

const environment = (settings) => Object.fromEntries(Object.entries(settings)
  .map(([path, value]) => [`SHEETFLOW_${path.toUpperCase().replaceAll('.', '_')}`, String(value)]));

async function withServer(settings, work) {
  const server = await Server.start({ env: environment(settings) });
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

async function startAgain(server, settings) {
  server.options.env = environment(settings);
  await server.restart();
}

async function logged(server, pattern, from = 0) {
  while (!pattern.test(server.log.slice(from))) await once(server.child.stderr, 'data');
}

// The server has looked at everything that is due.
async function look(server) {
  const from = server.log.length;
  server.child.kill('SIGHUP');
  await logged(server, /backups and old files were looked at/, from);
}

function age(path, seconds) {
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
}

const sql = (server, text) => execFileSync('sqlite3', [join(server.data, 'sqlite/chat.db'), text]).toString().trim();
const snapshots = (server) => join(server.data, 'sqlite/snapshots');
const isWhole = (path) => assert.equal(execFileSync('sqlite3', [path, 'PRAGMA integrity_check; PRAGMA foreign_key_check']).toString(), 'ok\n');

async function backUp(server) {
  const reply = await server.call('POST', '/chat/sqlite/backup');
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body.data.backup_file;
}

function sendForm(server, path, content = 'a\n1\n') {
  const form = new FormData();
  form.append('file', new Blob([content]), 'a.csv');
  return server.call('POST', path, form);
}

async function stopSpare(server) {
  let pids = [];
  while (pids.length === 0) {
    await new Promise((resolve) => { setImmediate(resolve); });
    pids = workersOf(server.child.pid);
  }
  signalAll(pids, 'SIGSTOP');
  return pids;
}

/* ---- backups ---- */

test('backup.enabled and backup.interval_minutes: a backup is made when the last one is old enough, and is whole', async () => {
  await withServer({}, async (server) => {
    const { chat_id: id } = await server.create();
    const first = await backUp(server);
    await look(server);
    assert.deepEqual(readdirSync(snapshots(server)), [first], 'the last one is new');
    await server.stop();
    age(join(snapshots(server), first), 50 * MINUTE);
    for (const [settings, due] of [
      [{}, false],
      [{ 'chat_workflows.backup.interval_minutes': 40, 'chat_workflows.backup.enabled': false }, false],
      [{ 'chat_workflows.backup.interval_minutes': 40 }, true],
    ]) {
      await startAgain(server, settings);
      await look(server);
      const names = readdirSync(snapshots(server));
      assert.equal(names.length, due ? 2 : 1, JSON.stringify(settings));
      assert.equal(/backup written/.test(server.log), due);
      for (const name of names) isWhole(join(snapshots(server), name));
      await server.stop();
    }
    const newest = readdirSync(snapshots(server)).find((name) => name !== first);
    const rows = execFileSync('sqlite3', [join(snapshots(server), newest), 'SELECT id FROM conversations']).toString();
    assert.equal(rows, `${id}\n`);
  });
});

test('backup.retention_days: old ones go when a new one is there and not before; files of others stay', async () => {
  await withServer({}, async (server) => {
    const folder = snapshots(server);
    const made = await backUp(server);
    const old = ['chat_backup_20200101_000000.db', 'chat_backup_20200102_000000.db'], kept = 'chat_backup_20200103_000000.db';
    await server.stop();
    renameSync(join(folder, made), join(folder, kept));
    for (const name of [...old, 'of_others.db', 'chat_backup_notes.txt']) {
      writeFileSync(join(folder, name), readFileSync(join(folder, kept)));
      age(join(folder, name), 6 * DAY);
    }
    age(join(folder, kept), 4 * DAY);
    const events = [], watcher = watch(folder, (_type, name) => events.push(name));
    await startAgain(server, { 'chat_workflows.backup.retention_days': 5 });
    await look(server);
    const names = readdirSync(folder);
    const fresh = names.filter((name) => ![...old, kept, 'of_others.db', 'chat_backup_notes.txt'].includes(name));
    assert.equal(fresh.length, 1, names.join());
    assert.deepEqual(names.toSorted(), [fresh[0], kept, 'of_others.db', 'chat_backup_notes.txt'].toSorted());
    isWhole(join(folder, fresh[0]));
    while (!old.every((name) => events.includes(name))) await new Promise((resolve) => { setImmediate(resolve); });
    watcher.close();
    for (const name of old) assert.ok(events.indexOf(fresh[0]) < events.indexOf(name), events.join());
  });
});

// Faults that the running server does not notice, and a backup must.
for (const [what, fault] of [
  ['a row that belongs to nothing', `INSERT INTO messages (conversation, id, type, content, metadata, created_ns) VALUES (99999, 'x', 'user', 'x', '{}', 0)`],
  ['an index that lacks its rows', `PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = 'CREATE INDEX conversations_by_change ON conversations (last_seq)' WHERE name = 'conversations_by_change'`],
]) {
  test(`a backup of a database with a fault (${what}) fails and leaves the old ones alone`, async () => {
    await withServer({}, async (server) => {
      await server.create();
      const first = await backUp(server);
      await server.stop();
      sql(server, fault);
      age(join(snapshots(server), first), 300 * DAY);
      await startAgain(server, {});
      await look(server);
      assert.match(server.log, /error "the backup failed"/);
      assert.deepEqual(readdirSync(snapshots(server)), [first]);
      const reply = await server.call('POST', '/chat/sqlite/backup');
      assert.equal(reply.status, 500, JSON.stringify(reply.body));
      assert.deepEqual(readdirSync(snapshots(server)), [first]);
    });
  });
}

/* ---- what grows old ---- */

test('cleanup.enabled, conversation_days and dump_days: what has not changed for so long is deleted, and nothing else', async () => {
  await withServer({}, async (server) => {
    const chats = [];
    for (const days of [11, 9]) {
      const { chat_id: id } = await server.create();
      assert.equal((await server.upload(id, 'a.csv', 'a\n1\n')).status, 200);
      const dump = (await server.call('POST', `/chat/workflows/${id}/dump`)).body.data.dump_file;
      chats.push({ id, days, dump });
    }
    await server.stop();
    const dumps = join(server.data, 'dumps');
    for (const { id, days } of chats) {
      sql(server, `UPDATE conversations SET updated_ns = updated_ns - ${days} * 86400 * 1000000000 WHERE id = '${id}'`);
    }
    age(join(dumps, chats[0].dump), 4 * DAY);
    age(join(dumps, chats[1].dump), 6 * DAY);
    writeFileSync(join(dumps, 'notes.txt'), 'mine');
    age(join(dumps, 'notes.txt'), 600 * DAY);
    const folders = () => readdirSync(join(server.data, 'workflows'), { recursive: true }).join('\n');
    const days = { 'chat_workflows.cleanup.conversation_days': 10, 'chat_workflows.cleanup.dump_days': 5 };

    await startAgain(server, days);
    await look(server);
    for (const { id, dump } of chats) {
      assert.equal((await server.call('GET', `/chat/workflows/${id}`)).status, 200);
      assert.ok(existsSync(join(dumps, dump)), 'it is not enabled');
    }
    await server.stop();

    await startAgain(server, { ...days, 'chat_workflows.cleanup.enabled': true });
    await look(server);
    const found = await Promise.all(chats.map(({ id }) => server.call('GET', `/chat/workflows/${id}`)));
    assert.deepEqual(found.map(({ status }) => status), [404, 200]);
    assert.ok(!folders().includes(chats[0].id) && folders().includes(chats[1].id));
    assert.deepEqual(readdirSync(dumps).toSorted(), [chats[0].dump, 'notes.txt'].toSorted());
    assert.equal(sql(server, 'SELECT count(*) FROM files'), '1');
  });
});

test('file.result_ttl_hours: results of operations can be had for so long', async () => {
  await withServer({ 'file.result_ttl_hours': 5 }, async (server) => {
    const made = [];
    for (const hours of [6, 4]) {
      const { download_url: url } = (await sendForm(server, '/csv/convert-to-excel')).body.data;
      const token = readdirSync(join(server.data, 'results')).find((name) => url.includes(name));
      age(join(server.data, 'results', token), hours * HOUR);
      made.push({ url, token });
    }
    await look(server);
    assert.deepEqual(readdirSync(join(server.data, 'results')), [made[1].token]);
    const found = await Promise.all(made.map(({ url }) => server.call('GET', url)));
    assert.deepEqual(found.map(({ status }) => status), [404, 200]);
  });
});

/* ---- connections ---- */

test('app.allowed_hosts: names the server answers for', async () => {
  const ask = (server, host) => new Promise((resolve, reject) => {
    request(`${server.base}/health`, { headers: { host } }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    }).on('error', reject).end();
  });
  await withServer({}, async (server) => {
    assert.equal(await ask(server, `localhost:${server.port}`), 200);
    assert.ok(await ask(server, 'tables.example') >= 400);
  });
  await withServer({ 'app.allowed_hosts': 'tables.example,other.example' }, async (server) => {
    assert.deepEqual(await Promise.all(['tables.example', 'OTHER.example:80', `127.0.0.1:${server.port}`].map((host) => ask(server, host))), [200, 200, 200]);
    assert.ok(await ask(server, 'more.tables.example') >= 400);
  });
});

test('api.timeout: an idle connection is closed', async () => {
  await withServer({ 'api.timeout': 1 }, async (server) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    const [data] = await once(socket, 'data');
    assert.match(data.toString(), /^HTTP\/1\.1 200/);
    const since = process.hrtime.bigint();
    socket.resume();
    await once(socket, 'close');
    const seconds = Number(process.hrtime.bigint() - since) / 1e9;
    assert.ok(seconds > 0.5 && seconds < 20, `closed after ${seconds} s`);
  });
});

test('websocket.ping_interval and ping_timeout: who answers stays, who does not is let go', async () => {
  const open = async (server, options) => {
    const { chat_id: id } = await server.create();
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/chat/${id}`, options);
    await once(socket, 'open');
    return socket;
  };
  await withServer({ 'chat_workflows.websocket.ping_interval': 1, 'chat_workflows.websocket.ping_timeout': 1 }, async (server) => {
    const [awake, deaf] = await Promise.all([open(server), open(server, { autoPong: false })]);
    const gone = once(deaf, 'close');
    await once(deaf, 'ping');
    await gone;
    await once(awake, 'ping');
    assert.equal(awake.readyState, WebSocket.OPEN);
    awake.terminate();
  });
  // The next ping comes while there is still time to answer the first.
  await withServer({ 'chat_workflows.websocket.ping_interval': 1, 'chat_workflows.websocket.ping_timeout': 3600 }, async (server) => {
    const deaf = await open(server, { autoPong: false });
    await once(deaf, 'ping');
    await once(deaf, 'ping');
    assert.equal(deaf.readyState, WebSocket.OPEN);
    deaf.terminate();
  });
});

test('app.threads: so many threads answer requests', async () => {
  const counts = [];
  for (const threads of [2, 7]) {
    await withServer({ 'app.threads': threads }, async (server) => {
      assert.equal((await server.call('GET', '/health')).status, 200);
      counts.push(readdirSync(`/proc/${server.child.pid}/task`).length);
    });
  }
  assert.equal(counts[1] - counts[0], 5, counts.join());
});

/* ---- runs ---- */

const CONVERT = [{ operation: 'csv/convert-to-excel', arguments: {} }];

async function withFile(server, content = CUSTOMERS) {
  const { chat_id: id } = await server.create();
  assert.equal((await server.upload(id, 'a.csv', content)).status, 200);
  return id;
}

async function ended(server, id, run) {
  const watcher = await server.watch(id, { since: 0 });
  const last = await watcher.frame((f) => f.run_id === run && /^workflow_(completed|failed|cancelled)$/.test(f.type));
  watcher.close();
  const facts = (await server.call('GET', `/chat/workflows/${id}/runs/${run}`)).body.data;
  return { last, frames: watcher.frames, facts };
}

test('execution.step_timeout_seconds: a step whose worker does not go on fails, and the next run works', async () => {
  await withServer({ 'chat_workflows.execution.step_timeout_seconds': 1 }, async (server) => {
    const id = await withFile(server);
    const stopped = await stopSpare(server);
    const reply = await server.execute(id, CONVERT, { async: true });
    const { facts, last } = await ended(server, id, reply.body.data.run_id);
    assert.equal(facts.status, 'failed');
    assert.match(last.message, /longer than chat_workflows\.execution\.step_timeout_seconds \(1 s a step\)/);
    assert.ok(!stopped.some((pid) => workersOf(server.child.pid).includes(pid)), 'the worker is gone');
    assert.equal((await server.execute(id, CONVERT)).status, 200);
  });
});

test('execution.workers: so many runs at the same time', async () => {
  for (const count of [1, 2]) {
    await withServer({ 'chat_workflows.execution.workers': count }, async (server) => {
      const ids = await Promise.all([withFile(server), withFile(server)]);
      const [pid] = await stopSpare(server); // The first run stays where it is.
      const first = (await server.execute(ids[0], CONVERT, { async: true })).body.data.run_id;
      const watcher = await server.watch(ids[0], { since: 0 });
      await watcher.frame('workflow_started');
      watcher.close();
      const second = (await server.execute(ids[1], CONVERT, { async: true })).body.data.run_id;
      if (count === 2) {
        assert.equal((await ended(server, ids[1], second)).facts.status, 'completed');
        assert.equal((await server.call('GET', `/chat/workflows/${ids[0]}/runs/${first}`)).body.data.status, 'running');
      } else {
        assert.equal((await server.call('GET', `/chat/workflows/${ids[1]}/runs/${second}`)).body.data.status, 'pending');
      }
      process.kill(pid, 'SIGCONT');
      const runs = [await ended(server, ids[0], first), await ended(server, ids[1], second)].map(({ facts }) => facts);
      assert.deepEqual(runs.map(({ status }) => status), ['completed', 'completed']);
      if (count === 1) assert.ok(runs[1].started_at >= runs[0].completed_at, JSON.stringify(runs.map((r) => [r.started_at, r.completed_at])));
    });
  }
});

test('execution.stream_progress: whether the way is told, or only the end of each step', async () => {
  const rows = ['id,name,amount'];
  for (let i = 0; i < 400000; i++) rows.push(`${i},name ${i % 977},${i % 1000}.25`);
  for (const on of [true, false]) {
    await withServer({ 'chat_workflows.execution.stream_progress': on }, async (server) => {
      const id = await withFile(server, rows.join('\n'));
      const watcher = await server.watch(id);
      const run = await server.slowly(async () => {
        const reply = await server.execute(id, CONVERT, { async: true });
        await watcher.frame((f) => f.run_id === reply.body.data.run_id && f.type === 'workflow_completed');
        return reply.body.data.run_id;
      });
      watcher.close();
      const told = watcher.frames.filter((f) => f.run_id === run && f.progress !== undefined).map((f) => f.progress);
      assert.equal(told.some((percent) => percent > 0 && percent < 100), on, told.join());
      assert.ok(told.includes(100), told.join());
    });
  }
});

test('execution.recover: a run that a crash cut off goes on, or has failed', async () => {
  for (const [recover, status] of [['resume', 'completed'], ['fail', 'failed']]) {
    await withServer({ 'chat_workflows.execution.recover': recover }, async (server) => {
      const id = await withFile(server);
      const pids = await stopSpare(server);
      const { run_id: run } = (await server.execute(id, CONVERT, { async: true })).body.data;
      const watcher = await server.watch(id, { since: 0 });
      await watcher.frame('workflow_started');
      await server.stop('SIGKILL');
      signalAll(pids, 'SIGKILL');
      await server.restart();
      const { facts, last } = await ended(server, id, run);
      assert.equal(facts.status, status);
      if (status === 'failed') assert.match(last.message, /the server stopped during this run/);
    });
  }
});

test('execution.sandbox: require starts only where the sandbox is whole', async () => {
  const doctor = () => {
    try {
      return execFileSync(PROGRAM, ['doctor', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
    } catch (error) {
      return error.stdout; // It has found something wrong.
    }
  };
  const { sandbox } = Object.fromEntries(JSON.parse(doctor()).findings.map((f) => [f.check, f]));
  const whole = sandbox.state === 'ok';
  await withServer({ 'chat_workflows.execution.sandbox': 'try' }, async (server) => {
    assert.equal(/workers run without a whole sandbox/.test(server.log), !whole);
  });
  const start = Server.start({ env: environment({ 'chat_workflows.execution.sandbox': 'require' }) });
  if (!whole) {
    await assert.rejects(start, /sandbox for workers is not whole .*chat_workflows\.execution\.sandbox requires it/);
    return;
  }
  const server = await start;
  assert.equal((await server.execute(await withFile(server), CONVERT)).status, 200);
  await server.close();
});
