// The description of the API: valid OpenAPI 3.1, complete, true to what the server answers; and the page that shows it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { CUSTOMERS, Server } from '../lib/server.mjs';

const ROUTE = /^\s*\{ "(GET|POST|PATCH|PUT|DELETE)",\s*"([^"]+)"/gm;
let server;
let api;
let ajv;

before(async () => {
  server = await Server.start();
  api = (await server.call('GET', '/openapi.json')).body;
  ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema(api, 'api');
});
after(() => server.close());

const pointer = (...parts) => parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');

function check(value, ...parts) {
  const validate = ajv.getSchema(`api#/${pointer(...parts)}`);
  assert.ok(validate, parts.join(' '));
  assert.ok(validate(value), `${parts.join(' ')}: ${ajv.errorsText(validate.errors)}`);
}

// The reply of `method path` as the description has it.
function checkReply(reply, method, path) {
  const { responses } = api.paths[path][method.toLowerCase()];
  const status = String(reply.status);
  if (status in responses) {
    return check(reply.body, 'paths', path, method.toLowerCase(), 'responses', status, 'content', 'application/json', 'schema');
  }
  assert.ok(reply.status >= 400, `${method} ${path} answers ${status}`);
  return check(reply.body, 'components', 'schemas', 'Error');
}

test('it is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(api));
  assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
  assert.equal(validator.version, '3.1');
  assert.equal(api.servers[0].url, '/api/v1');
});

test('every route and every operation is in it, with a summary', async () => {
  const routes = [...readFileSync('src/server/routes.c', 'utf8').matchAll(ROUTE)].map(([, method, path]) => [method, path]);
  assert.ok(routes.length > 20);
  const operations = (await server.call('GET', '/operations')).body.data.operations;
  for (const { name } of operations) routes.push(['POST', `/${name}`]);
  for (const [method, path] of routes) {
    const operation = api.paths[path]?.[method.toLowerCase()];
    assert.ok(operation, `${method} ${path} is missing`);
    assert.notEqual(operation.summary, path, `${method} ${path}: say what it does in src/describe/openapi_base.json`);
  }
  const said = Object.values(api.paths).reduce((n, item) => n + Object.keys(item).length, 0);
  assert.equal(said, new Set(routes.map(String)).size, 'nothing else is in it');
});

test('every reference leads somewhere', () => {
  const walk = (value) => {
    if (value === null || typeof value !== 'object') return;
    if (typeof value.$ref === 'string') {
      const target = value.$ref.slice(2).split('/').reduce((at, part) => at?.[part], api);
      assert.ok(target, value.$ref);
    }
    Object.values(value).forEach(walk);
  };
  walk(api);
});

test("each operation's examples fit its schemas, as a step and as a form", async () => {
  const operations = (await server.call('GET', '/operations')).body.data.operations;
  for (const { name, examples } of operations) {
    for (const { arguments: args } of examples) {
      check(args, 'components', 'schemas', name.replaceAll('/', '.'));
      check({ operation: name, arguments: args }, 'components', 'schemas', 'Step');
    }
    const media = ['paths', `/${name}`, 'post', 'requestBody', 'content', 'multipart/form-data'];
    const forms = Object.values(api.paths[`/${name}`].post.requestBody.content['multipart/form-data'].examples);
    assert.ok(forms.length > 0, name);
    for (const { value } of forms) check(value, ...media, 'schema');
  }
});

test('the examples are carried out as they stand', async () => {
  for (const [path, { post }] of Object.entries(api.paths)) {
    const examples = post?.requestBody?.content['multipart/form-data']?.examples ?? {};
    for (const [key, { summary, value }] of Object.entries(examples)) {
      const form = new FormData();
      for (const [name, field] of Object.entries(value)) {
        if (name === 'file' || name === 'bind_file') form.append(name, new Blob([field]), `${name}.csv`);
        else form.append(name, typeof field === 'string' ? field : JSON.stringify(field));
      }
      const reply = await server.call('POST', path, form);
      assert.equal(reply.status, 200, `${path} ${key} (${summary}): ${reply.body.message}`);
      checkReply(reply, 'POST', path);
    }
  }
});

test('replies have the shapes that are promised', async () => {
  const created = await server.call('POST', '/chat/workflows', { name: 'x' });
  checkReply(created, 'POST', '/chat/workflows');
  const id = created.body.data.chat_id;
  checkReply(await server.upload(id, 'people.csv', CUSTOMERS), 'POST', '/chat/workflows/{id}/upload');
  const steps = [{ operation: 'excel/search', arguments: { conditions: [{ column: 'city', operator: 'equals', value: 'Paris' }] } }];
  const body = { steps };
  check(body, 'paths', '/chat/workflows/{id}/execute', 'post', 'requestBody', 'content', 'application/json', 'schema');
  checkReply(await server.execute(id, steps), 'POST', '/chat/workflows/{id}/execute');
  const bad = await server.execute(id, [{ operation: 'excel/serach' }]);
  assert.equal(bad.status, 422);
  checkReply(bad, 'POST', '/chat/workflows/{id}/execute');
  const runs = await server.call('GET', `/chat/workflows/${id}/runs`);
  checkReply(runs, 'GET', '/chat/workflows/{id}/runs');
  const run = runs.body.data.runs[0].run_id;
  const plain = {
    '/chat/workflows': '/chat/workflows?limit=1',
    '/chat/workflows/{id}': `/chat/workflows/${id}`,
    '/chat/workflows/{id}/runs/{run}': `/chat/workflows/${id}/runs/${run}`,
    '/chat/workflows/{id}/files/{name}/preview': `/chat/workflows/${id}/files/people.csv/preview`,
    '/normalization/types': '/normalization/types',
    '/sql/databases': '/sql/databases',
    '/operations': '/operations',
    '/health': '/health',
    '/health/ready': '/health/ready',
    '/': '/',
  };
  for (const [path, url] of Object.entries(plain)) checkReply(await server.call('GET', url), 'GET', path);
  for (const path of ['/excel/info', '/csv/info', '/excel/search/suggest-operators', '/csv/search/suggest-operators']) {
    const form = new FormData();
    form.append('file', new Blob([CUSTOMERS]), 'people.csv');
    checkReply(await server.call('POST', path, form), 'POST', path);
  }
  checkReply(await server.call('POST', '/chat/sqlite/backup'), 'POST', '/chat/sqlite/backup');
  checkReply(await server.call('POST', `/chat/workflows/${id}/dump`), 'POST', '/chat/workflows/{id}/dump');
  checkReply(await server.call('DELETE', `/chat/workflows/${id}`), 'DELETE', '/chat/workflows/{id}');
  checkReply(await server.call('GET', `/chat/workflows/${id}`), 'GET', '/chat/workflows/{id}');
});

test('the page and its parts are served by us alone, under a strict policy', async () => {
  for (const base of [server.origin, server.base]) {
    const page = await fetch(`${base}/docs`);
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    const html = await page.text();
    assert.doesNotMatch(html, /<script>|<style>|style=|https?:/);
    for (const [, part] of html.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)) {
      const reply = await fetch(`${base}/${part}`);
      assert.equal(reply.status, 200, part);
      assert.match(reply.headers.get('content-type'), /^text\/(css|javascript); charset=utf-8$/);
      assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
      assert.ok((await reply.text()).length > 100);
    }
  }
  const stray = await fetch(`${server.origin}/docs/`, { redirect: 'manual' });
  assert.deepEqual([stray.status, stray.headers.get('location')], [308, '/docs']);
  assert.equal((await fetch(`${server.origin}/docs/openapi_base.json`)).status, 404);
  assert.equal((await fetch(`${server.origin}/docs/..%2fREADME.md`)).status, 400);
});
