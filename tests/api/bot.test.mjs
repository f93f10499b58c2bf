// The bot: every endpoint, whole dialogs, a restart in the middle of one.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Server } from '../lib/server.mjs';

const CUSTOMERS = `customer_id,name,city,email,status,credit
0001,ada lovelace,London,ada@example.org,active,1250.5
0002,Pat O'Brien,Dublin,pat@example.org,active,99.95
0003,zoë ångström,Malmö,zoe@example.org,inactive,30000
0004,李 小龍,Paris,,pending,42
`;
const ORDERS = 'order_id,customer_id,total\nA-1,0001,12.5\nA-2,0009,3\n';

let server;
before(async () => { server = await Server.start(); });
after(() => server?.close());

class Talk {
  static async begin(on = server, body = {}) {
    const reply = await on.call('POST', '/chat/bot/conversations', body);
    assert.equal(reply.status, 201, JSON.stringify(reply.body));
    const talk = new Talk();
    talk.server = on;
    talk.id = reply.body.data.chat_id;
    talk.created = reply.body.data;
    return talk;
  }

  path(rest) {
    return `/chat/bot/conversations/${this.id}${rest}`;
  }

  async say(message) {
    const reply = await this.server.call('POST', this.path('/message'), { message });
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    return reply.body.data;
  }

  async upload(name, content) {
    const form = new FormData();
    form.append('file', new Blob([content]), name);
    return this.server.call('POST', this.path('/upload'), form);
  }

  confirm(body) {
    return this.server.call('POST', this.path('/confirm'), body);
  }

  async history(query = '') {
    const reply = await this.server.call('GET', this.path(`/history${query}`));
    assert.equal(reply.status, 200);
    return reply.body.data;
  }

  // Waits for the end of a run by its events.
  async ended(job) {
    const watcher = await this.server.watch(this.id, { since: 0 });
    await watcher.frame((frame) => /^workflow_(completed|failed|cancelled)$/.test(frame.type) && frame.run_id === job);
    watcher.close();
  }
}

const operations = (workflow) => workflow.steps.map((step) => step.operation);

test('a conversation begins with a welcome', async () => {
  const { created } = await Talk.begin();
  assert.match(created.bot_message, /Welcome to Sheetflow/);
  assert.equal(created.state, 'idle');
  assert.equal(created.status, 'created');
  assert.match(created.participant_name, /^[A-Z][A-Za-z]+-[1-9]\d{3}$/);
  assert.match(created.created_at, /Z$/);
});

test('an id of the client is taken when it is a fresh UUID', async () => {
  const id = randomUUID();
  const talk = await Talk.begin(server, { chat_id: id });
  assert.equal(talk.id, id);
  const again = await server.call('POST', '/chat/bot/conversations', { chat_id: id });
  assert.equal(again.status, 409);
  for (const bad of ['42', id.toUpperCase(), '11111111-1111-1111-8111-111111111111', 7]) {
    const refused = await server.call('POST', '/chat/bot/conversations', { chat_id: bad });
    assert.equal(refused.status, 422, bad);
    assert.equal(refused.body.data.details.argument, 'chat_id');
  }
});

test('from a sentence to the files', async () => {
  const talk = await Talk.begin();
  const uploaded = await talk.upload('Kunden März.csv', CUSTOMERS);
  assert.equal(uploaded.status, 200);
  assert.equal(uploaded.body.data.rows, 4);
  assert.match(uploaded.body.data.bot_response, /Kunden März\.csv uploaded successfully/);
  assert.equal(uploaded.body.data.suggested_workflow, null);
  const turn = await talk.say('keep the active customers, uppercase their names and give me SQL for table clients');
  assert.match(turn.bot_response, /Suggested Workflow/);
  assert.equal(turn.requires_confirmation, true);
  assert.equal(turn.requires_file, false);
  assert.equal(turn.action, null);
  assert.deepEqual(operations(turn.suggested_workflow), ['csv/search', 'normalization/apply', 'sql/generate']);
  assert.ok(turn.suggested_workflow.steps.every((step) => step.description && step.arguments));
  assert.equal(turn.intent.type, 'search_filter');
  assert.ok(turn.intent.confidence > 0.5);
  const accepted = await talk.confirm({ confirmed: true });
  assert.equal(accepted.status, 202);
  assert.equal(accepted.body.data.status, 'submitted');
  const job = accepted.body.data.job_id;
  await talk.ended(job);
  const status = await server.call('GET', talk.path(`/workflow/status/${job}`));
  assert.equal(status.body.data.status, 'completed');
  assert.equal(status.body.data.job_id, job);
  assert.equal(status.body.data.error, null);
  assert.equal(status.body.data.result.results.length, 3);
  for (const time of ['submitted_at', 'started_at', 'completed_at']) assert.match(status.body.data[time], /Z$/);
  const history = await talk.history();
  assert.equal(history.current_state, 'completed');
  const last = history.messages.at(-1);
  assert.match(last.content, /Done/);
  assert.match(last.content, /4 rows in, 2 out \(2 filtered\)/);
  assert.equal(history.uploaded_files.length, 1);
  assert.equal(history.output_files.length, 1);
  const sql = (await server.download(history.output_files[0].download_url)).toString();
  assert.match(sql, /INSERT INTO clients .*'ADA LOVELACE'/);
  assert.match(sql, /PAT O''BRIEN/);
  assert.doesNotMatch(sql, /Malm/);
  assert.equal((await talk.history('?limit=1')).messages.length, 1);
});

test('a wish waits for its file', async () => {
  const talk = await Talk.begin();
  const turn = await talk.say('uppercase the names');
  assert.equal(turn.requires_file, true);
  assert.equal(turn.state, 'awaiting_file');
  const uploaded = await talk.upload('people.csv', CUSTOMERS);
  assert.match(uploaded.body.data.bot_response, /people\.csv uploaded successfully/);
  assert.match(uploaded.body.data.bot_response, /Suggested Workflow/);
  assert.deepEqual(uploaded.body.data.suggested_workflow.steps[0].arguments,
    { normalizations: [{ column_name: 'name', normalization_type: 'uppercase' }] });
});

test('what is missing is asked for, and the answer remembered', async () => {
  const talk = await Talk.begin();
  await talk.upload('people.csv', CUSTOMERS);
  const question = await talk.say('filter the rows');
  assert.equal(question.state, 'awaiting_parameters');
  assert.equal(question.suggested_workflow, null);
  assert.match(question.bot_response, /status/);
  const turn = await talk.say('credit is over 100');
  assert.equal(turn.state, 'awaiting_confirmation');
  assert.deepEqual(turn.suggested_workflow.steps[0].arguments.conditions,
    [{ column: 'credit', operator: 'greater_than', value: 100 }]);
});

test('a proposal can be changed before it runs', async () => {
  const talk = await Talk.begin();
  await talk.upload('people.csv', CUSTOMERS);
  await talk.say('extract name, city and email');
  const less = await talk.say('not the email');
  assert.deepEqual(less.suggested_workflow.steps[0].arguments.columns, ['name', 'city']);
  const once = await talk.say('also drop duplicates');
  assert.equal(once.suggested_workflow.steps[0].arguments.remove_duplicates, true);
  const named = await talk.say('call it report');
  assert.equal(named.suggested_workflow.steps[0].arguments.output_filename, 'report');
  const lost = await talk.say('xyzzy plugh');
  assert.equal(lost.state, 'awaiting_confirmation');
  assert.match(lost.bot_response, /still waiting/);
  assert.equal(lost.suggested_workflow, null);
  const run = await talk.say('YES');
  assert.equal(run.action, 'execute');
  assert.equal(run.state, 'processing');
  await talk.ended(run.job_id);
  const { output_files: outputs } = await talk.history();
  assert.match(outputs[0].download_url, /report/);
});

test('a modified workflow runs in the place of the one proposed, and is checked', async () => {
  const talk = await Talk.begin();
  await talk.upload('people.csv', CUSTOMERS);
  await talk.say('extract name');
  const bad = await talk.confirm({ confirmed: true, modified_workflow: { steps: [{ operation: 'excel/serach' }] } });
  assert.equal(bad.status, 422);
  assert.match(bad.body.message, /excel\/search/);
  assert.equal((await talk.history()).current_state, 'awaiting_confirmation');
  const steps = [{ operation: 'json/generate', arguments: { columns: ['city'] } }];
  const accepted = await talk.confirm({ confirmed: 'yes', modified_workflow: { steps } });
  assert.equal(accepted.status, 202, JSON.stringify(accepted.body));
  await talk.ended(accepted.body.data.job_id);
  const { output_files: outputs } = await talk.history();
  assert.deepEqual(JSON.parse(await server.download(outputs[0].download_url)).map((row) => row.city),
    ['London', 'Dublin', 'Malmö', 'Paris']);
});

test('no, cancel and help', async () => {
  const talk = await Talk.begin();
  assert.match((await talk.say('?')).bot_response, /For example/);
  await talk.upload('people.csv', CUSTOMERS);
  assert.match((await talk.say('HELP')).bot_response, /"status" is "active"/);
  assert.match((await talk.say('yes')).bot_response, /nothing to confirm/);
  await talk.say('extract name');
  const declined = await talk.confirm({ confirmed: false });
  assert.equal(declined.status, 200);
  assert.equal(declined.body.data.job_id, null);
  assert.equal(declined.body.data.status, 'declined');
  assert.equal((await talk.history()).current_state, 'idle');
  assert.equal((await talk.confirm({ confirmed: true })).status, 409);
  await talk.say('extract name');
  assert.equal((await talk.say('Stop')).state, 'cancelled');
  assert.equal((await talk.history()).workflow_steps.length, 0);
});

test('what cannot be done is said plainly, with near examples', async () => {
  const talk = await Talk.begin();
  await talk.upload('people.csv', CUSTOMERS);
  const chart = await talk.say('draw a pie chart of credit');
  assert.match(chart.bot_response, /cannot draw charts/);
  assert.match(chart.bot_response, /"credit" is over 100/);
  assert.equal(chart.suggested_workflow, null);
  assert.match((await talk.say('lorem ipsum dolor')).bot_response, /did not understand/);
});

test('two files are joined by the column they share', async () => {
  const talk = await Talk.begin();
  await talk.upload('customers.csv', CUSTOMERS);
  await talk.upload('orders.csv', ORDERS);
  const turn = await talk.say('add the name and city from customers');
  assert.deepEqual(turn.suggested_workflow.steps[0].arguments,
    { bind_file: 'customers.csv', comparison_column: 'customer_id', bind_columns: ['name', 'city'] });
  const run = await talk.say('go');
  await talk.ended(run.job_id);
  const last = (await talk.history()).messages.at(-1);
  assert.match(last.content, /2 rows in, 2 out/);
});

// Clients of the earlier service read these; others may be beside them.
test('every reply has the fields that clients know', async () => {
  const has = (value, names, what) => assert.deepEqual(names.filter((name) => !(name in value)), [], what);
  const ANSWER = ['bot_response', 'intent', 'suggested_workflow', 'requires_confirmation', 'requires_file', 'action', 'output_files'];
  const talk = await Talk.begin();
  has(talk.created, ['chat_id', 'participant_name', 'status', 'bot_message', 'state', 'created_at'], 'conversation');
  const { data: upload } = (await talk.upload('people.csv', CUSTOMERS)).body;
  has(upload, ['file_path', 'filename', 'download_url', 'size', 'sha256', 'format', 'sheets', 'rows', 'columns', 'bot_response',
    'suggested_workflow'], 'upload');
  for (const message of ['keep the active ones', 'help', 'xyzzy', 'draw a chart', 'what columns are there?', 'no', 'filter it', 'cancel', 'use people.csv']) {
    const answer = await talk.say(message);
    has(answer, ANSWER, message);
    has(answer.intent, ['type', 'confidence'], message);
    assert.equal(typeof answer.requires_confirmation, 'boolean');
    assert.equal(typeof answer.requires_file, 'boolean');
    assert.ok(Array.isArray(answer.output_files));
  }
  const { suggested_workflow: workflow } = await talk.say('keep the active ones');
  has(workflow, ['steps', 'requires_confirmation'], 'suggestion');
  for (const step of workflow.steps) has(step, ['operation', 'arguments', 'description'], 'step');
  const accepted = await talk.confirm({ confirmed: true });
  assert.equal(accepted.status, 202);
  has(accepted.body.data, ['job_id', 'status', 'message', 'bot_response', 'output_files'], 'confirm');
  assert.equal(accepted.body.data.status, 'submitted');
  await talk.ended(accepted.body.data.job_id);
  const status = await server.call('GET', talk.path(`/workflow/status/${accepted.body.data.job_id}`));
  has(status.body.data, ['job_id', 'status', 'submitted_at', 'started_at', 'completed_at', 'result', 'error'], 'status');
  const history = await talk.history();
  has(history, ['chat_id', 'participant_name', 'status', 'current_state', 'messages', 'uploaded_files', 'output_files', 'workflow_steps'], 'history');
  for (const file of [...history.uploaded_files, ...history.output_files]) has(file, ['file_path', 'download_url'], 'file');
  for (const message of history.messages) has(message, ['message_id', 'message_type', 'content', 'metadata', 'created_at'], 'message');
  const gone = await server.call('DELETE', talk.path(''));
  assert.equal(gone.body.data.chat_id, talk.id);
});

test('"yes" in another tab runs what was proposed in this one, once', async () => {
  const talk = await Talk.begin();
  await talk.upload('people.csv', CUSTOMERS);
  await talk.say('keep the active customers');
  const answers = await Promise.all([talk.say('yes'), talk.say('yes')]);
  assert.deepEqual(answers.map(({ action }) => action).sort(), ['execute', null].sort());
  await talk.ended(answers.find(({ action }) => action).job_id);
  assert.equal((await talk.history()).output_files.length, 1);
});

test('a second file leaves what is pending to the first one', async () => {
  const talk = await Talk.begin();
  await talk.upload('customers.csv', CUSTOMERS);
  await talk.say('keep the active customers');
  const beside = await talk.upload('orders.csv', ORDERS);
  assert.equal(beside.body.data.state, 'awaiting_confirmation');
  const accepted = await talk.confirm({ confirmed: true });
  await talk.ended(accepted.body.data.job_id);
  const history = await talk.history();
  assert.equal(history.current_state, 'completed', history.messages.at(-1).content);
  assert.match(history.messages.at(-1).content, /4 rows in, 2 out \(2 filtered\)/);
  const again = await talk.say('what did you do?');
  assert.match(again.bot_response, /4 rows in, 2 out \(2 filtered\)/);
});

test('a join asks for its file, which comes as an upload', async () => {
  const talk = await Talk.begin();
  await talk.upload('orders.csv', ORDERS);
  assert.equal((await talk.say('join with another file')).state, 'awaiting_parameters');
  const { data } = (await talk.upload('customers.csv', CUSTOMERS)).body;
  assert.equal(data.suggested_workflow.steps[0].arguments.bind_file, 'customers.csv');
  const run = await talk.say('yes');
  await talk.ended(run.job_id);
  assert.match((await talk.history()).messages.at(-1).content, /2 rows in, 2 out, 1 of 2 matched/);
});

test('a run that fails says why, and the dialog goes on', async () => {
  const talk = await Talk.begin();
  await talk.upload('people.csv', CUSTOMERS);
  await talk.say('extract name');
  const accepted = await talk.confirm({ confirmed: true,
    modified_workflow: { steps: [{ operation: 'excel/extract-columns-to-file', arguments: { columns: ['nmae'] } }] } });
  await talk.ended(accepted.body.data.job_id);
  const history = await talk.history();
  assert.equal(history.current_state, 'failed');
  assert.match(history.messages.at(-1).content, /did not work/);
  assert.match(history.messages.at(-1).content, /nmae/);
  assert.equal((await talk.say('extract name')).state, 'awaiting_confirmation');
});

test('messages are texts', async () => {
  const talk = await Talk.begin();
  for (const [body, argument] of [[{}, 'message'], [{ message: 7 }, 'message'], [{ message: 'a\0b' }, 'message'], [{ message: 'x'.repeat(20001) }, 'message'], [{ massage: 'hi' }, 'massage']]) {
    const refused = await server.call('POST', talk.path('/message'), body);
    assert.equal(refused.status, 422, JSON.stringify(body).slice(0, 40));
    assert.equal(refused.body.data.details.argument, argument);
  }
  assert.equal((await talk.confirm({})).status, 422);
  assert.equal((await server.call('POST', `/chat/bot/conversations/${randomUUID()}/message`, { message: 'hi' })).status, 404);
  assert.equal((await talk.say('')).state, 'idle');
  assert.match((await talk.say('word '.repeat(601))).bot_response, /600 words at most/);
});

test('"yes" works after a restart, and in a dump', async () => {
  const own = await Server.start();
  try {
    const talk = await Talk.begin(own);
    await talk.upload('people.csv', CUSTOMERS);
    await talk.say('keep the active customers');
    await own.stop('SIGKILL');
    await own.restart();
    assert.equal((await talk.history()).current_state, 'awaiting_confirmation');
    const dumped = await own.call('POST', `/chat/workflows/${talk.id}/dump`);
    const archive = await own.download(dumped.body.data.download_url);
    assert.equal((await own.call('DELETE', talk.path(''))).status, 200);
    assert.equal((await own.call('GET', talk.path('/history'))).status, 404);
    const form = new FormData();
    form.append('dump_file', new Blob([archive]), 'dump.tar.gz');
    assert.equal((await own.call('POST', '/chat/workflows/restore', form)).status, 200);
    const run = await talk.say('yes');
    assert.equal(run.action, 'execute');
    await talk.ended(run.job_id);
    const history = await talk.history();
    assert.equal(history.current_state, 'completed');
    assert.match(history.messages.at(-1).content, /4 rows in, 2 out/);
  } finally {
    await own.close();
  }
});

test('the operations by intent', async () => {
  const { body } = await server.call('GET', '/chat/bot/operations');
  assert.deepEqual(Object.keys(body.data.operations).sort(), ['bind_data', 'convert_format', 'extract_columns', 'generate_json',
    'generate_sql', 'map_columns', 'normalize_data', 'search_filter']);
  assert.equal(body.data.total_intents, 8);
  const all = (await server.call('GET', '/operations')).body.data.operations.map((one) => one.name);
  for (const name of Object.values(body.data.operations).flat()) assert.ok(all.includes(name), name);
});
