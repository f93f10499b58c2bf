// The main job over real sockets: create, list, upload, execute, watch, download, dump, delete, restore, backup, stop.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CUSTOMERS, freePort, Server } from '../lib/server.mjs';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NAME = 'Kunden – Übersicht 東京.csv';
const STEPS = [
  { operation: 'csv/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }] } },
  { operation: 'normalization/apply',
    arguments: { normalizations: [{ column_name: 'name', normalization_type: 'uppercase' }] } },
  { operation: 'excel/extract-columns-to-file', arguments: { columns: ['id', 'name', 'city'] } },
];
let server;
let chat;
let wsPort;

before(async () => {
  wsPort = await freePort();
  server = await Server.start({ wsPort });
});
after(() => server.close());

test('a conversation is created with a participant name', async () => {
  const reply = await server.call('POST', '/chat/workflows', { metadata: { team: 'Ünïcode' }, name: 'März' });
  chat = reply.body.data;
  assert.equal(reply.status, 201);
  assert.equal(reply.body.status_code, 201);
  assert.match(chat.chat_id, UUID);
  assert.match(chat.participant_name, /^[A-Z][A-Za-z]+-[1-9]\d{3}$/);
  assert.equal(chat.status, 'created');
  assert.deepEqual(chat.metadata, { team: 'Ünïcode' });
  assert.deepEqual([chat.messages, chat.workflow_steps, chat.uploaded_files, chat.output_files], [[], [], [], []]);
  assert.match(chat.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.match(reply.body.meta.request_id, /^[0-9a-f]{32}$/);
  assert.equal(reply.body.meta.api_version, 'v1');
  assert.equal(reply.body.total, 0);
});

test('it is listed, found by its name, and not found by another', async () => {
  await server.create();
  const all = await server.call('GET', '/chat/workflows?limit=1');
  assert.equal(all.body.data.count, 1);
  assert.equal(all.body.total, 2);
  assert.notEqual(all.body.data.conversations[0].chat_id, chat.chat_id, 'newest first');
  const found = await server.call('GET', `/chat/workflows?q=${encodeURIComponent('märz')}`);
  assert.deepEqual(found.body.data.conversations.map((c) => c.chat_id), [chat.chat_id]);
  assert.equal((await server.call('GET', '/chat/workflows?q=nothing-like-it')).body.total, 0);
  assert.equal((await server.call('GET', '/chat/workflows?status=created')).body.total, 2);
});

test('a file with a Unicode name is uploaded, told of, and comes back byte by byte', async () => {
  const reply = await server.upload(chat.chat_id, NAME, CUSTOMERS);
  assert.equal(reply.status, 200);
  const file = reply.body.data;
  assert.equal(file.filename, NAME);
  assert.equal(file.rows, 5);
  assert.equal(file.columns, 5);
  assert.equal(file.format, 'csv');
  assert.equal(file.size, Buffer.byteLength(CUSTOMERS));
  assert.equal(file.sha256, createHash('sha256').update(CUSTOMERS).digest('hex'));
  assert.ok(!file.file_path.startsWith('/'));
  assert.equal((await server.download(file.download_url)).toString(), CUSTOMERS);
  const again = await server.upload(chat.chat_id, NAME, CUSTOMERS);
  assert.equal(again.body.data.filename, NAME.replace('.csv', '-2.csv'));
  const shown = await server.call('GET', `/chat/workflows/${chat.chat_id}`);
  assert.equal(shown.body.data.status, 'active');
  assert.equal(shown.body.data.messages[0].message_type, 'file_upload');
  assert.equal(shown.body.data.messages[0].metadata.file_path, file.file_path);
});

test('three steps run; frames come in order, with rising numbers, on both ports', async () => {
  const watcher = await server.watch(chat.chat_id);
  const old = await server.watch(chat.chat_id, { port: wsPort });
  await Promise.all([watcher.frame('connected'), old.frame('connected')]);
  const reply = await server.execute(chat.chat_id, STEPS, { input_file: NAME });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  assert.equal(reply.body.data.status, 'completed');
  await Promise.all([watcher.frame('workflow_completed'), old.frame('workflow_completed')]);

  const types = watcher.frames.map((f) => f.type).filter((t) => t !== 'message');
  assert.equal(types[0], 'connected');
  assert.equal(types[1], 'workflow_started');
  assert.equal(types.at(-1), 'workflow_completed');
  for (let step = 1; step <= 3; step++) {
    const progress = watcher.frames.filter((f) => f.type === 'progress' && f.step === step);
    assert.equal(progress[0].progress, 0);
    assert.equal(progress.at(-1).progress, 100);
    assert.deepEqual(progress.map((f) => f.progress), progress.map((f) => f.progress).toSorted((a, b) => a - b));
  }
  const order = watcher.frames.filter((f) => f.type === 'progress').map((f) => f.step);
  assert.deepEqual(order, order.toSorted(), 'a short run reads step by step');
  const numbers = watcher.frames.filter((f) => f.type !== 'connected').map((f) => f.seq);
  assert.deepEqual(numbers, [...new Set(numbers)].toSorted((a, b) => a - b));
  assert.deepEqual(old.frames.map((f) => f.type), watcher.frames.map((f) => f.type));
  watcher.close();
  old.close();
});

test('each result says what came in, what went out, and why rows are gone', async () => {
  const runs = await server.call('GET', `/chat/workflows/${chat.chat_id}/runs`);
  const [search, upper, extract] = runs.body.data.runs[0].results;
  assert.deepEqual([search.rows_in, search.rows_out, search.dropped], [5, 4, { filtered: 1 }]);
  assert.deepEqual([upper.rows_in, upper.rows_out], [4, 4]);
  assert.deepEqual([extract.rows_in, extract.rows_out], [4, 4]);
  assert.match(search.output_file_path, /intermediate\/.*_search_\d{8}_\d{6}\.csv$/);
  assert.match(extract.output_file_path, /outputs\/.*_extracted_\d{8}_\d{6}\.xlsx$/);
  const one = await server.call('GET', `/chat/workflows/${chat.chat_id}/runs/${runs.body.data.runs[0].run_id}`);
  assert.equal(one.body.data.status, 'completed');
  assert.equal(one.body.data.steps.length, 3);
});

test('no value was changed on the way', async () => {
  const runs = await server.call('GET', `/chat/workflows/${chat.chat_id}/runs`);
  const output = runs.body.data.runs[0].results[2].output_file_path.split('/').pop();
  const preview = await server.call('GET',
    `/chat/workflows/${chat.chat_id}/files/${encodeURIComponent(output)}/preview`);
  assert.equal(preview.status, 200, JSON.stringify(preview.body));
  assert.deepEqual(preview.body.data.columns.map((c) => c.name), ['id', 'name', 'city']);
  assert.deepEqual(preview.body.data.rows, [
    ['007', 'ADA LOVELACE', 'London'],
    ['009', 'ZOË ÅNGSTRÖM', 'Malmö'],
    ['010', 'LINE\nBREAK', 'Paris'],
    ['1234567890123456789', '=SUM(A1)', '東京'],
  ]);
  assert.equal(preview.body.data.total_rows, 4);
  const page = await server.call('GET',
    `/chat/workflows/${chat.chat_id}/files/${encodeURIComponent(output)}/preview?offset=3&limit=1`);
  assert.deepEqual(page.body.data.rows.map((r) => r[0]), ['1234567890123456789']);
});

test('a download answers HEAD, ranges and a known ETag, and names the file', async () => {
  const url = `${server.base}/chat/workflows/${chat.chat_id}/files/${encodeURIComponent(NAME)}`;
  const whole = await fetch(url);
  const etag = whole.headers.get('etag');
  assert.match(whole.headers.get('content-disposition'), /filename\*=UTF-8''Kunden%20%E2%80%93/);
  assert.match(whole.headers.get('content-type'), /^text\/csv/);
  await whole.arrayBuffer();
  const head = await fetch(url, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), String(Buffer.byteLength(CUSTOMERS)));
  assert.equal(await head.text(), '');
  const part = await fetch(url, { headers: { range: 'bytes=3-6' } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 3-6/${Buffer.byteLength(CUSTOMERS)}`);
  assert.equal(await part.text(), CUSTOMERS.slice(3, 7));
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
  assert.equal((await fetch(url, { headers: { range: 'bytes=99999-' } })).status, 416);
});

test('events missed are replayed, over WebSocket and as server-sent events', async () => {
  const watcher = await server.watch(chat.chat_id, { since: 0 });
  await watcher.frame('workflow_completed');
  const stored = watcher.frames.filter((f) => f.type !== 'connected').map((f) => f.seq);
  watcher.close();
  assert.deepEqual(stored, stored.toSorted((a, b) => a - b));
  const late = await server.watch(chat.chat_id, { since: stored.at(-1) - 1 });
  const last = await late.frame((f) => f.seq === stored.at(-1) && f.type !== 'connected');
  assert.equal(last.type, 'workflow_completed');
  late.close();
  const stream = await fetch(`${server.base}/chat/workflows/${chat.chat_id}/events?since=${stored.at(-1) - 1}`,
    { headers: { accept: 'text/event-stream' } });
  assert.match(stream.headers.get('content-type'), /^text\/event-stream/);
  let text = '';
  for await (const chunk of stream.body) {
    text += Buffer.from(chunk).toString();
    if (text.includes('workflow_completed')) break;
  }
  assert.match(text, new RegExp(`id: ${stored.at(-1)}\\n`));
});

test('the WebSocket answers ping, refuses what is not JSON without closing, moves with subscribe', async () => {
  const other = await server.create();
  const watcher = await server.watch(chat.chat_id);
  await watcher.frame('connected');
  watcher.send('ping');
  watcher.send({ type: 'ping' });
  watcher.send('not json');
  await watcher.frame('error');
  watcher.send({ type: 'hello', x: 1 });
  const ack = await watcher.frame('ack');
  assert.deepEqual(ack.original, { type: 'hello', x: 1 });
  assert.equal(watcher.frames.filter((f) => f.type === 'pong').length, 2);
  watcher.send({ type: 'subscribe', chat_id: other.chat_id });
  await watcher.frame((f) => f.chat_id === other.chat_id);
  await server.upload(other.chat_id, 'a.csv', 'a\n1\n');
  const message = await watcher.frame((f) => f.type === 'message' && f.chat_id === other.chat_id);
  assert.equal(message.message.message_type, 'file_upload');
  watcher.close();
  const lost = await server.watch('00000000-0000-4000-8000-000000000000');
  assert.equal((await lost.closed).code, 4404);
  const foreign = await server.watch(chat.chat_id, { headers: { origin: 'http://evil.example' } });
  assert.notEqual((await foreign.closed).code, 1000);
});

test('dump, delete, restore: the conversation comes back as it was', async () => {
  const url = `/chat/workflows/${chat.chat_id}`;
  const beforeDump = (await server.call('GET', url)).body.data;
  const dump = await server.call('POST', `${url}/dump`);
  assert.equal(dump.status, 200, JSON.stringify(dump.body));
  assert.match(dump.body.data.dump_file, new RegExp(`^${chat.chat_id}_\\d{8}_\\d{6}\\.tar\\.gz$`));
  const archive = await server.download(dump.body.data.download_url);
  assert.equal(createHash('sha256').update(archive).digest('hex'), dump.body.data.sha256);
  const dir = mkdtempSync(join(tmpdir(), 'sheetflow-dump-'));
  writeFileSync(join(dir, 'd.tar.gz'), archive);
  const names = execFileSync('tar', ['tzf', join(dir, 'd.tar.gz')]).toString();
  rmSync(dir, { recursive: true });
  for (const name of ['metadata.json', 'conversation_metadata.json', 'manifest.json']) {
    assert.ok(names.includes(`${chat.chat_id}/${name}`), name);
  }

  const restore = async (mode) => {
    const form = new FormData();
    form.append('dump_file', new Blob([archive]), 'd.tar.gz');
    if (mode) form.append('mode', mode);
    return server.call('POST', '/chat/workflows/restore', form);
  };
  assert.equal((await restore()).status, 409);
  assert.equal((await server.call('DELETE', url)).status, 200);
  assert.equal((await server.call('GET', url)).status, 404);
  assert.ok(!readdirSync(server.data, { recursive: true }).some((path) => path.includes(`workflows`) &&
    path.includes(chat.chat_id)));
  const restored = await restore();
  assert.equal(restored.status, 200, JSON.stringify(restored.body));
  const now = (await server.call('GET', url)).body.data;
  assert.deepEqual(now, beforeDump);
  for (const file of [...now.uploaded_files, ...now.output_files]) {
    const bytes = await server.download(file.download_url);
    assert.equal(createHash('sha256').update(bytes).digest('hex'), file.sha256);
  }
  const copy = await restore('copy');
  assert.notEqual(copy.body.data.chat_id, chat.chat_id);
  assert.equal(copy.body.data.messages.length, now.messages.length);
});

test('the database is backed up and the backup is whole', async () => {
  const reply = await server.call('POST', '/chat/sqlite/backup');
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  assert.equal(reply.body.data.integrity, 'ok');
  assert.match(reply.body.data.backup_file, /^chat_backup_\d{8}_\d{6}(-\d+)?\.db$/);
  assert.ok(existsSync(join(server.data, reply.body.data.path)));
});

test('the same step twice in a run, and runs at the same time, give every file a name of its own', async () => {
  const own = await server.create();
  await server.upload(own.chat_id, 'a.csv', 'a\n1\n');
  const steps = [1, 2, 3].map(() => ({ operation: 'excel/extract-columns-to-file', arguments: {} }));
  const replies = await Promise.all([1, 2, 3].map(() => server.execute(own.chat_id, steps, { input_file: 'a.csv' })));
  const names = [];
  for (const reply of replies) {
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    names.push(...reply.body.data.results.map((r) => r.output_file_path.split('/').pop()));
  }
  assert.equal(names.length, 9);
  assert.equal(new Set(names).size, 9, names.join());
  for (const name of names) {
    assert.equal((await fetch(`${server.base}/chat/workflows/${own.chat_id}/files/${name}`)).status, 200, name);
  }
});

test('names, metadata and archive state can be changed', async () => {
  const reply = await server.call('PATCH', `/chat/workflows/${chat.chat_id}`, { name: 'neu', status: 'archived' });
  assert.deepEqual([reply.body.data.name, reply.body.data.status], ['neu', 'archived']);
  assert.equal((await server.call('GET', '/chat/workflows?status=archived')).body.total, 1);
});

test('everything is there after a stop and a start', async () => {
  const earlier = (await server.call('GET', `/chat/workflows/${chat.chat_id}`)).body.data;
  const started = Date.now();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - started < 10000);
  await server.restart();
  const now = (await server.call('GET', `/chat/workflows/${chat.chat_id}`)).body.data;
  const noUrls = (value) => JSON.parse(JSON.stringify(value).replaceAll(/http:\/\/127.0.0.1:\d+/g, ''));
  assert.deepEqual(noUrls(now), noUrls(earlier));
  const watcher = await server.watch(chat.chat_id, { since: 0 });
  await watcher.frame('workflow_completed');
  watcher.close();
});
