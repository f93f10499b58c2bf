// Idempotency-Key: the same request twice is done once; another request under the same key is refused.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';

const CSV = 'id,name\n1,Ada\n2,Alan\n';
const STEPS = [{ operation: 'csv/search', arguments: { conditions: [{ column: 'id', operator: 'eq', value: 1 }] } }];
let server;

before(async () => { server = await Server.start(); });
after(() => server.close());

const keyed = (key) => ({ 'idempotency-key': key });

function file(content, name = 'a.csv', field = 'file') {
  const form = new FormData();
  form.append(field, new Blob([content]), name);
  return form;
}

test('a conversation is created once', async () => {
  const first = await server.call('POST', '/chat/workflows', { name: 'once' }, keyed('create-1'));
  const again = await server.call('POST', '/chat/workflows', { name: 'once' }, keyed('create-1'));
  assert.equal(first.status, 201);
  assert.equal(first.headers.get('idempotency-replayed'), null);
  assert.equal(again.status, 201);
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.deepEqual(again.body, first.body);
  assert.equal((await server.call('GET', '/chat/workflows?q=once')).body.total, 1);
  const other = await server.call('POST', '/chat/workflows', { name: 'twice' }, keyed('create-1'));
  assert.equal(other.status, 422);
  assert.equal(other.body.data.details.argument, 'Idempotency-Key');
  const fresh = await server.call('POST', '/chat/workflows', { name: 'once' }, keyed('create-2'));
  assert.notEqual(fresh.body.data.chat_id, first.body.data.chat_id);
});

test('an upload is stored once, whatever stands between its parts', async () => {
  const { chat_id: id } = await server.create();
  const path = `/chat/workflows/${id}/upload`;
  const first = await server.call('POST', path, file(CSV), keyed('up'));
  const again = await server.call('POST', path, file(CSV), keyed('up'));
  assert.equal(again.status, 200);
  assert.deepEqual(again.body, first.body);
  assert.equal((await server.call('POST', path, file(`${CSV}3,Joan\n`), keyed('up'))).status, 422);
  const shown = await server.call('GET', `/chat/workflows/${id}`);
  assert.deepEqual(shown.body.data.uploaded_files.map((f) => f.filename), ['a.csv']);
  const elsewhere = await server.create();
  const reply = await server.call('POST', `/chat/workflows/${elsewhere.chat_id}/upload`, file(CSV), keyed('up'));
  assert.equal(reply.headers.get('idempotency-replayed'), null, 'a key belongs to its path');
});

test('a run is carried out once, at the same time and later, and over a restart', async () => {
  const { chat_id: id } = await server.create();
  await server.upload(id, 'a.csv', CSV);
  const path = `/chat/workflows/${id}/execute`;
  const replies = await Promise.all([1, 2, 3].map(() => server.call('POST', path, { steps: STEPS }, keyed('run'))));
  const done = replies.filter((reply) => reply.status === 200);
  assert.ok(done.length >= 1);
  for (const reply of replies) assert.ok([200, 409].includes(reply.status), JSON.stringify(reply.body));
  await server.stop();
  await server.restart();
  const later = await server.call('POST', path, { steps: STEPS }, keyed('run'));
  assert.equal(later.status, 200);
  assert.equal(later.body.data.run_id, done[0].body.data.run_id);
  assert.equal((await server.call('GET', `/chat/workflows/${id}/runs`)).body.total, 1);
});

test('a run that failed is told again, not run again', async () => {
  const { chat_id: id } = await server.create();
  await server.upload(id, 'a.csv', CSV);
  const path = `/chat/workflows/${id}/execute`;
  const steps = [{ operation: 'excel/extract-columns-to-file', arguments: { columns: ['nmae'] } }];
  const first = await server.call('POST', path, { steps }, keyed('fails'));
  const again = await server.call('POST', path, { steps }, keyed('fails'));
  assert.equal(first.status, 422);
  assert.deepEqual(again.body, first.body);
  assert.equal((await server.call('GET', `/chat/workflows/${id}/runs`)).body.total, 1);
});

test('an operation is done once', async () => {
  const first = await server.call('POST', '/csv/convert-to-excel', file(CSV), keyed('op'));
  const again = await server.call('POST', '/csv/convert-to-excel', file(CSV), keyed('op'));
  assert.equal(again.status, 200);
  assert.equal(again.body.data.download_url, first.body.data.download_url);
});

// As a crash between the work and the keeping of its answer leaves it: the key stands for what was made.
async function forget(made) {
  await server.stop();
  for (const [key, name] of Object.entries(made))
    execFileSync('sqlite3', [join(server.data, 'sqlite/chat.db'), `UPDATE replies SET status = -1, body = '${name}' WHERE key = '${key}'`]);
  await server.restart();
}

test('a dump, a backup and a restore are done once, also when a crash keeps the answer from being kept', async () => {
  const { chat_id: id } = await server.create();
  await server.upload(id, 'a.csv', CSV);
  const snapshots = () => readdirSync(join(server.data, 'sqlite/snapshots'));
  const dumps = () => readdirSync(join(server.data, 'dumps')).filter((name) => name.startsWith(id));
  const total = async () => (await server.call('GET', '/chat/workflows')).body.total;
  const path = `/chat/workflows/${id}/dump`;

  const dump = await server.call('POST', path, undefined, keyed('dump'));
  assert.equal(dump.status, 200);
  const { dump_file: name, sha256 } = dump.body.data;
  const archive = readFileSync(join(server.data, 'dumps', name));
  assert.equal(createHash('sha256').update(archive).digest('hex'), sha256);
  const restore = (mode = 'copy', query = '') => {
    const form = file(archive, name, 'dump_file');
    if (mode) form.append('mode', mode);
    return server.call('POST', `/chat/workflows/restore${query}`, form, keyed('restore'));
  };
  const backup = await server.call('POST', '/chat/sqlite/backup', undefined, keyed('backup'));
  assert.equal(backup.status, 200);
  const backups = snapshots().length;
  const copy = await restore();
  assert.equal(copy.status, 200, JSON.stringify(copy.body));
  assert.notEqual(copy.body.data.chat_id, id);
  const conversations = await total();

  const portless = (data) => JSON.stringify(data).replace(/127\.0\.0\.1:\d+/g, ''); // Each start takes another one.
  const asBefore = async (replayed) => {
    for (const [first, again] of [[dump, await server.call('POST', path, undefined, keyed('dump'))],
      [backup, await server.call('POST', '/chat/sqlite/backup', undefined, keyed('backup'))], [copy, await restore()]]) {
      assert.equal(again.status, 200, JSON.stringify(again.body));
      assert.equal(again.headers.get('idempotency-replayed'), replayed);
      assert.equal(portless(again.body.data), portless(first.body.data));
    }
    assert.deepEqual(dumps(), [name]);
    assert.equal(snapshots().length, backups);
    assert.equal(await total(), conversations);
  };
  await asBefore('true');
  assert.equal((await restore('replace')).status, 422, 'another body');
  assert.equal((await restore(null, '?mode=copy')).status, 422, 'another query');
  await forget({ dump: name, backup: backup.body.data.backup_file, restore: copy.body.data.chat_id });
  await asBefore(null);
  await asBefore('true');
  // What was noted but not made is made now.
  await forget({ dump: `${id}_20000101_000000.tar.gz`, backup: 'chat_backup_20000101_000000.db' });
  const later = await server.call('POST', path, undefined, keyed('dump'));
  assert.equal(later.status, 200);
  assert.ok(dumps().includes(later.body.data.dump_file) && dumps().length === 2);
  assert.equal((await server.call('POST', '/chat/sqlite/backup', undefined, keyed('backup'))).status, 200);
  assert.equal(snapshots().length, backups + 1);
});

test('what was refused leaves its key free', async () => {
  const reply = await server.call('POST', '/chat/workflows/restore', file('no dump', 'x.tar.gz', 'dump_file'), keyed('free'));
  assert.ok(reply.status >= 400, `${reply.status}`);
  const none = await server.call('POST', '/chat/workflows/00000000-0000-4000-8000-000000000000/dump', undefined, keyed('free'));
  assert.equal(none.status, 404);
});

test('what did not go through may be tried again with the same key', async () => {
  const path = '/chat/workflows/00000000-0000-4000-8000-000000000000/upload';
  assert.equal((await server.call('POST', path, file(CSV), keyed('lost'))).status, 404);
  const again = await server.call('POST', path, file(CSV), keyed('lost'));
  assert.equal(again.headers.get('idempotency-replayed'), null);
});

test('a key that is none is refused', async () => {
  const reply = await server.call('POST', '/chat/workflows', {}, keyed('k'.repeat(256)));
  assert.equal(reply.status, 422);
  assert.match(reply.body.message, /1 to 255/);
});

test('dumps come in the form that is set, and each can be restored', async () => {
  for (const [form, suffix, type] of [['gzip', '.tar.gz', 'application/gzip'], ['zip', '.zip', 'application/zip'],
    ['tar', '.tar', 'application/x-tar']]) {
    const other = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_DUMP_COMPRESSION: form } });
    try {
      const { chat_id: id } = await other.create();
      await other.upload(id, 'a.csv', CSV);
      const dump = (await other.call('POST', `/chat/workflows/${id}/dump`)).body.data;
      assert.ok(dump.dump_file.endsWith(suffix), dump.dump_file);
      const got = await fetch(dump.download_url);
      assert.equal(got.headers.get('content-type'), type);
      const body = file(await got.arrayBuffer(), dump.dump_file, 'dump_file');
      body.append('mode', 'copy');
      const copy = await other.call('POST', '/chat/workflows/restore', body);
      assert.equal(copy.status, 200, JSON.stringify(copy.body));
      assert.equal(copy.body.data.uploaded_files.length, 1);
    } finally {
      await other.close();
    }
  }
});
