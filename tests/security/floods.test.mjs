// More than any client needs: of connections, headers, bodies, parts, nesting. Each has a limit, ordinary requests are answered
// meanwhile, and memory is afterwards what it was.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { say } from '../lib/raw.mjs';
import { Server } from '../lib/server.mjs';
import { resident } from '../load/figures.mjs';

let server;
let chat;
before(async () => {
  server = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_MAX_CONNECTIONS: '100' } });
  chat = await server.create();
});
after(() => server.close());

const HOST = 'Host: localhost\r\n';
const POST = `POST /api/v1/chat/workflows HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`;
const alive = async () => assert.equal((await server.call('GET', '/health')).status, 200);
const status = (reply) => reply.answers.map((answer) => answer.status);

// n connections that have each said `text`.
async function hold(n, text) {
  const sockets = await Promise.all(Array.from({ length: n }, () => new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text, () => resolve(socket)));
    socket.closed_ = new Promise((closed) => { socket.on('close', closed); });
    socket.on('error', () => resolve(socket));
    socket.resume();
  })));
  return {
    release: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(sockets.map((socket) => socket.closed_));
      await alive();
    },
  };
}

// The first waves may make the server's memory grow to what it needs; those behind them may not.
async function flat(wave) {
  for (let i = 0; i < 2; i++) await wave();
  const warm = resident(server.child.pid);
  for (let i = 0; i < 3; i++) await wave();
  const end = resident(server.child.pid);
  // The sanitizers keep what is freed for a while.
  if (!process.env.SANITIZED) assert.ok(end < warm + 16 * 1024, `memory grew from ${warm} to ${end} KiB`);
}

const HELD = [
  ['that say nothing', ''],
  ['with half a request line', 'GET /api/v1/he'],
  ['with half their headers', `GET /api/v1/health HTTP/1.1\r\n${HOST}X-A: ${'b'.repeat(8000)}`],
  ['with half a body', `${POST}Content-Length: 100000\r\n\r\n{"name": "${'x'.repeat(20000)}`],
  ['with half a chunk', `${POST}Transfer-Encoding: chunked\r\n\r\nffff\r\n{"name": "${'x'.repeat(20000)}`],
  ['with half a form', `POST /api/v1/csv/info HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n`
    + `--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${'a,b\n'.repeat(5000)}`],
];
for (const [name, text] of HELD) {
  test(`two hundred connections ${name}`, () => flat(async () => {
    const held = await hold(200, text);
    await alive();
    await held.release();
  }));
}

test('connections over the cap wait or are closed, and those within it are served again', async () => {
  const held = await hold(1500, '');
  await held.release();
  await alive();
});

test('headers and lines without end', () => flat(async () => {
  const endless = [
    [`GET /api/v1/health HTTP/1.1\r\n${HOST}${'X-A: b\r\n'.repeat(30000)}`, [431]],
    [`GET /api/v1/health HTTP/1.1\r\n${HOST}X-A: ${'b'.repeat(300000)}`, [431]],
    [`GET /${'a'.repeat(300000)}`, [414]],
    [`GET /api/v1/health HTTP/1.1\r\n${HOST}${'X'.repeat(300000)}`, [431]],
  ];
  await Promise.all(endless.flatMap((one) => Array(10).fill(one)).map(async ([text, wanted]) => {
    const reply = await say(server.port, text);
    assert.ok(reply.closed);
    for (const got of status(reply)) assert.ok(wanted.includes(got), `${got} for ${text.slice(0, 60)}`); // A reset may swallow it.
  }));
  await alive();
}));

test('JSON that is deep, large or without end', () => flat(async () => {
  const deep = await server.call('POST', '/chat/workflows', `${'['.repeat(100000)}${']'.repeat(100000)}`);
  assert.equal(deep.status, 400);
  const objects = await server.call('POST', '/chat/workflows', `${'{"a":'.repeat(50000)}1${'}'.repeat(50000)}`);
  assert.equal(objects.status, 400);
  const declared = await say(server.port, `${POST}Content-Length: 100000000\r\n\r\n{`);
  assert.deepEqual(status(declared), [413]);
  const chunk = `10000\r\n${' '.repeat(65536)}\r\n`;
  const endless = await say(server.port, `${POST}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(200)}`);
  assert.ok(endless.closed);
  for (const got of status(endless)) assert.equal(got, 413);
  await alive();
}));

const form = (body, boundary = 'x') => say(server.port, `POST /api/v1/chat/workflows/${chat.chat_id}/upload HTTP/1.1\r\n${HOST}Connection: close\r\n`
  + `Content-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`);
const part = (name, value = 'v', more = '') => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n${more}\r\n${value}\r\n`;

test('forms with too much of anything', async () => {
  const cases = [
    ['more than 64 parts', Array.from({ length: 100 }, (_, i) => part(`p${i}`)).join(''), 400],
    ['a part with 9 KiB of headers', part('a', 'v', `X-A: ${'b'.repeat(9000)}\r\n`), 400],
    ['thousands of headers in a part', part('a', 'v', 'X-A: b\r\n'.repeat(5000)), 400],
    ['a field over all limits', part('a', 'v'.repeat(9 << 20)), 413],
    ['no end', '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\n', 400],
    ['no headers', '--x\r\n\r\nv\r\n--x--\r\n', 400],
    ['nothing', '', 400],
  ];
  for (const [name, body, wanted] of cases) {
    const reply = await form(body.endsWith('--\r\n') || name === 'no end' || name === 'nothing' ? body : `${body}--x--\r\n`);
    assert.ok([wanted, 422].includes(status(reply)[0]), `${name}: ${reply.text.slice(0, 400)}`);
  }
  assert.equal(status(await form(`--${'x'.repeat(71)}--\r\n`, 'x'.repeat(71)))[0], 400);
  assert.deepEqual(readdirSync(join(server.data, 'tmp')), []);
});

test('paths as long as can be', async () => {
  for (const n of [100, 1000, 8000]) {
    assert.equal((await server.call('GET', `/chat/workflows/${chat.chat_id}/files/${'a'.repeat(n)}`)).status, 404);
    assert.equal((await server.call('GET', `/chat/workflows/${'a'.repeat(n)}`)).status, 404);
    assert.equal((await server.call('GET', `/${'a/'.repeat(n / 2)}`)).status, 404);
  }
  assert.equal((await server.call('GET', `/chat/workflows?limit=${'1'.repeat(7000)}`)).status, 422);
  assert.equal((await server.call('GET', '/' + 'a'.repeat(9000))).status, 414);
});

test('watchers over the limit are told so and may come again', async () => {
  const watchers = await Promise.all(Array.from({ length: 130 }, () => server.watch(chat.chat_id)));
  const late = watchers.filter((watcher) => watcher.closed);
  const firsts = await Promise.all(late.map((watcher) => watcher.frame((frame) => frame.type === 'connected' || frame.type === 'error')));
  assert.equal(firsts.filter((frame) => frame.type === 'connected').length, 100);
  assert.equal((await Promise.all(watchers.filter((_, i) => firsts[i].type === 'error').map((watcher) => watcher.closed)))
    .every(({ code }) => code === 1013), true);
  for (const watcher of watchers) watcher.close();
});
