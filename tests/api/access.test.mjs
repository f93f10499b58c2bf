// Who may what: keys, roles, owners; and what keeps the wrong ones out: hosts, origins, rates, quotas, TLS, audits.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { CUSTOMERS, PROGRAM, Server } from '../lib/server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sheetflow-access-'));
const auditFile = join(folder, 'audit.jsonl');
const logFile = join(folder, 'log.txt');
const made = []; // Every key text there ever was: none may be in a log.
const STEPS = [{ operation: 'excel/extract-columns-to-file', arguments: { columns: ['id', 'name'] } }];

function keys(data, words, env = {}) {
  const run = spawnSync(PROGRAM, ['keys', ...words, '--json', '--data', data],
    { env: { ...process.env, SHEETFLOW_LOGGING_AUDIT_FILE: auditFile, ...env }, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

function makeKey(data, name, role, more = [], env = {}) {
  const key = keys(data, ['create', '--name', name, '--role', role, ...more], env);
  assert.match(key.key, /^sf_[A-Za-z0-9_-]{43}$/);
  made.push(key.key);
  return key;
}

const bearer = (key) => (key ? { authorization: `Bearer ${key.key || key}` } : {});

let server;
let api;
let asset; // A part of the page.
const who = {};

before(async () => {
  const data = join(folder, 'data');
  // Made before there is a server; the clock of the expired one stands in 2001.
  who.admin = makeKey(data, 'root', 'admin');
  who.expired = makeKey(data, 'late', 'writer', ['--owner', 'ada', '--expires', '90d'], { SOURCE_DATE_EPOCH: '1000000000' });
  who.expiredAdmin = makeKey(data, 'late', 'admin', ['--expires', '1m'], { SOURCE_DATE_EPOCH: '1000000000' });
  server = await Server.start({
    data,
    wsPort: 0,
    env: {
      SHEETFLOW_ACCESS_LOCAL_WITHOUT_KEY: 'false',
      SHEETFLOW_LOGGING_AUDIT_FILE: auditFile,
      SHEETFLOW_LOGGING_FILE: logFile,
      SHEETFLOW_LOGGING_REQUESTS: 'all',
      SHEETFLOW_LOGGING_LEVEL: 'debug',
    },
  });
  // Made beside it, through its control socket.
  who.writer = makeKey(data, 'ada writes', 'writer', ['--owner', 'ada']);
  who.reader = makeKey(data, 'ada reads', 'reader', ['--owner', 'ada']);
  who.other = makeKey(data, 'bob', 'writer');
  who.revoked = makeKey(data, 'gone', 'admin');
  keys(data, ['revoke', who.revoked.key_id]);
  api = (await server.call('GET', '/openapi.json')).body;
  const page = await fetch(server.origin, { headers: { accept: 'text/html' } });
  asset = /"\/assets\/([^"]+\.js)"/.exec(await page.text())[1];
});
after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const call = (key, method, path, body, headers = {}) => server.call(method, path, body, { ...bearer(key), ...headers });

async function upload(key, id, name = 'customers.csv', content = CUSTOMERS) {
  const form = new FormData();
  form.append('file', new Blob([content]), name);
  return call(key, 'POST', `/chat/workflows/${id}/upload`, form);
}

// A conversation of ada's with a file, a run, a dump; and a result of hers.
async function ready() {
  const id = (await call(who.writer, 'POST', '/chat/workflows', {})).body.data.chat_id;
  assert.equal((await upload(who.writer, id)).status, 200);
  const run = (await call(who.writer, 'POST', `/chat/workflows/${id}/execute`, { steps: STEPS })).body.data;
  const dump = (await call(who.writer, 'POST', `/chat/workflows/${id}/dump`)).body.data;
  const form = new FormData();
  form.append('file', new Blob([CUSTOMERS]), 'customers.csv');
  form.append('columns', '["id"]');
  const result = await call(who.writer, 'POST', '/excel/extract-columns-to-file', form);
  assert.equal(result.status, 200, JSON.stringify(result.body));
  return { id, run: run.run_id, file: 'customers.csv', dump: dump.dump_file, result: new URL(result.body.data.download_url).pathname.split('/').pop() };
}

function pathOf(path, of) {
  const name = path.startsWith('/chat/downloads') ? of.dump
    : path.startsWith('/files/downloads') ? of.result
      : path.startsWith('/docs') ? 'docs.js' : path.startsWith('/assets') ? asset : of.file;
  return path.replace('{id}', of.id).replace('{run}', of.run).replace('{name}', name).replace('{key}', '0123456789abcdef');
}

const RANK = { open: 0, reader: 1, writer: 2, admin: 3 };
const CALLERS = {
  none: {}, wrong: {}, short: {}, 'another scheme': {}, expired: {}, expiredAdmin: {}, revoked: {},
  other: { role: 'writer' }, reader: { role: 'reader' }, writer: { role: 'writer' }, admin: { role: 'admin' },
};
const HEADERS = {
  none: {},
  wrong: { authorization: `Bearer sf_${'A'.repeat(43)}` },
  short: { authorization: 'Bearer sf_' },
  'another scheme': { authorization: 'Basic cm9vdDpyb290' },
};
// Whose is theirs alone: what others get is that it is not there.
const OWNED = /\{id\}|\/chat\/downloads|\/files\/downloads/;

async function statusOf(caller, method, path, of) {
  const headers = HEADERS[caller] || bearer(who[caller]);
  const init = { method, headers: { ...headers } };
  if (path.endsWith('/events')) { // A stream has no end to wait for.
    const reply = await fetch(server.base + pathOf(path, of), init);
    await reply.body.cancel();
    return reply.status;
  }
  if (method === 'PATCH' || method === 'POST') {
    init.body = '{"x": 1}';
    init.headers['content-type'] = 'application/json';
  }
  const reply = await fetch(server.base + pathOf(path, of), init);
  await reply.arrayBuffer();
  return reply.status;
}

test('every route, for everybody', async (t) => {
  let cases = 0, of, deleted;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const least = operation['x-role'];
      assert.ok(least in RANK, `${method} ${path} has no x-role`);
      assert.equal(least === 'open', operation.security?.length === 0);
      for (const [caller, { role }] of Object.entries(CALLERS)) {
        of = of && !deleted ? of : await ready();
        deleted = method === 'delete' && role;
        const status = await statusOf(caller, method.toUpperCase(), path, of);
        const name = `${method} ${path} as ${caller}: ${status}`;
        cases++;
        if (least === 'open') assert.ok(status < 400, name);
        else if (!role) assert.equal(status, 401, name);
        else if (RANK[role] < RANK[least]) assert.equal(status, 403, name);
        else if (caller === 'other' && OWNED.test(path)) assert.equal(status, 404, name);
        else assert.ok(![401, 403].includes(status) && status < 500, name);
        if (role && caller !== 'other' && RANK[role] >= RANK[least] && method === 'get') assert.equal(status, 200, name);
      }
    }
  }
  t.diagnostic(`${cases} cases`);
  assert.ok(cases > 500);
});

test('what takes an administrator, what a reader may, and what is open is not changed by accident', () => {
  const by = (role) => Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods)
    .filter(([, operation]) => operation['x-role'] === role).map(([method]) => `${method} ${path}`)).sort();
  assert.deepEqual(by('admin'), ['delete /keys/{key}', 'get /keys', 'post /chat/sqlite/backup', 'post /chat/workflows/restore', 'post /keys']);
  assert.deepEqual(by('open'), ['get /', 'get /assets/{name}', 'get /docs', 'get /docs/{name}', 'get /health', 'get /health/ready', 'get /openapi.json']);
  for (const route of by('reader').filter((r) => !r.startsWith('get '))) assert.match(route, /info|suggest|preview|links/);
});

test('a body is not read for who may not send it', async () => {
  const sent = await new Promise((resolve, reject) => {
    const r = request(`${server.base}/chat/workflows/restore`, { method: 'POST', headers: { ...bearer(who.writer), 'content-length': 40 << 20, 'content-type': 'multipart/form-data; boundary=x' } });
    r.on('response', (reply) => { reply.resume(); resolve(reply.statusCode); });
    r.on('error', reject);
    r.write('--x\r\n');
  });
  assert.equal(sent, 403);
});

test('lists and searches hold what is the owner\'s; an administrator sees all', async () => {
  const own = await ready();
  const ids = async (key, query = '') => (await call(key, 'GET', `/chat/workflows?limit=1000${query}`)).body;
  const mine = await ids(who.writer), bobs = await ids(who.other), all = await ids(who.admin);
  assert.ok(mine.data.conversations.some((c) => c.chat_id === own.id));
  assert.ok(mine.data.conversations.every((c) => c.owner === 'ada'));
  assert.ok(bobs.data.conversations.every((c) => c.owner === 'bob'));
  assert.equal(mine.total + bobs.total, all.total);
  assert.equal((await ids(who.other, '&q=customers')).total, 0);
  assert.ok((await ids(who.reader, '&q=customers')).total > 0);
});

test('unknown and forbidden look the same', async () => {
  const own = await ready();
  for (const path of ['', '/runs', '/files/customers.csv', '/events']) {
    const unknown = (await call(who.other, 'GET', `/chat/workflows/${randomUUID()}${path}`)).body;
    const forbidden = (await call(who.other, 'GET', `/chat/workflows/${own.id}${path}`)).body;
    assert.equal(unknown.message.replace(/[0-9a-f-]{36}/, ''), forbidden.message.replace(/[0-9a-f-]{36}/, ''));
    assert.deepEqual(unknown.data, forbidden.data);
  }
});

test('an Idempotency-Key of one owner is nothing to another', async () => {
  const headers = { 'idempotency-key': 'the-same' };
  const a = await call(who.writer, 'POST', '/chat/workflows', {}, headers);
  const again = await call(who.writer, 'POST', '/chat/workflows', {}, headers);
  const b = await call(who.other, 'POST', '/chat/workflows', {}, headers);
  assert.equal(again.body.data.chat_id, a.body.data.chat_id);
  assert.notEqual(b.body.data.chat_id, a.body.data.chat_id);
  assert.equal(b.body.data.owner, 'bob');
});

test('an administrator gives a conversation to somebody else; others may not', async () => {
  const own = await ready();
  assert.equal((await call(who.writer, 'PATCH', `/chat/workflows/${own.id}`, { owner: 'bob' })).status, 403);
  assert.equal((await call(who.admin, 'PATCH', `/chat/workflows/${own.id}`, { owner: 'no blanks' })).status, 422);
  assert.equal((await call(who.admin, 'PATCH', `/chat/workflows/${own.id}`, { owner: 'bob' })).body.data.owner, 'bob');
  assert.equal((await call(who.writer, 'GET', `/chat/workflows/${own.id}`)).status, 404);
  assert.equal((await call(who.other, 'GET', `/chat/workflows/${own.id}`)).status, 200);
  assert.equal((await call(who.admin, 'PATCH', `/chat/workflows/${own.id}`, { owner: null })).body.data.owner, undefined);
  assert.equal((await call(who.other, 'GET', `/chat/workflows/${own.id}`)).status, 404);
});

test('a dump keeps its owner when it is restored', async () => {
  const own = await ready();
  const dump = await fetch(`${server.base}/chat/downloads/${own.dump}`, { headers: bearer(who.writer) });
  const form = new FormData();
  form.append('dump_file', new Blob([await dump.arrayBuffer()]), own.dump);
  form.append('mode', 'copy');
  const copy = await call(who.admin, 'POST', '/chat/workflows/restore', form);
  assert.equal(copy.status, 200, JSON.stringify(copy.body));
  assert.equal(copy.body.data.owner, 'ada');
  assert.equal((await call(who.reader, 'GET', `/chat/workflows/${copy.body.data.chat_id}`)).status, 200);
});

test('readiness is told in full to administrators only', async () => {
  const short = await call(null, 'GET', '/health/ready'), long = await call(who.admin, 'GET', '/health/ready');
  assert.equal(short.status, 200);
  assert.ok(!('database' in short.body.data) && !('checks' in short.body.data));
  assert.ok(long.body.data.database);
});

test('foreign hosts and origins are refused whatever the key', async () => {
  const raw = (headers, method = 'GET') => new Promise((resolve, reject) => {
    const r = request(`${server.base}/chat/workflows`, { method, headers: { ...bearer(who.admin), ...headers } }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    r.on('error', reject);
    r.end();
  });
  assert.equal(await raw({}), 200);
  assert.equal(await raw({ host: 'evil.example' }), 403);
  assert.equal(await raw({ host: '192.0.2.1' }), 403);
  assert.equal(await raw({ origin: 'http://evil.example' }, 'POST'), 403);
  assert.equal(await raw({ origin: 'http://localhost:3000' }, 'POST'), 201);
});

// --- WebSockets and event streams ---

// {code} when it was closed, or its frames by type.
function socket(id, { key, protocols, headers, first, until = 'connected', base = `ws://127.0.0.1:${server.port}`, options = {} } = {}) {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`${base}/chat/${id}`, protocols || [], { headers: { ...bearer(key), ...headers }, ...options });
    const frames = [];
    ws.on('open', () => first && ws.send(JSON.stringify(first)));
    ws.on('message', (data) => {
      frames.push(JSON.parse(String(data)));
      if (frames.at(-1).type === until) resolve({ ws, frames, protocol: ws.protocol });
    });
    ws.on('close', (code) => resolve({ code, frames }));
    ws.on('error', reject);
  });
}

test('WebSockets: by header, by protocol, by first message; not without, not with a wrong one, not to others', async () => {
  const { id } = await ready();
  const key = who.reader.key;
  const good = {
    header: { key },
    protocol: { protocols: [`bearer.${key}`] },
    'two protocols': { protocols: ['sheetflow', `bearer.${key}`] },
    'the key first': { protocols: [`bearer.${key}`, 'sheetflow'] },
    message: { first: { type: 'authenticate', key } },
    administrator: { key: who.admin },
  };
  for (const [name, how] of Object.entries(good)) {
    const { ws, frames, protocol, code } = await socket(id, how);
    assert.equal(code, undefined, `${name}: ${code}`);
    assert.equal(frames.at(-1).chat_id, id, name);
    if (how.protocols?.length > 1) assert.equal(protocol, 'sheetflow', name);
    if (how.first) assert.equal(frames[0].type, 'authenticated');
    assert.ok(!JSON.stringify(frames).includes(key), name);
    ws.terminate();
  }
  const wrong = `sf_${'A'.repeat(43)}`;
  const bad = {
    'wrong header': [{ key: wrong }, 4401],
    'wrong protocol': [{ protocols: [`bearer.${wrong}`] }, 4401],
    'wrong message': [{ first: { type: 'authenticate', key: wrong } }, 4401],
    'a message without key': [{ first: { type: 'authenticate' } }, 4401],
    'a revoked one': [{ key: who.revoked }, 4401],
    'an expired one': [{ key: who.expired }, 4401],
    'of somebody else': [{ key: who.other }, 4404],
    'of somebody else, as message': [{ first: { type: 'authenticate', key: who.other.key } }, 4404],
    'a foreign origin': [{ key, headers: { origin: 'http://evil.example' } }, 4403],
  };
  for (const [name, [how, code]] of Object.entries(bad)) assert.equal((await socket(id, how)).code, code, name);
  assert.equal((await socket(`${id}?key=${key}`, { first: { type: 'ping' }, until: 'pong' })).frames.length, 1, 'a key in the query is none');
});

test('nothing is watched before the key, and no other conversation with it', async () => {
  const own = await ready();
  const bobs = (await call(who.other, 'POST', '/chat/workflows', {})).body.data.chat_id;
  const { ws, frames } = await socket(own.id, { first: { type: 'ping' }, until: 'pong' });
  ws.send(JSON.stringify({ type: 'subscribe', chat_id: bobs }));
  ws.send(JSON.stringify({ type: 'ping' }));
  await new Promise((resolve) => ws.on('message', (data) => String(data).includes('pong') && resolve()));
  assert.deepEqual(frames.map((f) => f.type), ['pong', 'pong']);
  ws.terminate();
  const second = await socket(own.id, { key: who.writer });
  second.ws.send(JSON.stringify({ type: 'subscribe', chat_id: bobs }));
  const answer = await new Promise((resolve) => second.ws.on('message', (data) => resolve(JSON.parse(String(data)))));
  assert.deepEqual([answer.type, answer.message], ['error', 'there is no such conversation']);
  second.ws.terminate();
});

test('revoking a key ends what was opened with it, at once', async () => {
  const { id } = await ready();
  const key = makeKey(server.data, 'short', 'reader', ['--owner', 'ada']);
  const { ws } = await socket(id, { key });
  const bystander = await socket(id, { key: who.reader });
  const stream = await fetch(`${server.base}/chat/workflows/${id}/events`, { headers: { ...bearer(key), accept: 'text/event-stream' } });
  const ended = (async () => { for await (const _ of stream.body); })();
  const closed = new Promise((resolve) => ws.on('close', resolve));
  const started = Date.now();
  assert.equal((await call(who.admin, 'DELETE', `/keys/${key.key_id}`)).status, 200);
  assert.equal(await closed, 4401);
  await ended;
  assert.ok(Date.now() - started < 5000);
  assert.equal((await call(key, 'GET', '/chat/workflows')).status, 401);
  assert.equal(bystander.ws.readyState, WebSocket.OPEN);
  bystander.ws.terminate();
});

// --- Keys and links ---

test('keys over HTTP: made, listed without their text, revoked', async () => {
  const key = (await call(who.admin, 'POST', '/keys', { name: 'by http', role: 'reader', owner: 'ada', expires: '12h' })).body.data;
  made.push(key.key);
  assert.equal((await call(key, 'GET', '/chat/workflows')).status, 200);
  const list = (await call(who.admin, 'GET', '/keys')).body.data.keys;
  const listed = list.find((k) => k.key_id === key.key_id);
  assert.equal(listed.status, 'active');
  assert.ok(listed.last_used_at, 'its use was noted');
  assert.ok(!('key' in listed));
  assert.deepEqual([list.find((k) => k.key_id === who.expired.key_id).status, list.find((k) => k.key_id === who.revoked.key_id).status], ['expired', 'revoked']);
  for (const [body, sentence] of [
    [{ role: 'admin' }, /^name: /], [{ name: 'x' }, /^role: /], [{ name: 'x', role: 'king' }, /^role: /],
    [{ name: 'x', role: 'admin', owner: 'a b' }, /^owner: /], [{ name: 'a b', role: 'admin' }, /^owner: /],
    [{ name: 'x', role: 'admin', expires: '5y' }, /^expires: /], [{ name: 'x', role: 'admin', expires: '0d' }, /^expires: /],
    [{ name: 'x', role: 'admin', ower: 'y' }, /did you mean 'owner'/],
  ]) {
    const reply = await call(who.admin, 'POST', '/keys', body);
    assert.equal(reply.status, 422, JSON.stringify(body));
    assert.match(reply.body.message, sentence);
  }
  assert.equal((await call(who.admin, 'DELETE', '/keys/0123456789abcdef')).status, 404);
  assert.equal((await call(who.admin, 'DELETE', `/keys/${key.key_id}`)).status, 200);
});

test('links: without a key, for one file, until they end', async () => {
  const own = await ready();
  const url = `${server.base}/chat/workflows/${own.id}/files/${own.file}`;
  const link = async (key, body) => (await call(key, 'POST', '/links', body));
  const { data } = (await link(who.reader, { url })).body;
  assert.equal((await fetch(data.url)).status, 200);
  assert.equal(await (await fetch(data.url)).text(), CUSTOMERS);
  const changed = (edit) => { const u = new URL(data.url); edit(u); return fetch(u).then((r) => r.status); };
  assert.equal(await changed((u) => u.searchParams.set('expires', String(Number(u.searchParams.get('expires')) + 1))), 401);
  assert.equal(await changed((u) => u.searchParams.set('key_id', who.admin.key_id)), 401);
  assert.equal(await changed((u) => u.searchParams.set('signature', '0'.repeat(64))), 401);
  assert.equal(await changed((u) => { u.pathname = u.pathname.replace('customers.csv', 'customers-2.csv'); }), 401);
  assert.equal(await changed((u) => { u.pathname = u.pathname.replace('/files/customers.csv', ''); }), 401);
  const bobs = (await link(who.other, { url })).body.data.url;
  assert.equal((await fetch(bobs)).status, 404, 'a link opens no more than its key');
  for (const file of [`/api/v1/chat/downloads/${own.dump}`, `/api/v1/files/downloads/${own.result}`]) {
    const reply = await link(who.writer, { url: file });
    assert.equal((await fetch(reply.body.data.url)).status, 200, file);
  }
  for (const body of [{}, { url: '/api/v1/chat/workflows' }, { url: `${url}?x=1` }, { url: 'nonsense' }, { url, seconds: 0 }, { url, seconds: 86401 }]) {
    assert.equal((await link(who.writer, body)).status, 422, JSON.stringify(body));
  }
});

// --- Modes ---

async function with_server(options, fn) {
  const one = await Server.start(options);
  try {
    await fn(one);
  } finally {
    await one.close();
  }
}

test('without any key everything is as it was, whatever header comes', async () => {
  await with_server({}, async (one) => {
    const chat = await one.create();
    assert.equal(chat.owner, undefined);
    assert.equal((await one.call('GET', '/chat/workflows', undefined, { authorization: 'Bearer nonsense' })).status, 200);
    assert.equal((await one.call('GET', '/chat/workflows', undefined, { 'x-forwarded-for': '192.0.2.7' })).status, 200);
    assert.equal((await one.call('POST', '/chat/sqlite/backup')).status, 200);
    assert.ok((await one.call('GET', '/health/ready')).body.data.database);
  });
});

test('with a key, clients of this machine still need none; those behind a proxy do, and a wrong one is refused', async () => {
  await with_server({}, async (one) => {
    const chat = await one.create();
    const key = makeKey(one.data, 'ann', 'writer');
    assert.equal((await one.call('GET', `/chat/workflows/${chat.chat_id}`)).status, 200);
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
      assert.equal((await one.call('GET', '/chat/workflows', undefined, { [header]: 'for=192.0.2.7' })).status, 401, header);
    }
    assert.equal((await one.call('GET', '/chat/workflows', undefined, { authorization: 'Bearer nonsense' })).status, 401);
    assert.equal((await one.call('GET', `/chat/workflows/${chat.chat_id}`, undefined, bearer(key))).status, 404);
  });
});

// 2130706433 is 127.0.0.1, but not by its looks: it stands for an address that others reach.
const PUBLIC = '2130706433';
const serve = (data, args = [], env = {}) => spawnSync(PROGRAM, ['serve', '--port', '0', '--ws-port', '0', '--host', PUBLIC, '--data', data, ...args],
  { env: { ...process.env, ...env }, encoding: 'utf8', timeout: 20000 });

test('no key, no public address: exit status 78 and the way out', () => {
  const run = serve(join(folder, 'public'));
  assert.equal(run.status, 78);
  assert.match(run.stderr, /sheetflow keys create --name admin --role admin --data .*--i-accept-no-auth-on-public-address \(app\.allow_public: true\)/);
  const data = join(folder, 'public-expired');
  makeKey(data, 'late', 'admin', ['--expires', '1m'], { SOURCE_DATE_EPOCH: '1000000000' });
  assert.equal(serve(data).status, 78, 'a key that has expired keeps nobody out');
});

test('a public address with a key: everybody needs it', async () => {
  const data = join(folder, 'public-key');
  const key = makeKey(data, 'boss', 'admin');
  await with_server({ data, args: ['--host', PUBLIC] }, async (one) => {
    assert.equal((await one.call('GET', '/chat/workflows')).status, 401);
    assert.equal((await one.call('GET', '/chat/workflows', undefined, bearer(key))).status, 200);
    assert.equal((await one.call('GET', '/health')).status, 200);
    keys(data, ['revoke', key.key_id]); // The last one: still nobody gets in.
    assert.equal((await one.call('GET', '/chat/workflows')).status, 401);
  });
});

test('--i-accept-no-auth-on-public-address and app.allow_public are the same', async () => {
  for (const options of [{ args: ['--host', PUBLIC, '--i-accept-no-auth-on-public-address'] }, { args: ['--host', PUBLIC], env: { SHEETFLOW_APP_ALLOW_PUBLIC: 'true' } }]) {
    await with_server(options, async (one) => {
      assert.equal((await one.call('GET', '/chat/workflows')).status, 200);
      const key = makeKey(one.data, 'boss', 'admin');
      assert.equal((await one.call('GET', '/chat/workflows')).status, 401, 'once there is a key it is asked for');
      assert.equal((await one.call('GET', '/chat/workflows', undefined, bearer(key))).status, 200);
    });
  }
});

test('the control socket is for the user of the data folder', () => {
  const socketFile = statSync(join(server.data, 'control.sock'));
  assert.ok(socketFile.isSocket());
  assert.equal(socketFile.mode & 0o777, 0o600);
});

// --- Limits ---

test('so many requests a minute, by key or by address, and health for ever', async () => {
  await with_server({ env: { SHEETFLOW_API_RATE_LIMIT: '5' } }, async (one) => {
    const a = makeKey(one.data, 'a', 'admin'), b = makeKey(one.data, 'b', 'admin');
    const burst = async (headers) => {
      const seen = [];
      for (let i = 0; i < 7; i++) seen.push(await one.call('GET', '/operations', undefined, headers));
      return seen;
    };
    for (const headers of [bearer(a), bearer(b), {}]) {
      const seen = await burst(headers);
      assert.deepEqual(seen.map((r) => r.status), [200, 200, 200, 200, 200, 429, 429]);
      const last = seen.at(-1);
      assert.ok(Number(last.headers.get('retry-after')) >= 1 && Number(last.headers.get('retry-after')) <= 12);
      assert.equal(last.body.data.error_type, 'TooManyRequests');
      assert.equal(last.body.data.details.requests_a_minute, 5);
      assert.equal(last.body.data.details.retry_after_seconds, Number(last.headers.get('retry-after')));
    }
    assert.equal((await one.call('GET', '/health')).status, 200);
    assert.equal((await one.call('GET', '/chat/workflows', undefined, { authorization: 'Bearer sf_guess' })).status, 429, 'guessing is limited by address');
    assert.equal(keys(one.data, ['list']).count, 2);
  });
});

test('quotas: conversations, room, runs; of one owner, not of another', async () => {
  const env = { SHEETFLOW_QUOTA_MAX_CONVERSATIONS: '2', SHEETFLOW_QUOTA_MAX_BYTES_MB: '1', SHEETFLOW_QUOTA_MAX_RUNS: '1' };
  await with_server({ env }, async (one) => {
    const a = makeKey(one.data, 'ada', 'writer'), b = makeKey(one.data, 'bob', 'writer');
    const create = (key) => one.call('POST', '/chat/workflows', {}, bearer(key));
    const first = (await create(a)).body.data.chat_id;
    assert.equal((await create(a)).status, 201);
    const third = await create(a);
    assert.equal(third.status, 403);
    assert.equal(third.body.data.error_type, 'QuotaExceeded');
    assert.match(third.body.message, /^ada may have 2 conversations/);
    assert.equal((await create(b)).status, 201);
    assert.equal((await create(null)).status, 201, 'who needs no key has no quota');
    const send = async (name, bytes) => {
      const form = new FormData();
      form.append('file', new Blob([`a\n${'x'.repeat(99)}\n`.repeat(1).padEnd(bytes, 'x\n')]), name);
      return one.call('POST', `/chat/workflows/${first}/upload`, form, bearer(a));
    };
    assert.equal((await send('a.csv', 700000)).status, 200);
    const over = await send('b.csv', 700000);
    assert.equal(over.status, 403);
    assert.match(over.body.message, /quota\.max_bytes_mb/);
    const files = (await one.call('GET', `/chat/workflows/${first}`, undefined, bearer(a))).body.data.uploaded_files;
    assert.deepEqual(files.map((f) => f.filename), ['a.csv']);
    const left = readdirSync(join(one.data, 'workflows'), { recursive: true }).filter((f) => f.endsWith('.csv'));
    assert.equal(left.length, 1, 'what was refused is not kept');
    const execute = () => one.call('POST', `/chat/workflows/${first}/execute`, { async: true, steps: Array(40).fill({ operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'a', normalization_type: 'uppercase' }] } }) }, bearer(a));
    const run = await execute();
    assert.equal(run.status, 202, JSON.stringify(run.body));
    const refused = await execute();
    assert.equal(refused.status, 429);
    assert.match(refused.body.message, /quota\.max_runs/);
    assert.ok(refused.headers.get('retry-after'));
  });
});

test('runs that go on after a crash count for quota.max_runs, and are not refused by it', async () => {
  await with_server({ env: { SHEETFLOW_QUOTA_MAX_RUNS: '2', SHEETFLOW_CHAT_WORKFLOWS_EXECUTION_WORKERS: '1' } }, async (one) => {
    const a = makeKey(one.data, 'a', 'writer', ['--owner', 'ada']), b = makeKey(one.data, 'b', 'writer', ['--owner', 'bob']);
    const lines = `a,b\n${'some text,more of it\n'.repeat(30000)}`;
    const steps = Array(10).fill({ operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'a', normalization_type: 'uppercase' }] } });
    const begin = async (key) => {
      const id = (await one.call('POST', '/chat/workflows', {}, bearer(key))).body.data.chat_id;
      const form = new FormData();
      form.append('file', new Blob([lines]), 'a.csv');
      assert.equal((await one.call('POST', `/chat/workflows/${id}/upload`, form, bearer(key))).status, 200);
      return () => one.call('POST', `/chat/workflows/${id}/execute`, { async: true, steps }, bearer(key));
    };
    const ada = await begin(a), bob = await begin(b);
    const runs = [];
    await one.slowly(async () => {
      for (let i = 0; i < 2; i++) {
        const reply = await ada();
        assert.equal(reply.status, 202, JSON.stringify(reply.body));
        runs.push(reply.body.data);
      }
      await one.stop('SIGKILL');
    });
    // With a lower limit than there are runs.
    one.options.env.SHEETFLOW_QUOTA_MAX_RUNS = '1';
    await one.restart();
    await one.slowly(async () => {
      assert.equal((await ada()).status, 429, 'they count');
      assert.equal((await bob()).status, 202, 'for their owner alone');
    });
    for (const { chat_id: id, run_id: run } of runs) {
      const watcher = await one.watch(id, { since: 0, headers: bearer(a) });
      const last = await watcher.frame((f) => f.run_id === run && /^workflow_(completed|failed|cancelled)$/.test(f.type));
      assert.equal(last.type, 'workflow_completed', 'they are not refused');
      watcher.close();
    }
    let again;
    do again = await ada(); while (again.status === 429); // The last has been told, and is about to leave the queue.
    assert.equal(again.status, 202);
  });
});

test('so many uploads at the same time, by owner or by address, until they end or break off', async () => {
  await with_server({ env: { SHEETFLOW_QUOTA_MAX_UPLOADS: '2' } }, async (one) => {
    const metric = async (name) => Number(new RegExp(`^sheetflow_${name} (\\d+)$`, 'm').exec((await one.call('GET', '/metrics')).body)[1]);
    const running = async (n) => { while (await metric('uploads_running') !== n); };
    const { chat_id: id } = await one.create();
    const path = `/chat/workflows/${id}/upload`;
    const half = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\n';
    // One that is under way: end() sends the rest and gives the status.
    const begin = (key) => {
      const r = request(one.base + path, { method: 'POST', agent: false, headers: { ...bearer(key), 'content-type': 'multipart/form-data; boundary=x' } });
      const status = new Promise((resolve) => { r.on('response', (reply) => { reply.resume(); resolve(reply.statusCode); }).on('error', resolve); });
      r.write(half);
      return { end: () => { r.end('1,2\r\n--x--\r\n'); return status; }, breakOff: () => r.destroy() };
    };
    const send = (key) => {
      const form = new FormData();
      form.append('file', new Blob([CUSTOMERS]), 'b.csv');
      return one.call('POST', path, form, bearer(key));
    };
    const both = async (first, second, other) => {
      const under = [begin(first), begin(second)];
      await running(2);
      const refused = await send(first);
      assert.equal(refused.status, 429, JSON.stringify(refused.body));
      assert.match(refused.body.message, /^2 uploads of yours .*quota\.max_uploads/);
      assert.equal(refused.headers.get('retry-after'), '2');
      assert.deepEqual(refused.body.data.details, { retry_after_seconds: 2, uploads_at_once: 2 });
      assert.equal((await one.call('GET', `/chat/workflows/${id}`, undefined, bearer(first))).status, 200, 'other requests go on');
      if (other) assert.notEqual((await send(other)).status, 429, 'others go on');
      under[0].breakOff();
      await running(1);
      assert.equal((await send(first)).status, 200);
      assert.equal(await under[1].end(), 200);
      await running(0);
    };
    await both(null, null);
    const [a, again, b] = ['a', 'again', 'b'].map((name) => makeKey(one.data, name, 'writer', ['--owner', name === 'b' ? 'bob' : 'ada']));
    await one.call('PATCH', `/chat/workflows/${id}`, { owner: 'ada' });
    await both(a, again, b);
    assert.equal(await metric('uploads_refused_total'), 2);
  });
});

// --- TLS ---

function certificate(name) {
  const cert = join(folder, `${name}.crt`), key = join(folder, `${name}.key`);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'pipe' });
  return { cert, key };
}

const tls_get = (port, path, options = {}) => new Promise((resolve, reject) => {
  const r = https.request({ port, host: '127.0.0.1', path: `/api/v1${path}`, agent: false, ...options }, (reply) => {
    const parts = [];
    reply.on('data', (d) => parts.push(d));
    reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts), subject: reply.socket.getPeerCertificate?.().subject }));
  });
  r.on('error', reject);
  r.end(options.body);
});

test('TLS: requests, large downloads and uploads, refusals, WebSockets, event streams; a new certificate by SIGHUP', async () => {
  const { cert, key } = certificate('first');
  const env = { SHEETFLOW_TLS_CERTIFICATE: cert, SHEETFLOW_TLS_KEY: key };
  await with_server({ env }, async (one) => {
    let ca = readFileSync(cert);
    const get = (path, options) => tls_get(one.port, path, { ca, ...options });
    const post = (path, body, type = 'application/json') => get(path, { method: 'POST', body, headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } });
    const created = JSON.parse((await post('/chat/workflows', '{}')).body);
    const id = created.data.chat_id;
    const content = `id,text\n${Array.from({ length: 200000 }, (_, i) => `${i},row ${i} ${'y'.repeat(20)}`).join('\n')}\n`;
    const form = `--x\r\nContent-Disposition: form-data; name="file"; filename="large.csv"\r\n\r\n${content}\r\n--x--\r\n`;
    const sent = await post(`/chat/workflows/${id}/upload`, form, 'multipart/form-data; boundary=x');
    assert.equal(sent.status, 200, String(sent.body));
    const url = JSON.parse(sent.body).data.download_url;
    assert.match(url, /^https:\/\//);
    const whole = await get(new URL(url).pathname.replace('/api/v1', ''));
    assert.equal(String(whole.body), content);
    const part = await get(new URL(url).pathname.replace('/api/v1', ''), { headers: { range: 'bytes=1000000-1000009' } });
    assert.equal(part.status, 206);
    assert.equal(String(part.body), content.slice(1000000, 1000010));

    const base = `wss://127.0.0.1:${one.port}`;
    const { ws, frames } = await socket(id, { base, options: { ca } });
    const stream = await new Promise((resolve, reject) => {
      https.get({ port: one.port, host: '127.0.0.1', ca, agent: false, path: `/api/v1/chat/workflows/${id}/events`, headers: { accept: 'text/event-stream' } }, resolve).on('error', reject);
    });
    const completed = new Promise((resolve) => {
      let text = '';
      stream.on('data', (d) => { text += d; if (text.includes('workflow_completed')) resolve(); });
    });
    const run = await post(`/chat/workflows/${id}/execute`, JSON.stringify({ steps: [{ operation: 'excel/extract-columns-to-file', arguments: { columns: ['id'] } }] }));
    assert.equal(run.status, 200, String(run.body));
    await completed;
    stream.destroy();
    assert.ok(frames.some((f) => f.type === 'workflow_completed') || await new Promise((resolve) => ws.on('message', (d) => String(d).includes('workflow_completed') && resolve(true))));
    ws.terminate();
    // Refused before it is read: the answer arrives although the client goes on sending.
    const big = await new Promise((resolve) => {
      const r = https.request({ port: one.port, host: '127.0.0.1', ca, agent: false, path: `/api/v1/chat/workflows/${id}/upload`, method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-length': 900 << 20 } }, (reply) => { reply.resume(); resolve(reply.statusCode); r.destroy(); });
      r.on('error', () => {});
      r.write(Buffer.alloc(4 << 20));
    });
    assert.equal(big, 413);
    // Plain HTTP is not answered there.
    await assert.rejects(fetch(`http://127.0.0.1:${one.port}/api/v1/health`));
    await Promise.all(Array.from({ length: 40 }, () => get('/health').then((r) => assert.equal(r.status, 200))));

    // Those who only connect do not shut others out.
    const silent = Array.from({ length: 70 }, () => connect(one.port, '127.0.0.1').on('error', () => {}));
    const cut = new Set();
    await new Promise((resolve) => silent.forEach((s) => s.on('close', () => { cut.add(s); if (cut.size === 6) resolve(); })));
    silent.forEach((s) => s.destroy());
    while ((await get('/health').catch(() => ({}))).status !== 200); // As soon as it has seen that they are gone.

    const second = certificate('second');
    writeFileSync(cert, readFileSync(second.cert));
    one.child.kill('SIGHUP'); // The key does not fit yet.
    while (!one.log.includes('not the key of the certificate')) await new Promise((resolve) => one.child.stderr.once('data', resolve));
    assert.equal((await get('/health')).subject.CN, 'first');
    writeFileSync(key, readFileSync(second.key));
    one.child.kill('SIGHUP');
    while (!one.log.includes('settings reloaded')) await new Promise((resolve) => one.child.stderr.once('data', resolve));
    const reloads = () => one.log.split('settings reloaded').length;
    while (reloads() < 3) await new Promise((resolve) => one.child.stderr.once('data', resolve));
    ca = readFileSync(second.cert);
    assert.equal((await get('/health')).subject.CN, 'second');
  });
});

test('a certificate that cannot be used is told at start', () => {
  const a = certificate('a'), b = certificate('b');
  const start = (certificateFile, key) => spawnSync(PROGRAM, ['serve', '--port', '0', '--ws-port', '0', '--data', join(folder, 'tls')],
    { env: { ...process.env, SHEETFLOW_TLS_CERTIFICATE: certificateFile, SHEETFLOW_TLS_KEY: key }, encoding: 'utf8', timeout: 20000 });
  for (const [certificateFile, key, sentence] of [
    [a.cert, b.key, /tls\.key: this is not the key of the certificate/],
    [join(folder, 'none'), a.key, /tls\.certificate: the file cannot be read: No such file/],
    [a.cert, join(folder, 'none'), /tls\.key: the file cannot be read: No such file/],
    [a.key, a.key, /tls\.certificate: the file holds no certificate/],
    [a.cert, a.cert, /tls\.key: the file holds no private key/],
    [a.cert, '', /tls\.key: /],
  ]) {
    const run = start(certificateFile, key);
    assert.ok(run.status > 0, `${run.status}`);
    assert.match(run.stderr, sentence);
    assert.ok(!run.stderr.includes(folder), 'no path');
  }
});

// --- Audit and secrets ---

test('the audit tells who did what, a line each', async () => {
  const before = readFileSync(auditFile, 'utf8').trim().split('\n').length;
  const id = (await call(who.writer, 'POST', '/chat/workflows', {}, { 'x-request-id': 'req-1' })).body.data.chat_id;
  await call(who.writer, 'GET', `/chat/workflows/${id}`);
  await call(who.other, 'DELETE', `/chat/workflows/${id}`, undefined, { 'x-request-id': 'req-2' });
  await call(`sf_${'B'.repeat(43)}`, 'GET', `/chat/workflows/${id}`, undefined, { 'x-request-id': 'req-3' });
  await call(who.writer, 'DELETE', `/chat/workflows/a%0D%0Ab%22%1b`, undefined, { 'x-request-id': 'req-4' });
  const key = (await call(who.admin, 'POST', '/keys', { name: 'audited', role: 'reader' }, { 'x-request-id': 'req-5' })).body.data;
  made.push(key.key);
  const text = readFileSync(auditFile, 'utf8');
  const lines = text.trim().split('\n').slice(before).map((line) => JSON.parse(line));
  const line = (n) => lines.find((l) => l.request_id === `req-${n}`);
  assert.equal(lines.length, 5, JSON.stringify(lines));
  const { time, ...first } = line(1);
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(first, { event: 'request', owner: 'ada', key_id: who.writer.key_id, address: '127.0.0.1', method: 'POST', path: '/api/v1/chat/workflows', conversation: id, status: 201, request_id: 'req-1' });
  assert.deepEqual([line(2).owner, line(2).status, line(2).conversation], ['bob', 404, id]);
  assert.deepEqual([line(3).event, line(3).status, line(3).key_id], ['authentication', 401, undefined]);
  assert.ok(line(4).path.includes('\r\n'));
  assert.ok(!/[\r\x1b]/.test(text), 'controls are escaped');
  assert.equal(line(5).subject, key.key_id);
  const all = text.trim().split('\n').map((l) => JSON.parse(l));
  assert.ok(all.some((l) => l.event === 'key_created' && l.subject === who.admin.key_id && l.address === 'command line'));
  assert.ok(all.some((l) => l.method === 'DELETE' && l.key_id === 'control' && l.subject === who.revoked.key_id && l.address === 'local'));
  assert.equal(statSync(auditFile).mode & 0o777, 0o600);
});

test('an audit file that was put aside is begun anew by SIGHUP', async () => {
  renameSync(auditFile, `${auditFile}.1`);
  server.child.kill('SIGHUP');
  while (!readFileSync(logFile, 'utf8').includes('settings reloaded')) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await call(who.writer, 'POST', '/chat/workflows', {}, { 'x-request-id': 'after' })).status, 201);
  assert.match(readFileSync(auditFile, 'utf8'), /"request_id":"after"/);
});

test('no key is in any log, audit, database or file', async () => {
  assert.ok(made.length > 10);
  const files = [auditFile, `${auditFile}.1`, logFile, ...readdirSync(server.data, { recursive: true }).map((f) => join(server.data, f))]
    .filter((f) => statSync(f).isFile());
  assert.ok(files.some((f) => f.endsWith('chat.db')));
  const texts = [server.log, ...files.map((f) => readFileSync(f, 'latin1'))];
  for (const key of made) {
    for (const [i, text] of texts.entries()) assert.ok(!text.includes(key) && !text.includes(key.slice(3)), `a key is in ${i ? files[i - 1] : 'the log'}`);
  }
  assert.ok(!readFileSync(logFile, 'utf8').includes('signature='));
});
