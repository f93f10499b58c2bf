// Dumps: each form of archive, and each way to restore one, gives back all of a conversation.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CUSTOMERS, Server } from '../lib/server.mjs';

const FORMS = { gzip: '.tar.gz', zip: '.zip', tar: '.tar' };
const MAGIC = { gzip: (b) => b.readUInt16BE(0) === 0x1f8b, zip: (b) => b.toString('latin1', 0, 4) === 'PK\x03\x04', tar: (b) => b.toString('latin1', 257, 262) === 'ustar' };

const servers = {};
before(async () => {
  for (const form of Object.keys(FORMS)) {
    servers[form] = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_DUMP_COMPRESSION: form } });
  }
});
after(() => Promise.all(Object.values(servers).map((server) => server.close())));

// A conversation with files of each kind, a completed and a failed run, and names that archives must quote.
async function filled(server) {
  const { chat_id: id } = await server.create({ name: 'Kunden "Süd"', metadata: { team: 'sales', n: 1.5 } });
  await server.upload(id, 'customers.csv', CUSTOMERS);
  await server.upload(id, 'größe und mehr.csv', 'a,b\n1,"x\ny"\n');
  const done = await server.execute(id, [
    { operation: 'csv/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }] } },
    { operation: 'csv/convert-to-excel', arguments: {} },
    { operation: 'json/generate', arguments: {} },
  ], { input_file: 'customers.csv' });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  const failed = await server.execute(id, [{ operation: 'excel/map-columns', arguments: { column_mapping: { none: 'x' } } }], { input_file: 'customers.csv' });
  assert.ok(failed.status >= 400);
  return id;
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const leftovers = (server, id) => readdirSync(join(server.data, 'workflows'), { recursive: true }).filter((path) => path.includes(id));

// All that can be asked about a conversation, and its files on disk.
async function stateOf(server, id) {
  const url = `/chat/workflows/${id}`;
  const chat = (await server.call('GET', url)).body.data;
  const runs = (await server.call('GET', `${url}/runs`)).body.data.runs;
  const each = await Promise.all(runs.map(({ run_id: run }) => server.call('GET', `${url}/runs/${run}`)));
  for (const file of [...chat.uploaded_files, ...chat.output_files]) assert.equal(sha256(await server.download(file.download_url)), file.sha256, file.filename);
  const root = join(server.data, 'workflows'), hashes = {};
  for (const path of leftovers(server, id).filter((name) => statSync(join(root, name)).isFile())) {
    hashes[path.split(`${id}/`)[1]] = sha256(readFileSync(join(root, path)));
  }
  const watcher = await server.watch(id, { since: 0 });
  const last = (await watcher.frame('connected')).seq;
  await watcher.frame((f) => f.type !== 'connected' && f.seq === last);
  watcher.close();
  const events = watcher.frames.filter((f) => f.type !== 'connected');
  return { chat, runs, each: each.map(({ body }) => body.data), hashes, events };
}

async function dumpOf(server, id) {
  const reply = await server.call('POST', `/chat/workflows/${id}/dump`);
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return { name: reply.body.data.dump_file, bytes: await server.download(reply.body.data.download_url) };
}

function restore(server, { name, bytes }, mode) {
  const form = new FormData();
  form.append('dump_file', new Blob([bytes]), name);
  if (mode) form.append('mode', mode);
  return server.call('POST', '/chat/workflows/restore', form);
}

for (const form of Object.keys(FORMS)) {
  test(`${form}: dump, delete, restore gives back files, messages, runs and events`, async () => {
    const server = servers[form];
    const id = await filled(server);
    const old = await stateOf(server, id);
    assert.ok(['uploads', 'intermediate', 'outputs'].every((kind) => Object.keys(old.hashes).some((name) => name.startsWith(`${kind}/`))) && old.events.length >= 8 && old.each.length === 2, JSON.stringify([old.hashes, old.events.length, old.each.length]));
    assert.deepEqual(old.each.map(({ status }) => status).toSorted(), ['completed', 'failed']);
    const dump = await dumpOf(server, id);
    assert.ok(dump.name.endsWith(FORMS[form]), dump.name);
    assert.ok(MAGIC[form](dump.bytes));
    assert.equal((await server.call('DELETE', `/chat/workflows/${id}`)).status, 200);
    assert.deepEqual(leftovers(server, id), []);
    assert.equal((await restore(server, dump)).status, 200);
    assert.deepEqual(await stateOf(server, id), old);
    // Numbers of events go on where they were.
    await server.upload(id, 'later.csv', 'a\n1\n');
    const { events } = await stateOf(server, id);
    assert.ok(events.at(-1).seq > old.events.at(-1).seq);
    assert.deepEqual(events.slice(0, old.events.length), old.events);
  });

  test(`${form}: restored where it exists: refuse changes nothing, replace brings the old state, copy makes another`, async () => {
    const server = servers[form];
    const id = await filled(server);
    const dump = await dumpOf(server, id);
    const old = await stateOf(server, id);
    await server.upload(id, 'later.csv', 'a\n1\n');
    await server.call('PATCH', `/chat/workflows/${id}`, { name: 'changed' });
    const changed = await stateOf(server, id);
    assert.notDeepEqual(changed, old);
    for (const mode of [undefined, 'refuse']) {
      const refused = await restore(server, dump, mode);
      assert.equal(refused.status, 409);
      assert.match(refused.body.message, /exists already: restore with mode replace or copy/);
    }
    assert.deepEqual(await stateOf(server, id), changed);

    const copied = await restore(server, dump, 'copy');
    assert.equal(copied.status, 200, JSON.stringify(copied.body));
    const other = copied.body.data.chat_id;
    assert.notEqual(other, id);
    assert.deepEqual(await stateOf(server, id), changed, 'the first one is as it was');
    const copy = await stateOf(server, other);
    const ofPeople = ({ hashes }) => Object.entries(hashes).filter(([name]) => name !== 'metadata.json'); // Which tells the id.
    assert.deepEqual(ofPeople(copy), ofPeople(old));
    assert.equal(copy.chat.messages.length, old.chat.messages.length);
    assert.deepEqual(copy.events.map(({ seq, type }) => [seq, type]), old.events.map(({ seq, type }) => [seq, type]));
    assert.ok(!JSON.stringify(copy).includes(id), 'nothing of it points to the first one');
    const runs = new Set(old.runs.map(({ run_id: run }) => run));
    assert.ok(copy.runs.every(({ run_id: run }) => !runs.has(run)));

    const replaced = await restore(server, dump, 'replace');
    assert.equal(replaced.status, 200, JSON.stringify(replaced.body));
    assert.equal(replaced.body.data.chat_id, id);
    assert.deepEqual(await stateOf(server, id), old);
    assert.ok(!leftovers(server, id).some((path) => path.endsWith('later.csv')));
    assert.deepEqual(await stateOf(server, other), copy, 'the copy is as it was');
  });

  test(`${form}: a dump of one server is restored on another, and a damaged one leaves nothing`, async () => {
    const server = servers[form], target = servers[form === 'tar' ? 'gzip' : 'tar'];
    const id = await filled(server);
    const old = await stateOf(server, id);
    const dump = await dumpOf(server, id);
    const cut = { ...dump, bytes: dump.bytes.subarray(0, Math.floor(dump.bytes.length * 0.6)) };
    const refused = await restore(target, cut);
    assert.ok([415, 422].includes(refused.status), JSON.stringify(refused.body));
    assert.deepEqual(leftovers(target, id), []);
    assert.equal((await target.call('GET', `/chat/workflows/${id}`)).status, 404);
    assert.equal((await restore(target, dump)).status, 200);
    const now = await stateOf(target, id);
    assert.deepEqual(now.hashes, old.hashes);
    assert.deepEqual(readdirSync(join(target.data, 'tmp')), []);
  });
}
