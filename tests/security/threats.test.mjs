// Threats that need the whole server to be seen; docs/security.md has the list of all, with the tests of the others.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sheetXml, tar, workbook } from '../lib/archives.mjs';
import { CUSTOMERS, Server } from '../lib/server.mjs';

let server;
let chat;
before(async () => {
  server = await Server.start();
  chat = await server.create();
  await server.upload(chat.chat_id, 'customers.csv', CUSTOMERS);
});
after(() => server.close());

const everything = () => readdirSync(server.data, { recursive: true }).filter((path) => statSync(join(server.data, path)).isFile());
const alive = async () => assert.equal((await server.call('GET', '/health')).status, 200);
const search = (condition) => server.execute(chat.chat_id, [{ operation: 'csv/search', arguments: { conditions: [condition] } }], { input_file: 'customers.csv' });

test('names of uploads stay names', async (t) => {
  const names = ['../../evil.csv', '..\\..\\evil.csv', '/etc/evil.csv', 'C:\\Windows\\evil.csv', '....//evil.csv', '.evil.csv', '..csv', 'a\0b.csv', 'a/b/evil.csv',
    '%2e%2e%2fevil.csv', 'evil\r\nX-A: b.csv', 'CON.csv', '\u202evsc.live.csv', `${'x'.repeat(300)}.csv`, `${'ä'.repeat(150)}.csv`, '<img src=x onerror=alert(1)>.csv', "'; DROP TABLE files; --.csv"];
  for (const name of names) {
    await t.test(JSON.stringify(name).slice(0, 60), async () => {
      const own = await server.create();
      const body = Buffer.concat([Buffer.from(`--x\r\nContent-Disposition: form-data; name="file"; filename="${name.replace(/[\r\n"]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)}"\r\n\r\n`), Buffer.from('a,b\n1,2\n\r\n--x--\r\n')]);
      const reply = await fetch(`${server.base}/chat/workflows/${own.chat_id}/upload`, { method: 'POST', body, headers: { 'content-type': 'multipart/form-data; boundary=x' } });
      const { data } = await reply.json();
      if (reply.status === 200) {
        assert.ok(!/[/\\\0\r\n]/.test(data.filename) && !data.filename.startsWith('.'), data.filename);
        assert.ok(Buffer.byteLength(data.filename) <= 255);
        const run = await server.execute(own.chat_id, [{ operation: 'csv/search', arguments: { conditions: [{ column: 'a', operator: 'equals', value: 1 }] } }]);
        assert.equal(run.status, 200, JSON.stringify(run.body));
        const file = await fetch(run.body.data.results[0].download_url);
        assert.equal(await file.text(), 'a,b\n1,2\n');
        assert.match(file.headers.get('content-disposition'), /^attachment/);
        assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
      } else {
        assert.ok([400, 415, 422].includes(reply.status), String(reply.status));
      }
      assert.ok(everything().every((path) => path.startsWith('workflows') || !path.includes('evil')));
      assert.ok(!existsSync('/etc/evil.csv') && !existsSync(join(server.data, '../evil.csv')));
    });
  }
});

test('paths of downloads lead nowhere else', async () => {
  for (const path of ['..%2f..%2fsqlite%2fchat.db', '%2e%2e/%2e%2e/sqlite/chat.db', '..%5c..%5csqlite%5cchat.db', '%00', 'customers.csv%00.txt', '/etc/passwd', 'customers.csv/', '.', '..']) {
    for (const folder of [`chat/workflows/${chat.chat_id}/files`, 'chat/downloads', 'files/downloads', 'docs']) {
      const reply = await fetch(`${server.base}/${folder}/${path}`, { redirect: 'manual' });
      const text = await reply.text();
      assert.ok(!/SQLite format|root:/.test(text));
      assert.ok(reply.status >= 400 || text.startsWith('id,name') || text.startsWith('<!') || folder === 'docs' || path === '.' || path === '..', `${folder}/${path}: ${reply.status}`);
    }
  }
  const named = await server.execute(chat.chat_id, [{ operation: 'csv/search', arguments: { output_filename: '../../evil', conditions: [] } }]);
  assert.equal(named.status, 422);
  for (const input of ['../../sqlite/chat.db', '/etc/passwd', '..']) {
    assert.equal((await server.execute(chat.chat_id, [{ operation: 'json/generate', arguments: {} }], { input_file: input })).status, 422);
  }
});

test('bombs are refused, and the server goes on', async (t) => {
  const cell = '<c t="inlineStr"><is><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></is></c>';
  const lol = '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>';
  const xxe = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>';
  const entity = (name) => `<row r="1"><c r="A1" t="inlineStr"><is><t>&${name};</t></is></c></row>`;
  const bombs = [
    ['a sheet of 200 MB in 1 MB', workbook(sheetXml(`<row>${cell}</row>`.repeat(2000) + ' '.repeat(2e8)))],
    ['entities that grow', workbook(sheetXml(entity('c'), lol))],
    ['an entity of a file', workbook(sheetXml(entity('e'), xxe))],
    ['an entity in the workbook', workbook(sheetXml(''), { 'xl/workbook.xml': `${xxe}<workbook/>` })],
    ['an entity in the types', workbook(sheetXml(''), { '[Content_Types].xml': `${lol}<Types/>` })],
    ['nesting', workbook(sheetXml('<a>'.repeat(200000)))],
    ['60,000 parts', workbook(sheetXml(''), Object.fromEntries(Array.from({ length: 60000 }, (_, i) => [`x/${i}`, ''])))],
  ];
  for (const [name, bytes] of bombs) {
    await t.test(name, async () => {
      const own = await server.create();
      const reply = await server.upload(own.chat_id, 'book.xlsx', bytes);
      let { status } = reply;
      if (status === 200) status = (await server.execute(own.chat_id, [{ operation: 'excel/convert-to-csv', arguments: {} }])).status;
      assert.ok([413, 415, 422].includes(status), `${status} ${JSON.stringify(reply.body).slice(0, 300)}`);
      assert.ok(!JSON.stringify(reply.body).includes('root:'));
      await alive();
    });
  }
});

test('a regular expression that runs away ends', async () => {
  const own = await server.create();
  await server.upload(own.chat_id, 'a.csv', `a\n${'a'.repeat(5000)}!\n`);
  const begun = performance.now();
  for (const pattern of ['^(a+)+$', '(a|a)*b', '^(([a-z])+.)+[A-Z]([a-z])+$', '(?:(?:a*)*)*b']) {
    const reply = await server.execute(own.chat_id, [{ operation: 'csv/search', arguments: { conditions: [{ column: 'a', operator: 'regex', value: pattern }] } }]);
    assert.ok([200, 422].includes(reply.status), `${pattern}: ${JSON.stringify(reply.body).slice(0, 300)}`);
  }
  assert.ok(performance.now() - begun < 30000);
  assert.equal((await search({ column: 'name', operator: 'regex', value: '('.repeat(5000) })).status, 422);
  await alive();
});

test('SQL in values, names and ids is text', async () => {
  const evil = "x'; DROP TABLE conversation; --";
  const before = (await server.call('GET', '/chat/workflows')).body.total;
  const own = await server.create({ name: evil });
  assert.equal((await server.call('GET', `/chat/workflows/${own.chat_id}`)).body.data.name, evil);
  for (const path of [`/chat/workflows/${encodeURIComponent(evil)}`, `/chat/workflows/${own.chat_id}'--`, `/chat/workflows?status=${encodeURIComponent(evil)}`,
    `/chat/workflows/${own.chat_id}/runs/1%20OR%201=1`, `/chat/workflows/${own.chat_id}/files/${encodeURIComponent(evil)}`]) {
    assert.ok((await server.call('GET', path)).status < 500);
  }
  assert.equal((await server.call('GET', '/chat/workflows')).body.total, before + 1);
});

// The scripts themselves are loaded into databases by tests/sql; here the way from a cell to a file.
test('cells that a spreadsheet would run as formulas are made harmless where that is asked for, and stay text in workbooks', async () => {
  const own = await server.create();
  const cells = ['=cmd|\' /C calc\'!A0', '+1+1', '-1+1', '@SUM(A1)', '\t=1', '=HYPERLINK("http://evil.example")'];
  await server.upload(own.chat_id, 'a.csv', `a\n${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join('\n')}\n`);
  const book = await server.execute(own.chat_id, [{ operation: 'csv/convert-to-excel', arguments: {} }]);
  assert.equal(book.status, 200, JSON.stringify(book.body));
  const bytes = await server.download(book.body.data.results[0].download_url);
  const back = await server.create();
  await server.upload(back.chat_id, 'b.xlsx', bytes);
  const excel = await server.execute(back.chat_id, [{ operation: 'excel/convert-to-csv', arguments: { csv_dialect: 'excel' } }]);
  assert.equal(excel.status, 200, JSON.stringify(excel.body));
  const text = String(await server.download(excel.body.data.results[0].download_url));
  for (const line of text.replace(/^\ufeff/, '').split('\r\n').slice(1)) assert.doesNotMatch(line, /^"?[=+@\t]/);
});

test('dumps that are attacks restore nothing', async (t) => {
  const id = '11111111-2222-4333-8444-555555555555';
  const archives = [
    ['a way up', [{ name: `${id}/../../evil`, content: 'x' }]],
    ['an absolute path', [{ name: '/tmp/sheetflow-evil', content: 'x' }]],
    ['a link', [{ name: `${id}/uploads/a.csv`, type: '2', link: '/etc/passwd' }]],
    ['a hard link', [{ name: `${id}/uploads/a.csv`, type: '1', link: '/etc/passwd' }]],
    ['a device', [{ name: `${id}/uploads/a.csv`, type: '3' }]],
    ['a pipe', [{ name: `${id}/uploads/a.csv`, type: '6' }]],
    ['a folder that is a link', [{ name: `${id}/uploads`, type: '2', link: '/tmp' }, { name: `${id}/uploads/sheetflow-evil`, content: 'x' }]],
  ];
  for (const [name, entries] of archives) {
    await t.test(name, async () => {
      const earlier = everything();
      const form = new FormData();
      form.append('file', new Blob([tar(entries)]), 'dump.tar');
      const reply = await server.call('POST', '/chat/workflows/restore', form);
      assert.equal(reply.status, 422, JSON.stringify(reply.body));
      assert.deepEqual(everything(), earlier);
      assert.ok(!existsSync('/tmp/sheetflow-evil') && !existsSync(join(server.data, '../evil')));
    });
  }
});

test('a page elsewhere changes nothing, with or without an Origin', async () => {
  const post = async (headers) => (await server.call('POST', '/chat/workflows', {}, headers)).status;
  assert.equal(await post({ origin: 'http://evil.example' }), 403);
  assert.equal(await post({ origin: 'null' }), 403);
  assert.equal(await post({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await post({ 'sec-fetch-site': 'same-origin' }), 201);
  assert.equal(await post({ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:3000' }), 201);
  assert.equal((await server.call('DELETE', `/chat/workflows/${chat.chat_id}`, undefined, { 'sec-fetch-site': 'cross-site' })).status, 403);
  assert.equal((await server.call('GET', '/health', undefined, { 'sec-fetch-site': 'cross-site' })).status, 200);
});
