// The verbs that look after a data folder: dump, restore, verify, backup.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { execFileSync } from 'node:child_process';
import { CUSTOMERS, Server } from '../lib/server.mjs';
import { Scratch } from './cli.mjs';

const steps = [
  { operation: 'csv/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }] } },
  { operation: 'excel/extract-columns-to-file', arguments: { columns: ['id', 'name'] } },
];
let server, id;

// One server for all; a test that changes its data folder takes a copy.
before(async () => {
  server = await Server.start();
  id = (await server.create({ name: 'customers' })).chat_id;
  await server.upload(id, 'customers.csv', CUSTOMERS);
  assert.equal((await server.execute(id, steps)).status, 200);
});
after(() => server.close());

// The data folder as it lies after a server has stopped.
async function stillData(s) {
  await server.stop();
  cpSync(server.data, join(s.dir, 'data'), { recursive: true });
  await server.restart();
  return 'data';
}

function folderOf(s, data) {
  const root = join(s.dir, data, 'workflows');
  const name = readdirSync(root, { recursive: true }).find((path) => path.endsWith(id));
  return join(root, name);
}

test('a dump beside a running server, restored elsewhere, is the same conversation', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['dump', id, '--data', server.data, '--output', 'a.tar.gz', '--json']);
  assert.equal(r.stderr, '');
  assert.equal(r.status, 0);
  const told = JSON.parse(r.stdout);
  assert.equal(told.chat_id, id);
  assert.equal(told.size, readFileSync(join(s.dir, 'a.tar.gz')).length);
  assert.match(told.sha256, /^[0-9a-f]{64}$/);
  const back = await s.run(['restore', 'a.tar.gz', '--data', 'new']);
  assert.equal(back.stderr, '');
  assert.equal(back.stdout, `${id}\n`);
  assert.equal((await s.run(['verify', '--data', 'new'])).status, 0);
  assert.deepEqual(s.list(), ['a.tar.gz', 'new']);

  const other = await Server.start({ data: join(s.dir, 'new') });
  const before = (await server.call('GET', `/chat/workflows/${id}`)).body.data;
  const now = (await other.call('GET', `/chat/workflows/${id}`)).body.data;
  const text = (value) => JSON.stringify(value).replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '');
  await other.close();
  assert.equal(text({ ...now, updated_at: 0 }), text({ ...before, updated_at: 0 }));
});

test('the dump has the place in the folder of dumps that the server gives it', async (t) => {
  const s = new Scratch(t);
  const r = await s.run(['dump', id, '--data', server.data]);
  assert.equal(r.status, 0, r.stderr);
  const name = r.stdout.trim().split('/').pop();
  assert.match(name, new RegExp(`^${id}_\\d{8}_\\d{6}(-\\d+)?\\.tar\\.gz$`));
  assert.ok((await server.download(`/chat/downloads/${name}`)).equals(readFileSync(r.stdout.trim())));
});

for (const [suffix, magic] of [['.zip', 'PK'], ['.tar', id], ['.tgz', '\x1f\x8b']]) {
  test(`the suffix of the output chooses the form: ${suffix}`, async (t) => {
    const s = new Scratch(t);
    const r = await s.run(['dump', id, '--data', server.data, '--output', `x${suffix}`]);
    assert.equal(r.status, 0, r.stderr);
    assert.equal(r.stdout, `x${suffix}\n`);
    const wanted = magic ?? id;
    assert.equal(readFileSync(join(s.dir, `x${suffix}`), 'latin1').slice(0, wanted.length), wanted);
    assert.equal((await s.run(['restore', `x${suffix}`, '--data', 'new'])).stdout, `${id}\n`);
  });
}

test('through a pipe', async (t) => {
  const s = new Scratch(t);
  const dump = await s.run(['dump', id, '--data', server.data, '--output', '-']);
  assert.equal(dump.status, 0, dump.stderr);
  const back = await s.run(['restore', '-', '--data', 'new'], { input: dump.bytes });
  assert.equal(back.stdout, `${id}\n`);
  assert.deepEqual(readdirSync(join(s.dir, 'new', 'tmp')), []);
});

test('restore where the conversation is already: refuse, replace, copy', async (t) => {
  const s = new Scratch(t);
  const data = await stillData(s);
  await s.run(['dump', id, '--data', data, '--output', 'a.zip']);
  const refused = await s.run(['restore', 'a.zip', '--data', data]);
  assert.equal(refused.status, 75);
  assert.match(refused.stderr, /exists already: restore with mode replace or copy/);
  assert.equal((await s.run(['restore', 'a.zip', '--data', data, '--mode', 'replace'])).stdout, `${id}\n`);
  const copy = JSON.parse((await s.run(['restore', 'a.zip', '--data', data, '--mode', 'copy', '--json'])).stdout);
  assert.match(copy.chat_id, /^[0-9a-f-]{36}$/);
  assert.notEqual(copy.chat_id, id);
  assert.match((await s.run(['verify', '--data', data])).stdout, /^2 conversations, 6 files, .* all is well$/m);
});

test('a backup beside a running server is a whole database', async (t) => {
  const s = new Scratch(t);
  const own = await s.run(['backup', '--data', server.data]);
  assert.equal(own.status, 0, own.stderr);
  assert.match(own.stdout, /sqlite\/snapshots\/chat_backup_\d{8}_\d{6}(-\d+)?\.db\n$/);
  const r = await s.run(['backup', '--data', server.data, '--output', 'b.db', '--json']);
  assert.equal(r.status, 0, r.stderr);
  assert.equal(JSON.parse(r.stdout).integrity, 'ok');
  assert.deepEqual(s.list(), ['b.db']);
  const data = await stillData(s);
  cpSync(join(s.dir, 'b.db'), join(s.dir, data, 'sqlite', 'chat.db'));
  assert.equal((await s.run(['verify', '--data', data])).status, 0);
});

test('what needs the folder for itself says so while a server runs', async (t) => {
  const s = new Scratch(t);
  await s.run(['dump', id, '--data', server.data, '--output', 'a.zip']);
  const verify = await s.run(['verify', '--data', server.data]);
  assert.equal(verify.status, 75);
  assert.match(verify.stderr, /a running Sheetflow is using this data folder, and files come and go; stop it first/);
  const restore = await s.run(['restore', 'a.zip', '--data', server.data, '--mode', 'copy']);
  assert.equal(restore.status, 75);
  assert.match(restore.stderr, /stop it first, or let it do the work: POST \/api\/v1\/chat\/workflows\/restore/);
});

// Each changes one thing in a folder that was well: [what, change, what verify says].
const faults = [
  ['a file is gone', (f) => unlinkSync(join(f, 'uploads/customers.csv')), /^[0-9a-f-]{36}\/uploads\/customers\.csv: the file is missing$/m],
  ['a byte has changed', (f) => {
    const path = join(f, 'uploads/customers.csv');
    const bytes = readFileSync(path);
    bytes[20] ^= 1;
    writeFileSync(path, bytes);
  }, /uploads\/customers\.csv: the file's content is not the one that was stored \(SHA-256 differs\)$/m],
  ['a file has grown', (f) => writeFileSync(join(f, 'uploads/customers.csv'), 'x', { flag: 'a' }),
    /uploads\/customers\.csv: the file has \d+ bytes; it was stored with \d+$/m],
  ['a file without a row', (f) => writeFileSync(join(f, 'outputs/stray.csv'), 'a\n'),
    /outputs\/stray\.csv: a file that the database does not know$/m],
  ['a folder is gone', (f) => rmSync(f, { recursive: true }), /^[0-9a-f-]{36}: the conversation's folder is missing$/m],
  ['a folder without a conversation', (f) => cpSync(f, f.replace(id, '11111111-2222-4333-8444-555555555555'), { recursive: true }),
    /11111111-2222-4333-8444-555555555555: a folder of a conversation that the database does not know$/m],
  ['a folder is in another place', (f) => {
    cpSync(f, join(f, '../../elsewhere', id), { recursive: true });
  }, /elsewhere\/[0-9a-f-]{36}: this folder is not where its conversation lies$/m],
];

test('verify finds', async (t) => {
  const s = new Scratch(t);
  const data = await stillData(s);
  renameSync(join(s.dir, data), join(s.dir, 'well'));
  for (const [label, change, text] of faults) {
    await t.test(label, async () => {
      rmSync(join(s.dir, data), { recursive: true, force: true });
      cpSync(join(s.dir, 'well'), join(s.dir, data), { recursive: true });
      change(folderOf(s, data));
      const r = await s.run(['verify', '--data', data]);
      assert.match(r.stdout, text);
      assert.match(r.stdout, /: 1 fault$/m);
      assert.equal(r.status, 65);
      const told = JSON.parse((await s.run(['verify', '--data', data, '--json'])).stdout);
      assert.equal(told.ok, false);
      assert.equal(told.findings.length, 1);
    });
  }
});

test('verify: leftovers of a crash are no faults', async (t) => {
  const s = new Scratch(t);
  const data = await stillData(s);
  writeFileSync(join(s.dir, data, 'tmp', 'x.tmp'), 'x');
  const r = await s.run(['verify', '--data', data]);
  assert.match(r.stdout, /^tmp\/x\.tmp: a temporary file \(left by a crash; the next start removes it\)$/m);
  assert.equal(r.status, 0);
});

test('verify looks into dumps and databases', async (t) => {
  const s = new Scratch(t);
  const data = await stillData(s);
  const path = (await s.run(['dump', id, '--data', data])).stdout.trim();
  const well = await s.run(['verify', '--data', data, '--dumps']);
  assert.match(well.stdout, /\d+ dumps?, .*all is well/);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 0x10;
  writeFileSync(path, bytes);
  const damaged = await s.run(['verify', '--data', data, '--dumps']);
  assert.equal(damaged.status, 65);
  assert.match(damaged.stdout, new RegExp(`^dumps/${path.split('/').pop()}: `, 'm'));
  assert.equal((await s.run(['verify', '--data', data])).status, 0);

  const database = join(s.dir, data, 'sqlite', 'chat.db');
  const pages = readFileSync(database);
  pages.fill(0xff, 3 * 4096 + 8, 5 * 4096);
  writeFileSync(database, pages);
  const broken = await s.run(['verify', '--data', data]);
  assert.equal(broken.status, 65);
  assert.match(broken.stdout, /^the database: /m);
});

test('a restore that finds a changed archive leaves nothing', async (t) => {
  const s = new Scratch(t);
  await s.run(['dump', id, '--data', server.data, '--output', 'a.tar']);
  const bytes = readFileSync(join(s.dir, 'a.tar'));
  bytes[bytes.indexOf('ada lovelace')] = 0x41;
  writeFileSync(join(s.dir, 'a.tar'), bytes);
  const r = await s.run(['restore', 'a.tar', '--data', 'new']);
  assert.equal(r.status, 65);
  assert.match(r.stderr, /is not what the manifest says: the archive has been changed/);
  assert.deepEqual(readdirSync(join(s.dir, 'new', 'tmp')), []);
  assert.match((await s.run(['verify', '--data', 'new'])).stdout, /^0 conversations/);
});

const refusals = [
  ['a dump of a conversation that is not there', ['dump', '11111111-2222-4333-8444-555555555555'], 66, /there is no conversation 11111111/],
  ['a dump of what is no id', ['dump', '../../etc'], 66, /there is no conversation/],
  ['a dump under a name of no form', ['dump', 'x', '--output', 'a.rar'], 2, /'a\.rar': the name of a dump ends in \.tar\.gz, \.tgz, \.zip or \.tar/],
  ['a dump into no folder', ['dump', null, '--output', 'no/such/a.zip'], 73, /the folder 'no\/such' does not exist/],
  ['a dump and its facts on one stdout', ['dump', null, '--output', '-', '--json'], 2, /both go to standard output/],
  ['a restore from nothing', ['restore', 'none.zip'], 66, /there is no file 'none\.zip'/],
  ['a restore from a folder', ['restore', '.'], 66, /'\.' is a folder; a dump is one file/],
  ['a restore in no mode', ['restore', 'a.zip', '--mode', 'merge'], 2, /--mode: 'merge' is not one of refuse, replace, copy/],
];
for (const [label, args, status, text] of refusals) {
  test(`refused: ${label}`, async (t) => {
    const s = new Scratch(t);
    const r = await s.run([...args.map((arg) => arg ?? id), '--data', server.data]);
    assert.match(r.stderr, text);
    assert.equal(r.status, status);
    assert.deepEqual(s.list(), []);
  });
}

test('refused: what is no data folder is not made one', async (t) => {
  const s = new Scratch(t);
  mkdirSync(join(s.dir, 'empty'));
  for (const args of [['dump', id], ['verify'], ['backup']]) {
    const absent = await s.run([...args, '--data', 'absent']);
    assert.equal(absent.status, 66);
    assert.match(absent.stderr, /there is no data folder 'absent'; say where with --data/);
    const empty = await s.run([...args, '--data', 'empty']);
    assert.equal(empty.status, 66);
    assert.match(empty.stderr, /'empty' is no data folder: there is no database in it/);
  }
  assert.deepEqual(s.list(), ['empty']);
  assert.deepEqual(s.list('empty'), []);
});

test('refused: a restore of what is no archive', async (t) => {
  const s = new Scratch(t);
  s.write('a.zip', 'id,name\n1,x\n');
  const r = await s.run(['restore', 'a.zip', '--data', 'new']);
  assert.equal(r.status, 65);
  assert.match(r.stderr, /archive/);
});

test('refused: a data folder of another user', { skip: process.getuid() !== 0 && 'needs root' }, async (t) => {
  const s = new Scratch(t);
  await stillData(s);
  execFileSync('chown', ['-R', 'nobody', join(s.dir, 'data')]);
  chmodSync(s.dir, 0o755);
  const r = await s.run(['verify', '--data', 'data']);
  assert.equal(r.status, 2);
  assert.match(r.stderr, /the data folder 'data' belongs to the user nobody; run this as that user/);
});
