// What one client wants done, told again after every crash until all of it is acknowledged.
//
// Each request has a key of its own (Idempotency-Key) and is sent again with it when no answer came. What was
// acknowledged is remembered in `acks`; what was sent and may or may not have happened in `sent`.
import { createHash } from 'node:crypto';
import { Gone, pause } from './server.mjs';

const BUSY_MS = 5;

export function people(rows) {
  const lines = ['id,name,city,amount'];
  const cities = ['London', 'Dublin', 'Malmö', 'Paris', '東京'];
  for (let i = 0; i < rows; i++) lines.push(`${i},"name, ${i % 97}",${cities[i % 5]},${(i * 7) % 1000}.25`);
  return `${lines.join('\n')}\n`;
}

// Names and kinds of a value's members, as text.
function shape(value) {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].join('|')}]`;
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return `{${Object.keys(value).sort().map((key) => `${key}:${shape(value[key])}`).join(',')}}`;
}

function difference(want, got) {
  let i = 0;
  while (i < want.length && want[i] === got[i]) i++;
  return `${want.slice(Math.max(0, i - 30), i + 50)} is now ${got.slice(Math.max(0, i - 30), i + 50)}`;
}

const SEARCH = {
  operation: 'csv/search',
  arguments: { conditions: [{ column: 'amount', operator: 'greater_than', value: 300 }] },
};
export const STEPS = [
  SEARCH,
  {
    operation: 'excel/map-columns',
    arguments: { mapping: { Person: 'name', Town: 'city', Sum: 'amount' }, output_format: 'csv' },
  },
  { operation: 'json/generate', arguments: {} },
  {
    operation: 'excel/extract-columns-to-file',
    arguments: { columns: ['Town'], remove_duplicates: true, output_format: 'csv' },
  },
];

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// An answer that is an error of the kind that may happen: the request is told again later.
export class Refused extends Error {
  constructor(what, reply) {
    super(`${what}: ${reply.status} ${reply.body?.message}`);
    this.status = reply.status;
  }
}

export class Story {
  // acts: which of ACTS, in order; wrong(text) is called with what must never be.
  constructor(name, { rows = 200, acts = Object.keys(ACTS), wrong } = {}) {
    this.name = name;
    this.csv = people(rows);
    this.acts = acts;
    this.acks = {};
    this.sent = {};
    this.refused = {};
    this.wrong = wrong;
  }

  get done() {
    return this.acts.every((act) => this.acks[act]);
  }

  id(act) {
    return `${this.name}.${act}`;
  }

  // Send; on 409 of a request still under way, ask again. Resolves with the answer when its status is in `fine`.
  async ask(server, act, method, path, fine, options = {}) {
    const id = this.id(act);
    for (;;) {
      this.sent[act] = (this.sent[act] || 0) + 1;
      const reply = await server.api(method, path, { id, headers: { 'idempotency-key': id }, ...options });
      if (reply.status === 409 && /still being answered/.test(reply.body?.message)) {
        await pause(BUSY_MS);
        continue;
      }
      if (fine.includes(reply.status)) {
        if (!reply.body) this.wrong(`${id}: an answer that is no JSON`);
        this.compare(act, reply);
        return reply;
      }
      if (reply.status >= 500) this.refused[act] = (this.refused[act] || 0) + 1;
      const late = reply.status >= 500 || (reply.status === 422 && this.mayFail?.(reply));
      if (!late) this.wrong(`${id}: ${method} ${path} answers ${reply.status} ${JSON.stringify(reply.body.message)}`);
      if (late && !reply.body?.message) this.wrong(`${id}: ${reply.status} without a sentence`);
      throw new Refused(id, reply);
    }
  }

  // With `shapes` of a story that had all it needed, no member of an answer may be missing.
  compare(act, reply) {
    const seen = shape(reply.body?.data);
    (this.shapesSeen ??= {})[act] = seen;
    if (['create', 'upload', 'execute', 'operate'].includes(act) && !this.refused.execute && this.shapes?.[act] && this.shapes[act] !== seen && !reply.headers['idempotency-replayed'])
      this.wrong(`${this.id(act)}: the answer lacks something: ${difference(this.shapes[act], seen)}`);
  }

  async tell(server) {
    for (const act of this.acts) {
      if (this.acks[act]) continue;
      this.acks[act] = await ACTS[act].call(this, server, act);
    }
  }

  // Check the acknowledged once more from outside: the same key gives the same answer, and the bytes are there.
  async again(server) {
    for (const act of ['create', 'execute', 'async', 'dump', 'backup']) {
      if (!this.acks[act]) continue;
      const now = await ACTS[act].call(this, server, act);
      if (now.id !== this.acks[act].id)
        this.wrong(`${this.id(act)}: the same key now gives ${now.id}, not ${this.acks[act].id}`);
    }
  }
}

const members = (reply) => reply.body.data;

async function create(server, act) {
  const reply = await this.ask(server, act, 'POST', '/chat/workflows', [201], { body: { name: this.id(act) } });
  return { id: members(reply).chat_id };
}

function upload(of) {
  return async function put(server, act) {
    const reply = await this.ask(server, act, 'POST', `/chat/workflows/${this.acks[of].id}/upload`, [200],
      { file: [{ name: 'people.csv', content: this.csv }] });
    const { filename, sha256: sum, rows } = members(reply);
    if (filename !== 'people.csv') this.wrong(`${this.id(act)}: stored as ${filename}: twice`);
    if (sum !== sha256(this.csv)) this.wrong(`${this.id(act)}: another sha256 is told`);
    if (rows === 0) this.wrong(`${this.id(act)}: told without rows`);
    return { id: filename, sha256: sum };
  };
}

// The facts of an answer that must be the same whatever happened on the way.
export function outcome(results) {
  return JSON.stringify(results.map(({ step, operation, rows_in: i, rows_out: o }) => [step, operation, i, o]));
}

async function execute(server, act) {
  const reply = await this.ask(server, act, 'POST', `/chat/workflows/${this.acks.create.id}/execute`, [200],
    { body: { steps: STEPS, input_file: 'people.csv' } });
  const { run_id: id, results, status, output_files: files } = members(reply);
  if (status !== 'completed') this.wrong(`${this.id(act)}: 200, but ${status}`);
  if (results?.length !== STEPS.length) this.wrong(`${this.id(act)}: ${results?.length} results`);
  return { id, outcome: outcome(results), files: files?.length };
}

async function executeAsync(server, act) {
  const reply = await this.ask(server, act, 'POST', `/chat/workflows/${this.acks.create.id}/execute`, [202],
    { body: { steps: STEPS, async: true, input_file: 'people.csv' } });
  return { id: members(reply).run_id };
}

async function cancel(server, act) {
  const path = `/chat/workflows/${this.acks.create.id}/runs/${this.acks.late.id}/cancel`;
  const started = Date.now();
  const reply = await this.ask(server, act, 'POST', path, [200, 409]);
  const run = await this.ask(server, act, 'GET', path.replace(/\/cancel$/, ''), [200]);
  if (!ENDED.includes(members(run).status)) this.wrong(`${this.id(act)}: ${reply.status}, but the run is ${members(run).status}`);
  return { id: reply.status, ms: Date.now() - started };
}

export const ENDED = ['completed', 'failed', 'cancelled'];

// A server that is not ready may leave a run to the next one.
async function wait(server, act) {
  for (let i = 1; ; i++) {
    if (i % 40 === 0) {
      const ready = await server.request('GET', '/health/ready');
      if (ready.status !== 200) throw new Refused(this.id(act), ready);
    }
    const reply = await this.ask(server, act, 'GET', `/chat/workflows/${this.acks.create.id}/runs/${this.acks.async.id}`,
      [200]);
    const { status, steps } = members(reply);
    if (!ENDED.includes(status)) {
      await pause(BUSY_MS);
      continue;
    }
    return { id: status, steps: steps?.length };
  }
}

async function download(server, act) {
  const files = members(await this.ask(server, act, 'GET', `/chat/workflows/${this.acks.create.id}`, [200])).output_files;
  const sums = [];
  for (const file of files) {
    const reply = await server.request('GET', new URL(file.download_url).pathname);
    if (reply.status !== 200) {
      if (reply.status < 500) this.wrong(`${this.id(act)}: ${file.filename} answers ${reply.status}`);
      throw new Refused(this.id(act), reply);
    }
    if (sha256(reply.bytes) !== file.sha256) this.wrong(`${this.id(act)}: ${file.filename} has other bytes than told`);
    sums.push(file.sha256);
  }
  return { id: sums.length, sums };
}

async function dump(server, act) {
  const { dump_file: id, sha256: sum, size } =
    members(await this.ask(server, act, 'POST', `/chat/workflows/${this.acks.create.id}/dump`, [200]));
  return { id, sha256: sum, size };
}

async function operate(server, act) {
  const reply = await this.ask(server, act, 'POST', '/csv/search', [200],
    { file: [{ name: 'people.csv', content: this.csv },
      { field: 'conditions', content: JSON.stringify(SEARCH.arguments.conditions) }] });
  return { id: new URL(members(reply).download_url).pathname };
}

async function fetchResult(server, act) {
  const reply = await server.request('GET', this.acks.operate.id);
  if (reply.status !== 200) {
    if (reply.status < 500) this.wrong(`${this.id(act)}: ${this.acks.operate.id} answers ${reply.status}`);
    throw new Refused(this.id(act), reply);
  }
  return { id: sha256(reply.bytes) };
}

// 404 when an earlier attempt, whose answer was lost, has done it.
async function remove(server, act) {
  const again = this.sent[act] > 0;
  const reply = await this.ask(server, act, 'DELETE', `/chat/workflows/${this.acks.create2.id}`,
    again ? [200, 404] : [200]);
  return { id: reply.status };
}

async function backup(server, act) {
  return { id: members(await this.ask(server, act, 'POST', '/chat/sqlite/backup', [200])).backup_file };
}

export const ACTS = {
  create,
  upload: upload('create'),
  execute,
  async: executeAsync,
  late: executeAsync,
  cancel,
  wait,
  create2: create,
  upload2: upload('create2'),
  download,
  dump,
  remove,
  operate,
  result: fetchResult,
  backup,
};

export { Gone };
