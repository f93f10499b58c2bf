// Every golden case through three doors: the command line, a workflow step, and the operation's own endpoint. The bytes
// that come out are the same, and so is the sentence of a refusal. The clock is pinned, so not even times differ.
//
// DOORS_EVERY=N takes only every Nth case (for slow builds).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { PROGRAM, Server } from '../lib/server.mjs';

const CASES = 'tests/ops';
const CLOCK = { SOURCE_DATE_EPOCH: '1770379200' };
const EVERY = Number(process.env.DOORS_EVERY || 1);
let server;
let scratch;

function listCases() {
  const cases = [];
  for (const folder of readdirSync(CASES).filter((name) => existsSync(join(CASES, name, '.')) && !name.includes('.'))) {
    for (const name of readdirSync(join(CASES, folder))) {
      const dir = join(CASES, folder, name);
      const files = readdirSync(dir);
      const input = files.find((file) => file.startsWith('in.'));
      if (!input) continue;
      const operation = folder.replace('-', '/');
      const args = files.includes('args.json') ? JSON.parse(readFileSync(join(dir, 'args.json'), 'utf8')) : {};
      cases.push({ operation, name, dir, input, args, bind: files.includes('bind.csv') });
    }
  }
  return cases.filter((_, i) => i % EVERY === 0);
}

before(async () => {
  server = await Server.start({ env: CLOCK });
  scratch = mkdtempSync(join(tmpdir(), 'sheetflow-doors-'));
});
after(async () => {
  await server.close();
  rmSync(scratch, { recursive: true, force: true });
});

// Each door answers {bytes} of the file that was made (none for operations without one), or {error}.
async function commandLine(c, index) {
  const dir = join(scratch, `cli-${index}`);
  const steps = JSON.stringify({ steps: [{ operation: c.operation, arguments: c.args }] });
  const inputs = [...(c.bind ? ['--input', join(c.dir, 'bind.csv')] : []), '--input', join(c.dir, c.input)];
  const { code, stdout, stderr } = await new Promise((resolve) => {
    const child = execFile(PROGRAM, ['run', '--steps', '-', ...inputs, '--output', dir, '--json', '--progress', 'none'],
      { env: { ...process.env, ...CLOCK }, maxBuffer: 1 << 28 },
      (error, out, err) => resolve({ code: error ? error.code : 0, stdout: out, stderr: err }));
    child.stdin.end(steps);
  });
  if (code) return { error: stderr.trim().replace(/^sheetflow: /, '') };
  const reply = JSON.parse(stdout);
  const output = reply.results.at(-1).output_file_path;
  return { bytes: output ? readFileSync(existsSync(output) ? output : join(dir, basename(output))) : null };
}

async function workflow(c) {
  const chat = await server.create();
  const url = `/chat/workflows/${chat.chat_id}`;
  if (c.bind) await server.upload(chat.chat_id, 'bind.csv', readFileSync(join(c.dir, 'bind.csv')));
  const upload = await server.upload(chat.chat_id, c.input, readFileSync(join(c.dir, c.input)));
  if (upload.status !== 200) return { error: upload.body.message, upload: true };
  const reply = await server.execute(chat.chat_id, [{ operation: c.operation, arguments: c.args }],
    { input_file: upload.body.data.filename });
  const last = reply.status === 200 ? reply.body.data.results.at(-1) : null;
  const bytes = last?.download_url ? await server.download(last.download_url) : null;
  await server.call('DELETE', url);
  return reply.status === 200 ? { bytes } : { error: reply.body.message };
}

async function endpoint(c) {
  const form = new FormData();
  const args = { ...c.args };
  form.append('file', new Blob([readFileSync(join(c.dir, c.input))]), c.input);
  if (args.bind_file) {
    form.append('bind_file', new Blob([readFileSync(join(c.dir, 'bind.csv'))]), 'bind.csv');
    delete args.bind_file;
  }
  for (const [name, value] of Object.entries(args)) {
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  // A script as a file, where the endpoint would show its statements.
  if (c.operation === 'sql/generate') form.append('return_file', 'true');
  const reply = await server.call('POST', `/${c.operation}`, form);
  if (reply.status >= 300) return { error: reply.body.message };
  const url = reply.body.data.download_url;
  return { bytes: url ? await server.download(url) : null };
}

// "step 1 of 1 (excel/search): " and the names that files have inside are the door's, not the operation's.
const sentence = (text) => text.replace(/^step 1 of 1 \([^)]*\): /, '').replace(/^[a-z-]+\/[a-z-]+: /, '');

// A form turns line ends in a field into CRLF before we see them.
const changedByForms = (c) => Object.values(c.args).some((v) => typeof v === 'string' && v.includes('\n'));
const random = (c) => JSON.stringify(c.args).includes('uuid_generate') && JSON.stringify(c.args).includes('sqlite');

for (const [index, c] of listCases().entries()) {
  test(`${c.operation}: ${c.name}`, async () => {
    const [one, two, three] = await Promise.all([commandLine(c, index), workflow(c), endpoint(c)]);
    if (one.error || two.error || three.error) {
      assert.ok(one.error && two.error && three.error,
        JSON.stringify({ cli: one.error, workflow: two.error, endpoint: three.error }));
      if (!two.upload) assert.equal(sentence(two.error), sentence(one.error));
      assert.equal(sentence(three.error), sentence(one.error));
      return;
    }
    assert.equal(Boolean(two.bytes), Boolean(one.bytes));
    assert.equal(Boolean(three.bytes), Boolean(one.bytes));
    if (!one.bytes || random(c)) return;
    assert.ok(one.bytes.equals(two.bytes), `command line and workflow differ:\n${one.bytes}\n----\n${two.bytes}`);
    if (changedByForms(c)) return;
    assert.ok(one.bytes.equals(three.bytes), `command line and endpoint differ:\n${one.bytes}\n----\n${three.bytes}`);
  });
}
