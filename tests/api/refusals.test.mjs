// What is refused, with which status and sentence, and that nothing is lost or half written by it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CUSTOMERS, Server } from '../lib/server.mjs';

let server;
let chat;

before(async () => {
  server = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_FILE_MAX_UPLOAD_SIZE_MB: '1' } });
  chat = await server.create();
  await server.upload(chat.chat_id, 'customers.csv', CUSTOMERS);
});
after(() => server.close());

const search = (condition) => [{ operation: 'csv/search', arguments: { conditions: [condition] } }];
const files = () => readdirSync(server.data, { recursive: true })
  .filter((path) => path.startsWith('workflows') && statSync(join(server.data, path)).isFile()).sort();

const PLANS = [
  ['an unknown operation', [{ operation: 'excel/serch', arguments: {} }], /excel\/serch/, 'excel/search'],
  ['an unknown argument', [{ operation: 'excel/extract-columns', arguments: { colums: ['id'] } }], /colums/, 'columns'],
  ['an unknown operator', search({ column: 'id', operator: 'equal_to', value: 1 }), /operator/, null],
  ['a missing required argument', [{ operation: 'csv/search', arguments: {} }], /conditions/, null],
  ['no steps', [], /step/, null],
  ['a step that is no object', ['x'], /step/, null],
];

for (const [name, steps, sentence, suggestion] of PLANS) {
  test(`${name} is refused before a run exists`, async () => {
    const reply = await server.execute(chat.chat_id, steps);
    assert.equal(reply.status, 422, JSON.stringify(reply.body));
    assert.equal(reply.body.status_code, 422);
    assert.match(reply.body.message, sentence);
    if (suggestion) {
      assert.ok(reply.body.data.details.suggestions.includes(suggestion), JSON.stringify(reply.body));
    }
    const runs = await server.call('GET', `/chat/workflows/${chat.chat_id}/runs`);
    assert.equal(runs.body.total, 0);
    assert.equal((await server.call('GET', `/chat/workflows/${chat.chat_id}`)).body.data.status, 'active');
  });
}

test('the path of a wrong argument is told', async () => {
  const reply = await server.execute(chat.chat_id, search({ column: 'id', operator: 'equal_to', value: 1 }));
  assert.match(reply.body.data.details.argument, /conditions\[0\]\.operator$/);
});

test('a wrong member of a conversation is told by its name', async () => {
  for (const [body, argument] of [[{ name: 7 }, 'name'], [{ name: 'x'.repeat(300) }, 'name'], [{ metadata: [] }, 'metadata']]) {
    for (const [method, path] of [['POST', '/chat/workflows'], ['PATCH', `/chat/workflows/${chat.chat_id}`]]) {
      const reply = await server.call(method, path, body);
      assert.equal(reply.status, 422, JSON.stringify(reply.body));
      assert.equal(reply.body.data.details.argument, argument, method);
    }
  }
});

test('an unknown column fails the run at its step, names the near one, and later steps are skipped', async () => {
  const own = await server.create();
  await server.upload(own.chat_id, 'customers.csv', CUSTOMERS);
  const steps = [
    { operation: 'excel/extract-columns-to-file', arguments: { columns: ['id', 'name'] } },
    { operation: 'excel/search', arguments: { conditions: [{ column: 'nmae', operator: 'equals', value: 'x' }] } },
    { operation: 'json/generate', arguments: {} },
  ];
  const reply = await server.execute(own.chat_id, steps);
  assert.equal(reply.status, 422);
  assert.match(reply.body.message, /^step 2 of 3 \(excel\/search\): /);
  assert.deepEqual(reply.body.data.details.available_columns, ['id', 'name']);
  assert.deepEqual(reply.body.data.details.suggestions, ['name']);
  const shown = (await server.call('GET', `/chat/workflows/${own.chat_id}`)).body.data;
  assert.equal(shown.status, 'failed');
  assert.deepEqual(shown.workflow_steps.map((s) => s.status), ['completed', 'failed', 'skipped']);
  assert.ok(shown.workflow_steps[0].output_file);

  steps[1].arguments.conditions[0].column = 'name';
  const resumed = await server.call('POST', `/chat/workflows/${own.chat_id}/execute`,
    { steps, resume: reply.body.data.details.run_id });
  assert.equal(resumed.status, 200, JSON.stringify(resumed.body));
  assert.equal(resumed.body.data.results.length, 3);
});

const UPLOADS = [
  ['an image', 'photo.csv', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 415],
  ['an encrypted workbook', 'book.xlsx', readFileSync('tests/corpora/calamine/pass_protected.xlsx'), 415],
  ['an old workbook that is cut off', 'book.xlsx', Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]), 422],
  ['a cut-off workbook', 'book.xlsx', Buffer.from('504b0304140000000800', 'hex'), 422],
  ['an empty file', 'empty.csv', Buffer.alloc(0), 422],
  ['a program', 'run.exe', Buffer.from('MZ'), 415],
];
for (const [name, filename, bytes, status] of UPLOADS) {
  test(`${name} is refused and nothing of it stays`, async () => {
    const earlier = files();
    const reply = await server.upload(chat.chat_id, filename, bytes);
    assert.equal(reply.status, status, JSON.stringify(reply.body));
    assert.ok(reply.body.message.includes(filename.split('.')[0]), reply.body.message);
    assert.ok(!reply.body.message.includes(server.data));
    assert.deepEqual(files(), earlier);
    assert.deepEqual(readdirSync(join(server.data, 'tmp')), []);
  });
}

test('an upload over the limit is refused before its body is read, and chunked ones when it is passed', async () => {
  const reply = await new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => { text += data; });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.write(`POST /api/v1/chat/workflows/${chat.chat_id}/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n`
      + 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n');
  });
  assert.match(reply, /^HTTP\/1\.1 413 /);
  assert.match(reply, /"status_code":413/);
  const big = await server.upload(chat.chat_id, 'big.csv', Buffer.alloc(1300 * 1024, 'a,b\n'));
  assert.equal(big.status, 413);
  assert.deepEqual(readdirSync(join(server.data, 'tmp')), []);
});

test('malformed JSON, wrong types and unknown members are told apart', async () => {
  const url = `/chat/workflows/${chat.chat_id}/execute`;
  const broken = await server.call('POST', url, '{"steps": [');
  assert.equal(broken.status, 400);
  assert.match(broken.body.message, /line 1/);
  assert.equal((await server.call('POST', url, '[]')).status, 400);
  const member = await server.call('POST', url, { step: [] });
  assert.equal(member.status, 422);
  assert.deepEqual(member.body.data.details.suggestions, ['steps']);
});

test('unknown paths, ids and methods get JSON', async () => {
  const missing = await server.call('GET', '/chat/nothing');
  assert.equal(missing.status, 404);
  assert.equal(missing.body.data.error_type, 'NotFound');
  assert.equal((await server.call('GET', '/chat/workflows/not-a-uuid')).status, 404);
  assert.equal((await server.call('GET', '/chat/workflows/00000000-0000-4000-8000-000000000000')).status, 404);
  const method = await server.call('PUT', '/chat/workflows');
  assert.equal(method.status, 405);
  assert.match(method.headers.get('allow'), /GET/);
  assert.equal((await server.call('GET', `/chat/workflows/${chat.chat_id}/files/..%2f..%2fmetadata.json`)).status, 400);
  assert.equal((await server.call('GET', '/chat/workflows?limit=0')).status, 422);
  assert.equal((await server.call('GET', '/chat/downloads/nothing.tar.gz')).status, 404);
});

test('an input that does not exist is named, and no input at all too', async () => {
  const steps = [{ operation: 'json/generate', arguments: {} }];
  const reply = await server.execute(chat.chat_id, steps, { input_file: 'custmers.csv' });
  assert.equal(reply.status, 422);
  assert.deepEqual(reply.body.data.details.suggestions, ['customers.csv']);
  const empty = await server.create();
  const none = await server.execute(empty.chat_id, steps);
  assert.equal(none.status, 422);
  assert.match(none.body.message, /upload/);
});

test('other hosts and other origins are turned away, our own and the configured ones are not', async () => {
  const status = (host, headers = '') => new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (data) => { text += data; });
    socket.on('error', reject);
    socket.on('close', () => resolve(Number(text.split(' ')[1])));
    socket.write(`POST /api/v1/chat/workflows HTTP/1.1\r\nHost: ${host}\r\n${headers}Content-Length: 0\r\n`
      + 'Connection: close\r\n\r\n');
  });
  assert.equal(await status('evil.example'), 403);
  assert.equal(await status('localhost'), 201);
  assert.equal(await status('127.0.0.1', 'Origin: http://evil.example\r\n'), 403);
  assert.equal(await status('127.0.0.1', 'Origin: http://localhost:3000\r\n'), 201);
  const preflight = await fetch(`${server.base}/chat/workflows`, { method: 'OPTIONS',
    headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  assert.match(preflight.headers.get('access-control-allow-methods'), /POST/);
  const error = await fetch(`${server.base}/nothing`, { headers: { origin: 'http://localhost:3000' } });
  assert.equal(error.headers.get('access-control-allow-origin'), 'http://localhost:3000');
});
