// What an operator sees: metrics, readiness, the log, the service manager.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';

const CITIES = 'id,city\n1,Paris\n2,Rome\n3,Paris\n';
const SEARCH = { operation: 'csv/search', arguments: { conditions: [{ column: 'city', operator: 'equals', value: 'Paris' }] } };

let folder;
let server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sheetflow-observe-'));
  server = await Server.start({ env: { SHEETFLOW_LOGGING_FILE: join(folder, 'log'), SHEETFLOW_LOGGING_FORMAT: 'json', SHEETFLOW_LOGGING_REQUESTS: 'all' } });
});
after(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

// {name: {type, samples: {labels: value}}}; every line is looked at.
function parseMetrics(text) {
  const metrics = {};
  assert.ok(text.endsWith('\n'));
  for (const line of text.trimEnd().split('\n')) {
    const help = /^# HELP ([a-z_]+) [A-Z].*\.$/.exec(line);
    const type = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line);
    const sample = /^([a-z_]+)(?:\{((?:[a-z]+="[^"\\]*",?)+)\})? ([0-9.e+]+)$/.exec(line);
    assert.ok(help || type || sample, line);
    if (help) {
      assert.ok(!metrics[help[1]], `${help[1]} comes twice`);
      metrics[help[1]] = { samples: {} };
    } else if (type) {
      metrics[type[1]].type = type[2];
    } else {
      const metric = metrics[sample[1]] ?? metrics[sample[1].replace(/_(bucket|sum|count)$/, '')];
      assert.ok(metric?.type, `${sample[1]} is not announced`);
      const key = `${sample[1]}{${sample[2] ?? ''}}`;
      assert.ok(!(key in metric.samples), `${key} comes twice`);
      metric.samples[key] = Number(sample[3]);
    }
  }
  return metrics;
}

async function metrics() {
  const reply = await fetch(`${server.origin}/metrics`);
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return parseMetrics(await reply.text());
}

const value = (all, name, labels = '') => all[`sheetflow_${name}`].samples[`sheetflow_${name}{${labels}}`] ?? 0;

test('requests, runs, steps and rows are counted', async () => {
  const before_ = await metrics();
  const { chat_id: id } = await server.create();
  await server.upload(id, 'cities.csv', CITIES);
  assert.equal((await server.execute(id, [SEARCH])).status, 200);
  const missing = [SEARCH, { operation: 'csv/search', arguments: { conditions: [{ column: 'town', operator: 'is_empty' }] } }];
  assert.equal((await server.execute(id, missing)).status, 422);
  assert.equal((await server.call('GET', '/nothing/here')).status, 404);
  const now = await metrics();
  const grown = (name, labels) => value(now, name, labels) - value(before_, name, labels);
  const execute = 'method="POST",route="/chat/workflows/{id}/execute"';
  assert.equal(grown('http_requests_total', `${execute},status="200"`), 1);
  assert.equal(grown('http_requests_total', `${execute},status="422"`), 1);
  assert.equal(grown('http_requests_total', 'method="",route="",status="404"'), 1);
  assert.equal(grown('runs_total', 'status="completed"'), 1);
  assert.equal(grown('runs_total', 'status="failed"'), 1);
  assert.equal(grown('steps_total', 'operation="csv/search",status="completed"'), 2);
  assert.equal(grown('steps_total', 'operation="csv/search",status="failed"'), 1);
  assert.equal(grown('rows_in_total'), 6);
  assert.equal(grown('rows_out_total'), 4);
  assert.ok(grown('http_request_bytes_total') >= CITIES.length);
  assert.ok(grown('http_reply_bytes_total') > 1000);
  const latency = now.sheetflow_http_request_duration_seconds;
  assert.equal(latency.type, 'histogram');
  const part = (suffix, more = '') => latency.samples[`sheetflow_http_request_duration_seconds_${suffix}{${execute}${more}}`];
  assert.equal(part('count'), 2);
  assert.equal(part('bucket', ',le="+Inf"'), 2);
  assert.ok(part('sum') > 0);
  const steps = now.sheetflow_step_duration_seconds.samples;
  assert.equal(steps['sheetflow_step_duration_seconds_count{operation="csv/search"}'], 2);
});

test('loads and sizes are told', async () => {
  const { chat_id: id } = await server.create();
  const watcher = await server.watch(id);
  const all = await metrics();
  assert.equal(value(all, 'watchers'), 1);
  assert.ok(value(all, 'http_connections') >= 2);
  for (const idle of ['runs_queued', 'runs_running', 'operations_waiting', 'operations_running']) assert.equal(value(all, idle), 0, idle);
  for (const some of ['run_slots', 'database_bytes', 'disk_free_bytes']) assert.ok(value(all, some) > 0, some);
  assert.equal(value(all, 'last_backup_timestamp_seconds'), 0);
  const about = (name) => all[name].samples[`${name}{}`];
  assert.ok(about('process_resident_memory_bytes') > 1e6);
  assert.ok(about('process_open_fds') > 5);
  assert.ok(Math.abs(about('process_start_time_seconds') - Date.now() / 1000) < 600);
  watcher.close();
  assert.equal((await server.call('POST', '/chat/sqlite/backup')).status, 200);
  assert.ok(Math.abs(value(await metrics(), 'last_backup_timestamp_seconds') - Date.now() / 1000) < 60);
});

test('requests are logged with their ids, escaped, and without what they carry', async () => {
  const odd = await server.call('GET', '/chat/workflows/x%0Ay', undefined, { 'x-request-id': 'observe-1' });
  assert.equal(odd.status, 404);
  const { chat_id: id } = await server.create({ name: 'canary-name' });
  await server.upload(id, 'canary.csv', 'secret\ncanary-cell\n');
  const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  const line = lines.find((one) => one.request_id === 'observe-1');
  assert.deepEqual([line.message, line.method, line.status, line.level], ['request', 'GET', '404', 'info']);
  assert.match(line.path, /x%0Ay$/);
  assert.match(line.client, /^127\.0\.0\.1/);
  assert.ok(Number(line.ms) >= 0);
  assert.ok(lines.every((one) => /^\d{4}-.*Z$/.test(one.time)));
  assert.doesNotMatch(JSON.stringify(lines), /canary-(cell|name)/);
});

test('readiness tells what it looked at', async () => {
  const { status, body } = await server.call('GET', '/health/ready');
  assert.equal(status, 200);
  assert.equal(body.data.status, 'ready');
  const { disk, database, workers } = body.data.checks;
  assert.equal(disk.status, 'ok');
  assert.ok(disk.free_bytes > 0);
  assert.match(database.version, /^SQLite 3/);
  assert.ok(workers.slots > 0);
  assert.match(workers.sandbox, /^(full|partial|none)$/);
});

test('with too little room left, only what needs room is refused, and readiness says why', async () => {
  const reserve = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_STORAGE_RESERVE_MB: '1048576' } });
  try {
    const { chat_id: id } = await reserve.create();
    const upload = await reserve.upload(id, 'cities.csv', CITIES);
    assert.equal(upload.status, 507);
    assert.match(upload.body.message, /disk is nearly full/);
    assert.ok(Number(upload.headers.get('retry-after')) > 0);
    assert.equal((await reserve.execute(id, [SEARCH])).status, 507);
    assert.equal((await reserve.call('GET', `/chat/workflows/${id}`)).status, 200);
    const ready = await reserve.call('GET', '/health/ready');
    assert.equal(ready.status, 503);
    assert.equal(ready.body.data.details.checks.disk.status, 'failed');
    assert.match(ready.body.data.details.checks.disk.reason, /reserve_mb/);
    assert.equal(ready.body.data.details.checks.database.status, 'ok');
    assert.equal((await reserve.call('DELETE', `/chat/workflows/${id}`)).status, 200);
  } finally {
    await reserve.close();
  }
});

// Python's datagram socket stands in for the service manager.
const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    text = s.recv(4096).decode()
    print(text, flush=True)
    if text == "STOPPING=1":
        break
`;

test('the service manager is told of the start and the end', async () => {
  const path = join(folder, 'notify');
  const manager = spawn('/usr/bin/python3', ['-c', MANAGER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const waiting = new Set();
  manager.stdout.on('data', (data) => {
    said += data;
    for (const look of waiting) look();
  });
  const told = (text) => new Promise((resolve) => {
    const look = () => said.includes(text) && resolve();
    waiting.add(look);
    look();
  });
  await told('bound');
  const one = await Server.start({ env: { NOTIFY_SOCKET: path } });
  await told('READY=1');
  await one.close();
  await told('STOPPING=1');
  assert.equal(said, 'bound\nREADY=1\nSTOPPING=1\n');
});
