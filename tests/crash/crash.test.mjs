// A short form of `make crash` for every test run: some points of each layer; what a full disk does; who may use a folder.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { signalAll } from '../lib/workers.mjs';
import { countCalls, sweep } from './calls.mjs';
import { checkRecovered, filesBelow, scratch } from './check.mjs';
import { kills, makeStandard } from './kills.mjs';
import { startSweep, workSweep } from './memory.mjs';
import { power } from './power.mjs';
import { NOMEM, TRACER, settled } from './run.mjs';
import { STEPS, Story, people } from './story.mjs';
import { Server, pause } from './server.mjs';

const seed = Number(process.env.SEED || Date.now() % 1000000);
const quiet = () => {};
const traced = existsSync(TRACER) && spawnSync(TRACER, ['-r', '/tmp', '--', '/bin/true']).status === 0;
const noTracer = traced ? false : 'programs cannot be traced here';
const clean = (wrong) => assert.deepEqual(wrong.slice(0, 5), [], `seed ${seed}`);

test('kill -9 of server, worker or both at random moments', async () => {
  const { wrong } = await kills({ count: 12, seed, golden: await makeStandard(), report: quiet });
  clean(wrong);
});

test('a kill, ENOSPC and EIO at calls to the disk', { skip: noTracer }, async () => {
  const { n: calls, golden } = await countCalls();
  assert.ok(calls > 500, `${calls} calls seen`);
  for (const [error, step] of [[null, 60], ['ENOSPC', 120], ['EIO', 150]]) {
    const { wrong, points } = await sweep({ error, step, first: 1 + (seed % step), golden, calls, report: quiet });
    assert.ok(points > 3);
    clean(wrong);
  }
});

test('power loss', { skip: noTracer }, async () => {
  const { wrong, states } = await power({ count: 36, seed, report: quiet });
  assert.equal(states, 36);
  clean(wrong);
});

test('an allocation fails', { skip: existsSync(NOMEM) ? false : 'no library to preload' }, async () => {
  clean((await startSweep({ step: 500, report: quiet })).wrong);
  for (const role of ['server', 'worker'])
    clean((await workSweep({ role, step: 220, report: quiet })).wrong);
});

test('every call that strace sees is seen', { skip: noTracer || (spawnSync('strace', ['-V']).status === 0 ? false : 'no strace') },
  async () => {
    const data = scratch('strace');
    const log = `${data}.strace`;
    const names = 'write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir';
    const one = async (wrap) => {
      mkdirSync(data, { recursive: true });
      const server = await Server.start(data, { wrap });
      if (!server.pid) server.pid = Number(execFileSync('pgrep', ['-P', String(server.child.pid)], { encoding: 'utf8' }));
      await server.stop();
      rmSync(data, { recursive: true });
      return server.out;
    };
    const counted = Number((await one([TRACER, '-r', data, '--'])).split('\n')[1].split('\t')[0]);
    await one(['strace', '-f', '-y', '-qq', '-o', log, '-e', `trace=${names},open,openat`]);
    const lines = execFileSync('cat', [log], { encoding: 'utf8' }).split('\n')
      .filter((line) => line.includes(data) && !/openat?\(|write\(2</.test(line) && !line.includes('resumed'));
    const creating = execFileSync('cat', [log], { encoding: 'utf8' }).split('\n')
      .filter((line) => line.includes(data) && /openat?\(/.test(line) && /O_CREAT|O_TRUNC/.test(line));
    rmSync(log);
    // The address of a socket and the time are not the same each time: the log file's size differs by a page at most.
    assert.ok(Math.abs(lines.length + creating.length - counted) <= 4, `${lines.length + creating.length}, not ${counted}`);
  });

// ---- a disk that is really full ----

const canMount = process.getuid() === 0 &&
  spawnSync('unshare', ['-m', 'sh', '-c', 'mount -t tmpfs -o size=1m none /mnt']).status === 0;

for (const reserve of ['0', '1']) test(`a full disk is told with 507, and all goes on when there is room again (reserve ${reserve} MB)`,
  { skip: canMount ? false : 'needs root, for a file system of 8 MB' }, async () => {
    const disk = scratch('disk');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', disk]);
    let server;
    try {
      const data = join(disk, 'data');
      mkdirSync(data);
      const found = [];
      server = await Server.start(data, { env: { SHEETFLOW_CHAT_WORKFLOWS_STORAGE_RESERVE_MB: reserve } });
      const story = new Story('full', { wrong: (text) => found.push(text), acts: ['create', 'upload', 'execute'] });
      await story.tell(server);
      // Fill it to the last page.
      const filler = join(disk, 'filler');
      spawnSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=1k count=9000 2>/dev/null; true`]);
      const id = story.acks.create.id;
      const upload = (name) => server.api('POST', `/chat/workflows/${id}/upload`,
        { file: [{ name, content: people(20000) }] });
      const refused = await upload('big.csv');
      assert.equal(refused.status, 507, JSON.stringify(refused.body));
      assert.match(refused.body.message, /disk is (nearly )?full/);
      assert.ok(refused.headers['retry-after']);
      const ready = await server.request('GET', '/health/ready');
      assert.equal(ready.status, 503, JSON.stringify(ready.body));
      assert.match(JSON.stringify(ready.body), /disk/);
      // Reading goes on.
      const seen = await server.api('GET', `/chat/workflows/${id}`);
      assert.equal(seen.status, 200);
      rmSync(filler);
      let again;
      for (let i = 0; i < 100 && again?.status !== 200; i++) {
        again = await upload('big.csv');
        if (again.status !== 200) await pause(50);
      }
      assert.equal(again.status, 200, JSON.stringify(again.body));
      assert.equal(again.body.data.filename, 'big.csv');
      for (let i = 0; i < 100 && (await server.request('GET', '/health/ready')).status !== 200; i++) await pause(50);
      assert.equal((await server.request('GET', '/health/ready')).status, 200);
      await settled(server, (text) => found.push(text));
      assert.deepEqual(filesBelow(data).filter((path) => path.endsWith('.tmp')), []);
      assert.deepEqual(found, []);
    } finally {
      await server?.stop();
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true, force: true });
    }
  });

// ---- who may use a folder, and what becomes of runs ----

test('a second server on a folder refuses at once and says why', async () => {
  const data = scratch('two');
  const first = await Server.start(data);
  const started = Date.now();
  const second = await Server.start(data);
  assert.equal(second.port, 0);
  assert.ok(Date.now() - started < 3000);
  assert.match(second.log, /another Sheetflow is using this data folder/);
  assert.equal((await first.request('GET', '/health')).status, 200);
  await first.stop();
  rmSync(data, { recursive: true });
});

async function cutOff(env) {
  const data = scratch('cut');
  const found = [];
  const story = new Story('cut', { rows: 60000, acts: ['create', 'upload', 'async'], wrong: (text) => found.push(text) });
  const server = await Server.start(data);
  await story.tell(server);
  await server.stop('SIGKILL');
  const next = await Server.start(data, { env });
  await settled(next, (text) => found.push(text));
  const path = `/chat/workflows/${story.acks.create.id}/runs/${story.acks.async.id}`;
  const run = (await next.api('GET', path)).body.data;
  await next.stop();
  checkRecovered(data, [story], { mayFail: true }, (text) => found.push(text));
  assert.deepEqual(found, []);
  rmSync(data, { recursive: true });
  return run;
}

test('execution.recover: a run cut off goes on, or is failed with its steps', async () => {
  assert.equal((await cutOff({})).status, 'completed');
  const run = await cutOff({ SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_RECOVER: 'fail' });
  if (run.status === 'completed') return; // It was quicker than the kill.
  assert.equal(run.status, 'failed');
  assert.match(run.error.text ?? run.error.message, /the server stopped during this run/);
  assert.ok(run.steps.every((step) => ['completed', 'failed', 'skipped'].includes(step.status)), run.steps.map((s) => s.status));
});

test('cancel ends a run within two seconds and leaves no file of the step that was cut off', async () => {
  const data = scratch('cancel');
  const server = await Server.start(data);
  const story = new Story('c', { rows: 150000, acts: ['create', 'upload', 'async'], wrong: assert.fail });
  await story.tell(server);
  const { id } = story.acks.create;
  const started = Date.now();
  const reply = await server.api('POST', `/chat/workflows/${id}/runs/${story.acks.async.id}/cancel`);
  assert.ok(Date.now() - started < 2000);
  if (reply.status === 200) {
    const rows = (await server.api('GET', `/chat/workflows/${id}/runs/${story.acks.async.id}`)).body.data;
    const kept = rows.steps.filter((step) => step.output_file).length;
    const files = filesBelow(join(data, 'workflows')).filter((path) => /\/(outputs|intermediate)\//.test(path));
    assert.equal(files.length, kept, files.join(' '));
  }
  await server.stop();
  rmSync(data, { recursive: true });
});

test('a cancel that cannot be recorded is refused, and the run has its one end after the next start', { skip: noTracer }, async () => {
  const data = scratch('unrecorded');
  const found = [];
  await (await Server.start(data)).stop(); // For the folder of the database.
  let server = await Server.start(data, { wrap: [TRACER, '-e', '5', '-r', join(data, 'sqlite'), '--'] });
  const story = new Story('u', { rows: 150000, acts: ['create', 'upload', 'async'], wrong: (text) => found.push(text) });
  await story.tell(server);
  const path = `/chat/workflows/${story.acks.create.id}/runs/${story.acks.async.id}`;
  const run = async () => (await server.api('GET', path)).body.data;
  while ((await run()).status === 'pending') await pause(2);
  server.child.kill('SIGUSR2'); // The next write to the database fails.
  const reply = await server.api('POST', `${path}/cancel`);
  const { status } = await run();
  assert.equal(status, 'running');
  assert.equal(reply.status, 503, JSON.stringify(reply.body));
  assert.match(reply.body.message, /its end cannot be recorded/);
  assert.ok(reply.headers['retry-after']);
  assert.equal((await server.request('GET', '/health/ready')).status, 503);
  await server.stop();
  server = await Server.start(data);
  await settled(server, (text) => found.push(text));
  assert.equal((await run()).status, 'completed');
  const late = await server.api('POST', `${path}/cancel`);
  assert.equal(late.status, 409);
  assert.match(late.body.message, /has already ended/);
  await server.stop();
  checkRecovered(data, [story], {}, (text) => found.push(text));
  assert.deepEqual(found, []);
  rmSync(data, { recursive: true });
});

test('a step that takes too long fails its run with the reason, and nothing else', async () => {
  const data = scratch('slow');
  const server = await Server.start(data, { env: { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_STEP_TIMEOUT_SECONDS: '1' } });
  const story = new Story('slow', { acts: ['create', 'upload'], wrong: assert.fail });
  await story.tell(server);
  const { id } = story.acks.create;
  // The worker that waits for the next job stands still.
  while (!server.workers().length) await pause(5);
  signalAll(server.workers(), 'SIGSTOP');
  const reply = await server.api('POST', `/chat/workflows/${id}/execute`, { body: { steps: STEPS.slice(0, 1) } });
  assert.equal(reply.status, 422, JSON.stringify(reply.body));
  assert.match(reply.body.message, /step 1 of 1 .*step_timeout_seconds/);
  const small = new Story('small', { acts: ['create', 'upload', 'execute'], wrong: assert.fail });
  await small.tell(server);
  await server.stop();
  rmSync(data, { recursive: true });
});

test('runs are fair between conversations: one of many does not keep another waiting', async () => {
  const data = scratch('fair');
  const server = await Server.start(data, { env: { SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_WORKERS: '1' } });
  const many = new Story('many', { rows: 5000, acts: ['create', 'upload'], wrong: assert.fail });
  const other = new Story('other', { acts: ['create', 'upload'], wrong: assert.fail });
  await many.tell(server);
  await other.tell(server);
  const submit = async (story) => (await server.api('POST', `/chat/workflows/${story.acks.create.id}/execute`,
    { body: { steps: STEPS, async: true } })).body.data.run_id;
  const first = [];
  for (let i = 0; i < 6; i++) first.push(await submit(many));
  const mine = await submit(other);
  await settled(server, assert.fail);
  const ended = async (story, run) => (await server.api('GET',
    `/chat/workflows/${story.acks.create.id}/runs/${run}`)).body.data.completed_at;
  const last = await ended(many, first.at(-1));
  assert.ok(await ended(other, mine) < last, 'the other conversation waited for all of them');
  await server.stop();
  rmSync(data, { recursive: true });
});
