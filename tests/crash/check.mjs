// The promises of docs/reliability.md as checks of a data folder that no server is working on.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { sha256 } from './story.mjs';

const TABLES = {
  conversations: 'key, id, name, status, partition, last_seq',
  messages: 'conversation, type, metadata',
  runs: 'key, conversation, id, status, created_ns, attempt',
  steps: 'run, id, place, operation, status, input_file, output_file, rows_in, rows_out',
  files: 'conversation, name, kind, format, size, sha256, run',
  events: 'conversation, seq, type, topic, body',
  replies: 'scope, key, status',
};
const RUN_ENDS = { completed: 'workflow_completed', failed: 'workflow_failed', cancelled: 'workflow_cancelled' };
const UNFINISHED = ['pending', 'running'];

const scratch = (name) => mkdtempSync(join(process.env.CRASH_TMP || tmpdir(), `sheetflow-crash-${name}-`));
export { scratch };

// Rows of a copy of the database, so that looking leaves no trace; null where there is no database yet.
export function readRows(data) {
  const from = join(data, 'sqlite');
  if (!existsSync(join(from, 'chat.db'))) return null;
  const copy = scratch('rows');
  try {
    for (const name of ['chat.db', 'chat.db-wal', 'chat.db-journal'])
      if (existsSync(join(from, name))) cpSync(join(from, name), join(copy, name));
    const sql = ["SELECT (SELECT group_concat(integrity_check, '; ') FROM pragma_integrity_check);",
      'SELECT count(*) FROM pragma_foreign_key_check;', "SELECT count(*) FROM sqlite_schema WHERE name = 'replies';"];
    const file = join(copy, 'chat.db');
    const out = execFileSync('sqlite3', [file, sql.join('')], { encoding: 'utf8' }).trim().split('\n');
    const rows = { integrity: out[0], foreign: Number(out[1]), whole: out[2] === '1' };
    if (!rows.whole) return rows;
    const select = Object.entries(TABLES).map(([table, columns]) => {
      const pairs = columns.split(', ').map((c) => `'${c}', ${c}`).join(', ');
      const order = table === 'replies' ? 'scope, key' : 'key';
      return `SELECT json_group_array(json_object(${pairs})) FROM (SELECT * FROM ${table} ORDER BY ${order});`;
    });
    const lines = execFileSync('sqlite3', [file, select.join('')], { encoding: 'utf8', maxBuffer: 1 << 28 })
      .trim().split('\n');
    Object.keys(TABLES).forEach((table, i) => { rows[table] = JSON.parse(lines[i]); });
    return rows;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

export function filesBelow(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

// ---- what holds at any moment, also in what a crash has left ----

function checkDatabase(rows, wrong) {
  if (rows.integrity !== 'ok') wrong(`integrity_check: ${rows.integrity}`);
  if (rows.foreign !== 0) wrong(`foreign_key_check: ${rows.foreign} rows`);
}

function checkEvents(rows, wrong) {
  for (const c of rows.conversations) {
    const own = rows.events.filter((e) => e.conversation === c.key);
    own.forEach((e, i) => {
      if (e.seq !== i + 1) wrong(`events of ${c.name}: number ${e.seq} in place ${i + 1}`);
    });
    if (c.last_seq !== own.length) wrong(`events of ${c.name}: last_seq ${c.last_seq}, but ${own.length} events`);
  }
}

function checkRuns(rows, wrong) {
  const bodies = rows.events.map((e) => ({ type: e.type, body: JSON.parse(e.body) }));
  const count = (type, member, id) => bodies.filter((e) => e.type === type && e.body[member] === id).length;
  for (const run of rows.runs) {
    const steps = rows.steps.filter((s) => s.run === run.key);
    const completed = steps.filter((s) => s.status === 'completed');
    if (run.status === 'completed' && completed.length !== steps.length)
      wrong(`run ${run.id} is completed with steps ${steps.map((s) => s.status)}`);
    if (!UNFINISHED.includes(run.status) && steps.some((s) => UNFINISHED.includes(s.status)))
      wrong(`run ${run.id} is ${run.status} with steps ${steps.map((s) => s.status)}`);
    for (const [status, type] of Object.entries(RUN_ENDS)) {
      const n = count(type, 'run_id', run.id);
      if (n !== (run.status === status ? 1 : 0)) wrong(`run ${run.id} is ${run.status}, with ${n} events ${type}`);
    }
  }
  for (const step of rows.steps) {
    const n = count('step_completed', 'step_id', step.id);
    if (n !== (step.status === 'completed' ? 1 : 0))
      wrong(`step ${step.operation} is ${step.status}, with ${n} events step_completed`);
    const told = rows.messages.filter((m) => m.type === 'step_result' && JSON.parse(m.metadata).step_id === step.id);
    if (told.length !== n) wrong(`step ${step.operation} has ${told.length} messages`);
  }
  for (const file of rows.files.filter((f) => f.kind === 'uploads')) {
    const told = rows.messages.filter((m) => m.type === 'file_upload' && m.conversation === file.conversation &&
      JSON.parse(m.metadata).filename === file.name);
    if (told.length !== 1) wrong(`upload ${file.name} has ${told.length} messages`);
  }
}

const fileOf = (c, f) => join('workflows', c.partition, c.id, f.kind, f.name);

function conversationOf(rows, story, act) {
  const found = rows.conversations.filter((c) => c.name === story.id(act));
  return { c: found[0], n: found.length };
}

// A file is there before its row and goes after it.
function checkRowsHaveFiles(data, rows, wrong) {
  for (const f of rows.files) {
    const c = rows.conversations.find((one) => one.key === f.conversation);
    if (!existsSync(join(data, fileOf(c, f)))) wrong(`${c.name}: ${f.kind}/${f.name} has a row, but no file`);
  }
}

// Everything that a client saw acknowledged is there, and nothing twice.
function checkStory(data, rows, story, golden, wrong) {
  const { acks, sent } = story;
  for (const act of ['create', 'create2']) {
    const { c, n } = conversationOf(rows, story, act);
    if (n > 1) wrong(`${story.id(act)}: ${n} conversations`);
    const gone = act === 'create2' && sent.remove;
    if (acks[act] && !gone && c?.id !== acks[act].id) wrong(`${story.id(act)}: acknowledged, but lost`);
    if (act === 'create2' && acks.remove && n > 0) wrong(`${story.id('remove')}: acknowledged, but still there`);
    if (!c) continue;
    const uploads = rows.files.filter((f) => f.conversation === c.key && f.kind === 'uploads');
    if (uploads.length > 1) wrong(`${story.id(act)}: ${uploads.length} uploads`);
    if (acks[act === 'create' ? 'upload' : 'upload2'] && uploads.length !== 1)
      wrong(`${story.id(act)}: the upload was acknowledged, but is lost`);
    for (const f of uploads) {
      if (f.sha256 !== sha256(story.csv)) wrong(`${story.id(act)}: an upload with another sha256`);
    }
  }
  const { c } = conversationOf(rows, story, 'create');
  if (!c) return;
  const runs = rows.runs.filter((r) => r.conversation === c.key);
  // A run that failed for a reason of ours is told so, and the key may be used for another one.
  const most = ['execute', 'async', 'late'].reduce((n, act) => n + (sent[act] ? 1 + (story.refused[act] || 0) : 0), 0);
  if (runs.length > most) wrong(`${story.name}: ${runs.length} runs of at most ${most}: done twice`);
  for (const act of ['execute', 'async', 'late']) {
    const run = runs.find((r) => r.id === acks[act]?.id);
    if (acks[act] && !run) wrong(`${story.id(act)}: acknowledged, but lost`);
    if (act === 'execute' && run && run.status !== 'completed') wrong(`${story.id(act)}: acknowledged, now ${run.status}`);
    if (act === 'late' && acks.cancel?.id === 200 && run?.status !== 'cancelled')
      wrong(`${story.id('cancel')}: acknowledged, now ${run?.status}`);
  }
  if (acks.wait && runs.find((r) => r.id === acks.async.id)?.status !== acks.wait.id)
    wrong(`${story.id('wait')}: was ${acks.wait.id}, now another`);
  for (const run of runs) checkOutputs(rows, run, golden, wrong);
  const dumps = existsSync(join(data, 'dumps')) ? readdirSync(join(data, 'dumps')).filter((name) => name.startsWith(c.id) && !name.endsWith('.tmp')) : [];
  if (dumps.length > (sent.dump ? 1 + (story.refused.dump || 0) : 0)) wrong(`${story.id('dump')}: ${dumps.length} dumps: done twice`);
  if (acks.dump) checkArchive(join(data, 'dumps', acks.dump.id), acks.dump.sha256, wrong);
  if (acks.backup && !existsSync(join(data, 'sqlite/snapshots', acks.backup.id)))
    wrong(`${story.id('backup')}: acknowledged, but lost`);
  if (acks.operate) {
    const name = basename(acks.operate.id);
    const path = join(data, 'results', name.slice(0, 32), decodeURIComponent(name.slice(33)));
    if (!existsSync(path)) wrong(`${story.id('operate')}: acknowledged, but its file is lost`);
    else if (golden.result && sha256(readFileSync(path)) !== golden.result) wrong(`${story.id('operate')}: other bytes`);
  }
}

function checkArchive(path, sum, wrong) {
  if (!existsSync(path)) wrong(`${basename(path)}: acknowledged, but lost`);
  else if (sha256(readFileSync(path)) !== sum) wrong(`${basename(path)}: other bytes than acknowledged`);
}

// Files of a run: one a finished step, with the bytes that a run without a crash writes.
function checkOutputs(rows, run, golden, wrong) {
  const steps = rows.steps.filter((s) => s.run === run.key);
  for (const step of steps.filter((s) => s.status === 'completed')) {
    const want = golden.steps?.[step.place];
    const name = step.output_file && basename(step.output_file);
    const file = rows.files.find((f) => f.run === run.key && f.name === name);
    if (want === undefined) continue;
    if (want.sha256 && file?.sha256 !== want.sha256)
      wrong(`step ${step.operation}: ${file ? 'other bytes than without a crash' : 'its file has no row'}`);
    if (step.rows_in !== want.rows_in || step.rows_out !== want.rows_out)
      wrong(`step ${step.operation}: ${step.rows_in} rows in, ${step.rows_out} out`);
  }
  const made = rows.files.filter((f) => f.run === run.key).length;
  const told = steps.filter((s) => s.output_file).length;
  if (made !== told) wrong(`run ${run.id}: ${made} files, of which steps tell ${told}`);
}

// ---- what holds once a server has started and ended its runs ----

function checkFolder(data, rows, wrong) {
  const known = new Set();
  for (const f of rows.files) {
    const c = rows.conversations.find((one) => one.key === f.conversation);
    const path = fileOf(c, f);
    known.add(path);
    if (!existsSync(join(data, path))) {
      wrong(`${c.name}: ${f.kind}/${f.name} has a row, but no file`);
      continue;
    }
    const bytes = readFileSync(join(data, path));
    if (bytes.length !== f.size || sha256(bytes) !== f.sha256)
      wrong(`${c.name}: ${f.kind}/${f.name} has other bytes than its row says`);
  }
  for (const path of filesBelow(data)) {
    const name = basename(path);
    if (name.endsWith('.tmp') || path.startsWith('tmp/')) wrong(`${path} is a temporary file`);
    else if (path.startsWith('workflows/') && !['metadata.json', '.store'].includes(name) && !known.has(path))
      wrong(`${path} has no row`);
  }
  const ids = new Set(rows.conversations.map((c) => join('workflows', c.partition, c.id)));
  for (const entry of readdirSync(join(data, 'workflows'), { recursive: true })) {
    const path = join('workflows', entry);
    if (/\/[0-9a-f-]{36}$/.test(path) && !ids.has(path)) wrong(`${path} is a folder of no conversation`);
  }
  if (readdirSync(join(data, 'results')).some((name) => name.startsWith('.'))) wrong('an unfinished result is left');
}

export function checkCrashed(data, stories, golden, wrong) {
  const rows = readRows(data);
  if (!rows) {
    if (stories.some((story) => Object.keys(story.acks).length)) wrong('there is no database');
    return;
  }
  checkDatabase(rows, wrong);
  if (!rows.whole) return;
  checkEvents(rows, wrong);
  checkRuns(rows, wrong);
  checkRowsHaveFiles(data, rows, wrong);
  for (const story of stories) checkStory(data, rows, story, golden, wrong);
}

// idle: no run is under way.
export function checkRecovered(data, stories, golden, wrong) {
  const rows = readRows(data);
  if (!rows?.whole) {
    wrong('there is no whole database after a start');
    return;
  }
  checkDatabase(rows, wrong);
  checkEvents(rows, wrong);
  checkRuns(rows, wrong);
  for (const run of rows.runs) {
    if (UNFINISHED.includes(run.status)) wrong(`run ${run.id} is still ${run.status}`);
    if (run.status === 'failed' && !golden.mayFail) wrong(`run ${run.id} has failed`);
  }
  checkFolder(data, rows, wrong);
  for (const story of stories) checkStory(data, rows, story, golden, wrong);
}

// All that a start may not change.
export function snapshot(data) {
  const rows = readRows(data);
  const files = filesBelow(data).filter((path) => !/^sqlite\/chat\.db|\.lock$/.test(path))
    .map((path) => `${path} ${statSync(join(data, path)).size} ${statSync(join(data, path)).mtimeMs}`);
  return JSON.stringify({ rows, files });
}

// The files of a run without a crash, by step; and the result of the operation without a conversation.
export function makeGolden(data, story) {
  const rows = readRows(data);
  const run = rows.runs.find((r) => r.id === story.acks.execute.id);
  const steps = rows.steps.filter((s) => s.run === run.key).map((s) => ({
    rows_in: s.rows_in,
    rows_out: s.rows_out,
    sha256: rows.files.find((f) => f.run === run.key && f.name === basename(s.output_file || ''))?.sha256,
  }));
  return { steps, outcome: story.acks.execute.outcome, result: story.acks.result?.id };
}
