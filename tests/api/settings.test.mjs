// Settings that only a running server shows: each has its effect.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CUSTOMERS, Server, Watcher, freePort } from '../lib/server.mjs';

let scratch;
before(() => { scratch = mkdtempSync(join(tmpdir(), 'sheetflow-settings-')); });
after(() => rmSync(scratch, { recursive: true, force: true }));

async function withServer(settings, work) {
  const env = Object.fromEntries(Object.entries(settings)
    .map(([path, value]) => [`SHEETFLOW_${path.toUpperCase().replaceAll('.', '_')}`, String(value)]));
  const server = await Server.start({ env });
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

async function until(done) {
  while (!done()) await new Promise((resolve) => { setImmediate(resolve); });
}

// Bodies are digested 128 KiB at a time.
const WINDOW = 131072;

// A form that stops in the middle of its file; end() sends the rest and gives the reply.
function slowForm(server, path, field, first, rest) {
  const socket = connect(server.port, '127.0.0.1');
  const head = `--x\r\nContent-Disposition: form-data; name="${field}"; filename="a.csv"\r\n\r\n`;
  const tail = '\r\n--x--\r\n';
  const length = head.length + first.length + rest.length + tail.length;
  let text = '';
  const reply = new Promise((resolve, reject) => {
    socket.on('data', (data) => { text += data; });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
  socket.write(`POST /api/v1${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n`
    + `Content-Length: ${length}\r\nConnection: close\r\n\r\n${head}${first}`);
  return { end: () => { socket.write(rest + tail); return reply; } };
}

test('file.upload_folder holds files sent to operations while they are worked on, and nothing afterwards', async () => {
  const folder = join(scratch, 'sent');
  mkdirSync(folder);
  writeFileSync(join(folder, `upload-${'0'.repeat(32)}.tmp`), 'left by a crash');
  writeFileSync(join(folder, 'mine.txt'), 'not ours');
  await withServer({ 'file.upload_folder': folder }, async (server) => {
    assert.deepEqual(readdirSync(folder), ['mine.txt']);
    const form = slowForm(server, '/csv/info', 'file', `a,b\n${'1,2\n'.repeat(50000)}`, '3,4\n');
    await until(() => readdirSync(folder).length === 2);
    assert.deepEqual(readdirSync(join(server.data, 'tmp')), []);
    assert.match(await form.end(), /"rows":50001/);
    await until(() => readdirSync(folder).length === 1);
    const joined = new FormData();
    joined.append('file', new Blob(['id\n1\n']), 'a.csv');
    joined.append('bind_file', new Blob(['id,city\n1,London\n']), 'b.csv');
    joined.append('comparison_column', 'id');
    joined.append('bind_columns', 'city');
    assert.equal((await server.call('POST', '/excel/bind-single-key', joined)).status, 200);
    assert.deepEqual(readdirSync(folder), ['mine.txt']);
    const chat = await server.create();
    assert.equal((await server.upload(chat.chat_id, 'a.csv', 'a\n1\n')).status, 200);
  });
  await withServer({ 'file.upload_folder': 'sent' }, async (server) => {
    assert.ok(statSync(join(server.data, 'sent')).isDirectory(), 'a relative path is below the data folder');
  });
});

test('chat_workflows.file.chunk_size_bytes is what an upload is written in', async () => {
  await withServer({ 'chat_workflows.file.chunk_size_bytes': 49152 }, async (server) => {
    const { chat_id: id } = await server.create();
    const row = '0123456789,abcdefghi\n';
    const form = slowForm(server, `/chat/workflows/${id}/upload`, 'file', `n,t\n${row.repeat(9000)}`, row.repeat(10));
    const folder = join(server.data, 'tmp');
    const written = () => readdirSync(folder).map((name) => statSync(join(folder, name)).size)[0] ?? 0;
    await until(() => written() >= 98304);
    assert.equal(written(), 98304, `two whole chunks of the first ${WINDOW} bytes`);
    const reply = await form.end();
    assert.match(reply, /"size":189214/);
    assert.match(reply, /"rows":9010/);
  });
});

test('logging.rotation puts the log aside in the running server, and SIGHUP opens it anew', async () => {
  const log = join(scratch, 'server.log');
  await withServer({ 'logging.file': log, 'logging.rotation': '64KB x 2', 'logging.requests': 'all' }, async (server) => {
    let sent = 0;
    while (!existsSync(`${log}.2`)) {
      await Promise.all(Array.from({ length: 20 }, () => server.call('GET', `/health?${'x'.repeat(100)}`)));
      sent += 20;
      assert.ok(sent < 5000);
    }
    for (const name of [log, `${log}.1`, `${log}.2`]) {
      assert.ok(statSync(name).size <= 65536, name);
      const text = readFileSync(name, 'utf8');
      assert.ok(text.endsWith('\n'));
      for (const line of text.trimEnd().split('\n')) assert.match(line, /^\d{4}-\d\d-\d\dT\S+Z (info|warning) "/);
    }
    renameSync(log, `${log}.moved`);
    server.child.kill('SIGHUP');
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('settings reloaded'));
  });
  const wrong = await Server.start({ env: { SHEETFLOW_LOGGING_ROTATION: '10 megabytes' } }).catch((error) => error.message);
  assert.match(wrong, /logging\.rotation.*'10 megabytes' is no rotation, such as "10MB x 5"/);
});

test('logging.audit_rotation puts the audit file aside, keeps so many, and loses no line', async () => {
  const audit = join(scratch, 'rotated.jsonl');
  const files = () => readdirSync(scratch).filter((name) => name.startsWith('rotated.jsonl')).sort();
  await withServer({ 'logging.audit_file': audit, 'logging.audit_rotation': '64KB x 3' }, async (server) => {
    const send = (i) => server.call('POST', `/${'x'.repeat(2000)}`, undefined, { 'x-request-id': `n-${i}` });
    let sent = 0;
    while (!existsSync(`${audit}.2`)) {
      await Promise.all(Array.from({ length: 10 }, () => send(sent++)));
      assert.ok(sent < 2000);
    }
    assert.deepEqual(files(), ['rotated.jsonl', 'rotated.jsonl.1', 'rotated.jsonl.2']);
    const seen = files().flatMap((name) => {
      const text = readFileSync(join(scratch, name), 'utf8');
      assert.ok(text.length <= 65536 && text.endsWith('\n'), name);
      assert.equal(statSync(join(scratch, name)).mode & 0o777, 0o600, name);
      return text.trimEnd().split('\n').map((line) => Number(JSON.parse(line).request_id.slice(2)));
    });
    assert.deepEqual(seen.toSorted((a, b) => a - b), Array.from({ length: sent }, (_, i) => i));
    while (readFileSync(`${audit}.2`, 'utf8').includes('"n-0"') || !existsSync(`${audit}.3`)) await Promise.all(Array.from({ length: 10 }, () => send(sent++)));
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, () => send(sent++)));
    assert.deepEqual(files(), ['rotated.jsonl', 'rotated.jsonl.1', 'rotated.jsonl.2', 'rotated.jsonl.3'], 'no more than that');
    // A shell's own tool may move it, too.
    renameSync(audit, `${audit}.moved`);
    server.child.kill('SIGHUP');
    await until(() => existsSync(audit));
    await send('last');
    assert.match(readFileSync(audit, 'utf8'), /"request_id":"n-last"/);
  });
  const wrong = await Server.start({ env: { SHEETFLOW_LOGGING_AUDIT_ROTATION: '1KB x 5' } }).catch((error) => error.message);
  assert.match(wrong, /logging\.audit_rotation.*'1KB x 5' is no rotation/);
});

test('chat_workflows.dump.include_metadata and include_logs say what is in a dump, and all of them restore', async () => {
  for (const [metadata, logs] of [[true, false], [false, false], [true, true], [false, true]]) {
    await withServer({ 'chat_workflows.dump.include_metadata': metadata, 'chat_workflows.dump.include_logs': logs }, async (server) => {
      const { chat_id: id } = await server.create({ metadata: { team: 'sales' } });
      await server.upload(id, 'customers.csv', CUSTOMERS);
      await server.execute(id, [{ operation: 'json/generate', arguments: {} }]);
      const dump = (await server.call('POST', `/chat/workflows/${id}/dump`)).body.data;
      const bytes = await server.download(dump.download_url);
      const archive = join(scratch, dump.dump_file);
      writeFileSync(archive, bytes);
      const names = execFileSync('tar', ['-tzf', archive]).toString().trim().split('\n').map((name) => name.slice(id.length + 1));
      assert.equal(names.includes('metadata.json'), metadata);
      assert.equal(names.includes('conversation_metadata.json'), metadata);
      assert.equal(names.includes('logs/events.jsonl'), logs);
      const manifest = JSON.parse(execFileSync('tar', ['-xzOf', archive, `${id}/manifest.json`]));
      assert.deepEqual(manifest.members.map(({ path }) => path).sort(),
        names.filter((name) => name && !name.endsWith('/') && name !== 'manifest.json').sort());
      if (logs) {
        const events = execFileSync('tar', ['-xzOf', archive, `${id}/logs/events.jsonl`]).toString().trim().split('\n').map(JSON.parse);
        assert.ok(events.some(({ type }) => type === 'workflow_completed'));
        events.forEach(({ seq }, i) => assert.ok(i === 0 || seq > events[i - 1].seq));
      }
      const form = new FormData();
      form.append('dump_file', new Blob([bytes]), dump.dump_file);
      form.append('mode', 'copy');
      const copy = await server.call('POST', '/chat/workflows/restore', form);
      assert.ok([200, 201].includes(copy.status), JSON.stringify(copy.body));
      assert.deepEqual(copy.body.data.metadata, { team: 'sales' });
      assert.equal(copy.body.data.output_files.length, 1);
    });
  }
});

test('settings of steps reach forms too, whatever the spelling of the argument', async () => {
  await withServer({ 'normalization.backup_original': true, 'normalization.generate_report': false, 'sql.default_batch_size': 2 }, async (server) => {
    const post = async (path, fields) => {
      const form = new FormData();
      form.append('file', new Blob(['name\nada\nalan\n']), 'a.csv');
      for (const [name, value] of Object.entries(fields)) form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
      return server.call('POST', path, form);
    };
    const rules = [{ column: 'name', type: 'uppercase' }];
    const kept = (await post('/normalization/apply', { normalizations: rules, output_format: 'csv' })).body.data;
    assert.equal((await server.download(kept.download_url)).toString(), 'name,name_original\nADA,ada\nALAN,alan\n');
    const one = (await post('/normalization/apply', { normalizations: rules[0], output_format: 'csv' })).body.data;
    assert.match((await server.download(one.download_url)).toString(), /name_original/);
    const told = await post('/normalization/apply', { normalizations: rules, returnReport: 'true' });
    assert.equal(told.status, 200, JSON.stringify(told.body));
    assert.ok(told.body.data.report);
    const sql = await post('/sql/generate', { batchSize: '1' });
    assert.equal(sql.status, 200, JSON.stringify(sql.body));
  });
});

test('names, prefix and locale are the configured ones', async () => {
  await withServer({ 'app.name': 'Tables', 'app.environment': 'staging', 'api.prefix': '/v9', 'api.locale': 'de_DE' }, async (server) => {
    server.base = `${server.origin}/v9`;
    const { body } = await server.call('GET', '/health');
    assert.deepEqual([body.data.name, body.data.environment, body.meta.locale], ['Tables', 'staging', 'de_DE']);
    const { chat_id: id } = await server.create();
    const { download_url: url } = (await server.upload(id, 'a.csv', 'a\n1\n')).body.data;
    assert.ok(url.startsWith(`${server.origin}/v9/chat/workflows/`), url);
    assert.equal((await server.call('GET', `${server.origin}/api/v1/health`)).status, 404);
  });
});

test('chat_workflows.enabled false leaves the operations and takes the conversations away', async () => {
  await withServer({ 'chat_workflows.enabled': false }, async (server) => {
    const reply = await server.call('POST', '/chat/workflows', {});
    assert.equal(reply.status, 404);
    assert.match(reply.body.message, /chat_workflows\.enabled/);
    assert.equal((await server.call('GET', '/operations')).status, 200);
    const form = new FormData();
    form.append('file', new Blob(['a\n1\n']), 'a.csv');
    assert.equal((await server.call('POST', '/csv/info', form)).status, 200);
    const watcher = await Watcher.open(`ws://127.0.0.1:${server.port}/chat/00000000-0000-4000-8000-000000000000`);
    assert.equal((await watcher.closed).code, 4404);
  });
});

test('chat_workflows.websocket.host is where the separate port listens', async () => {
  const wsPort = await freePort();
  const server = await Server.start({ wsPort, env: { SHEETFLOW_CHAT_WORKFLOWS_WEBSOCKET_HOST: '127.0.0.2' } });
  try {
    const { chat_id: id } = await server.create();
    const watcher = await Watcher.open(`ws://127.0.0.2:${wsPort}/chat/${id}`);
    await watcher.frame('connected');
    watcher.close();
    await assert.rejects(Watcher.open(`ws://127.0.0.1:${wsPort}/chat/${id}`), /ECONNREFUSED/);
  } finally {
    await server.close();
  }
});

test('folders and partitions are the configured ones', async () => {
  const at = (name) => join(scratch, 'own', name);
  await withServer({
    'chat_workflows.storage.workflows_path': at('chats'), 'chat_workflows.storage.dumps_path': at('archives'),
    'chat_workflows.storage.sqlite_path': at('db/facts.db'), 'chat_workflows.backup.snapshot_path': at('backups'),
    'file.output_folder': at('results'), 'chat_workflows.partition.subfolder_format': 'y%Y', 'sql.include_transaction': false,
  }, async (server) => {
    const { chat_id: id } = await server.create();
    await server.upload(id, 'a.csv', 'a\n1\n');
    const year = `y${new Date().getUTCFullYear()}`;
    assert.ok(existsSync(join(at('chats'), year, id, 'uploads', 'a.csv')), 'workflows_path, subfolder_format');
    const dump = (await server.call('POST', `/chat/workflows/${id}/dump`)).body.data;
    assert.deepEqual(readdirSync(at('archives')), [dump.dump_file]);
    const backup = (await server.call('POST', '/chat/sqlite/backup')).body.data;
    assert.deepEqual(readdirSync(at('backups')), [backup.backup_file]);
    assert.ok(existsSync(at('db/facts.db')));
    const form = new FormData();
    form.append('file', new Blob(['a\n1\n']), 'a.csv');
    const made = (await server.call('POST', '/sql/generate-to-text', form)).body.data;
    assert.equal(readdirSync(at('results')).length, 1);
    assert.doesNotMatch((await server.download(made.download_url)).toString(), /BEGIN|COMMIT/);
  });
  for (const [settings, pattern] of [
    [{ 'chat_workflows.partition.strategy': 'hash-based' }, (id) => [id.slice(0, 2), id.slice(2, 4), id]],
    [{ 'chat_workflows.partition.strategy': 'folder-based' }, (id) => [id]],
    [{ 'chat_workflows.partition.enabled': false }, (id) => [id]],
  ]) {
    await withServer(settings, async (server) => {
      const { chat_id: id } = await server.create();
      assert.ok(existsSync(join(server.data, 'workflows', ...pattern(id))), JSON.stringify(settings));
    });
  }
});

test('suffixes and workbooks are as configured', async () => {
  await withServer({ 'file.allowed_extensions': '.csv', 'chat_workflows.file.allowed_extensions': '.xlsx',
    'excel.default_sheet_name': 'Tabelle', 'excel.info_sheet_name': 'Über', 'excel.max_column_width': 6 }, async (server) => {
    const post = (path, name, content) => {
      const form = new FormData();
      form.append('file', new Blob([content]), name);
      return server.call('POST', path, form);
    };
    const made = (await post('/excel/extract-columns-to-file', 'a.csv', 'a\nlonger than six\n')).body.data;
    const book = await server.download(made.download_url);
    assert.equal((await post('/excel/info', 'a.xlsx', book)).status, 415);
    const { chat_id: id } = await server.create();
    assert.equal((await server.upload(id, 'a.csv', 'a\n')).status, 415);
    assert.deepEqual((await server.upload(id, 'a.xlsx', book)).body.data.sheets, ['Tabelle', 'Über']);
    const path = join(scratch, 'widths.xlsx');
    writeFileSync(path, book);
    const sheet = execFileSync('unzip', ['-p', path, 'xl/worksheets/sheet1.xml']).toString();
    assert.ok(Number(/<col [^>]*width="([\d.]+)"/.exec(sheet)[1]) < 8, sheet.slice(0, 400));
  });
  await withServer({ 'excel.include_info_sheet': false, 'excel.auto_adjust_columns': false }, async (server) => {
    const form = new FormData();
    form.append('file', new Blob(['a\nlonger than six\n']), 'a.csv');
    const made = (await server.call('POST', '/csv/convert-to-excel', form)).body.data;
    const path = join(scratch, 'plain.xlsx');
    writeFileSync(path, await server.download(made.download_url));
    assert.doesNotMatch(execFileSync('unzip', ['-p', path, 'xl/worksheets/sheet1.xml']).toString(), /<col /);
    assert.doesNotMatch(execFileSync('unzip', ['-p', path, 'xl/workbook.xml']).toString(), /Info/);
  });
});
