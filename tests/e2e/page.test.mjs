// The page as people use it: by mouse, by keyboard, on a phone, in two tabs, through a crash of the server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { drop, launch, open, violations } from '../lib/page.mjs';
import { PROGRAM, Server } from '../lib/server.mjs';

const customers = { name: 'customers.xlsx', bytes: readFileSync('samples/customers.xlsx') };
const orders = { name: 'orders.csv', bytes: readFileSync('samples/orders.csv') };
const WAIT_MS = 20_000;
const MAX_BUNDLE = 350 * 1000;

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await Server.start();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

// A test with a page of its own; nothing may have gone wrong in it at the end.
function paged(name, options, fn) {
  test(name, async (t) => {
    const page = await open(browser, server, options.path ?? '/', options);
    page.setDefaultTimeout(WAIT_MS);
    try {
      await fn(page, t);
      assert.deepEqual(page.faults, []);
    } catch (error) {
      if (process.env.E2E_SHOTS) await page.screenshot({ path: join(process.env.E2E_SHOTS, `${name.replaceAll(/\W+/g, '-')}.png`) });
      throw error;
    } finally {
      await page.context().close();
    }
  });
}

async function accessible(page, view) {
  assert.deepEqual(await violations(page), [], `axe finds nothing: ${view}`);
}

const button = (scope, name) => scope.getByRole('button', { name, exact: true });
const step = (page, number) => page.getByRole('listitem', { name: new RegExp(`^Step ${number}:`) });
const runCard = (page) => page.getByRole('article', { name: /^Run of/ }).last();
const status = (page, text) => runCard(page).locator('header').getByText(text, { exact: true });
const chatOf = (page) => /#\/c\/([0-9a-f-]{36})/.exec(page.url())[1];

async function withFile(page, file = customers) {
  await page.getByRole('heading', { name: 'Drop a workbook or CSV here' }).waitFor();
  await drop(page, '.welcome', [file]);
  await button(page, 'Look at the data').first().waitFor();
}

async function add(page, name) {
  await button(page, 'Add a step').click();
  await page.getByRole('dialog').getByRole('button', { name: new RegExp(`^${name}`) }).click();
}

async function searchStep(page, column, value) {
  await add(page, 'Keep matching rows');
  const one = page.getByRole('listitem', { name: /Keep matching rows$/ }).last();
  await one.getByLabel('Column', { exact: true }).selectOption(column);
  await one.getByLabel('Value', { exact: true }).fill(value);
  return one;
}

// Rows enough for a run in slow motion to be watched.
const ROWS = 200_000;

function manyRows(rows) {
  const lines = ['id,name,amount'];
  for (let i = 0; i < rows; i++) lines.push(`${i},name ${i % 1000} of many,${(i * 7919) % 100000}`);
  return Buffer.from(lines.join('\n'));
}

const SLOW_STEPS = [
  { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'name', normalization_type: 'regex_replace',
    parameters: { pattern: '([a-z]+) ([0-9]+)', replacement: '$2 $1' } }, { column_name: 'name', normalization_type: 'title_case' },
  { column_name: 'amount', normalization_type: 'z_score' }] } },
  { operation: 'csv/convert-to-excel', arguments: {} },
];

async function chatWith(name, bytes) {
  const { chat_id: id } = await server.create();
  await server.upload(id, name, bytes);
  return id;
}

test('the page comes with a strict policy, and programs still get JSON', async () => {
  const page = await fetch(`${server.origin}/`, { headers: { accept: 'text/html,*/*' } });
  const policy = page.headers.get('content-security-policy');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /^text\/html/);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const html = await page.text();
  assert.match(html, /content="\/api\/v1"/);
  assert.doesNotMatch(html, /<script(?![^>]*src=)[^>]*>|<style| style=| on[a-z]+=/);
  assert.doesNotMatch(html, /https?:\/\//);

  const facts = await server.call('GET', `${server.origin}/`);
  assert.equal(facts.body.data.name, 'Sheetflow');
  const curl = await fetch(`${server.origin}/`, { headers: { accept: '*/*' } });
  assert.match(curl.headers.get('content-type'), /^application\/json/);
});

test('the parts may be kept for ever and stay under 350 kB', async () => {
  const html = await (await fetch(`${server.origin}/`, { headers: { accept: 'text/html' } })).text();
  const parts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
  let size = gzipSync(html).length;
  assert.ok(parts.length >= 2);
  for (const path of parts) {
    const part = await fetch(server.origin + path);
    assert.equal(part.status, 200);
    assert.match(part.headers.get('cache-control'), /immutable/);
    assert.equal(part.headers.get('x-content-type-options'), 'nosniff');
    size += gzipSync(Buffer.from(await part.arrayBuffer()), { level: 9 }).length;
  }
  assert.ok(size < MAX_BUNDLE, `${size} bytes gzipped`);
  for (const name of ['index.html', '..%2findex.html', 'nothing.js']) {
    assert.ok([400, 404].includes((await fetch(`${server.origin}/assets/${name}`)).status), name);
  }
});

// Times are told, not judged: machines that run tests do other things as well. 1 s is what the page is to stay below.
paged('nothing is asked of another host before and after the first paint', {}, async (page, t) => {
  const hosts = new Set();
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await page.reload();
  await page.getByRole('heading', { name: 'Drop a workbook or CSV here' }).waitFor();
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  assert.ok(paint > 0);
  t.diagnostic(`first contentful paint after ${Math.round(paint)} ms`);
  assert.deepEqual([...hosts], [new URL(server.origin).host]);
});

paged('the whole journey by mouse: drop, ask, run, look, download', {}, async (page) => {
  await accessible(page, 'without a conversation');
  await withFile(page);
  await page.getByLabel('Message', { exact: true })
    .fill('keep the active customers, uppercase their names and give me SQL for table clients');
  await button(page, 'Send').click();
  const suggestion = page.getByRole('region', { name: 'Suggested steps' });
  await suggestion.getByText('status equals “active”').waitFor();
  await suggestion.getByText('Sample: On the first 11 rows').waitFor();
  await suggestion.getByText(/INSERT INTO clients/).waitFor();
  await accessible(page, 'a suggestion');
  await button(suggestion, 'Run').click();
  await status(page, 'Done').waitFor();
  await runCard(page).getByRole('img', { name: '11 rows in, 3 filtered, 8 out' }).waitFor();
  await suggestion.waitFor({ state: 'detached' });
  await accessible(page, 'a run');

  const [file] = await Promise.all([
    page.waitForEvent('download'),
    runCard(page).getByRole('button', { name: /^Download .*\.sql$/ }).click(),
  ]);
  assert.match(readFileSync(await file.path(), 'utf8'), /INSERT INTO clients .*'ADA LOVELACE'/);

  await runCard(page).getByRole('button', { name: /^Look at .*normalized.*\.xlsx$/ }).click();
  await page.getByRole('gridcell', { name: 'GRACE HOPPER' }).waitFor();
  await page.getByText('8 rows · 8 columns').waitFor();
  await accessible(page, 'rows of a result');
});

paged('the data: sheets, types, and what each column holds', {}, async (page) => {
  await withFile(page);
  await button(page, 'Look at the data').click();
  await page.getByRole('columnheader', { name: /credit\s*number/ }).waitFor();
  await page.getByRole('gridcell', { name: '李 小龍' }).waitFor();
  await button(page, 'Columns').click();
  await page.getByRole('img', { name: 'How the values of credit are spread' }).waitFor();
  await page.getByRole('list', { name: 'Columns' }).getByText('9 different · 9.1% blank').first().waitFor();
  await accessible(page, 'columns');
  await button(page, 'Notes').click();
  await page.getByRole('list', { name: 'Columns' }).getByText('customer_id').waitFor({ state: 'detached' });
});

paged('steps are built by forms, tried on a sample, and run', {}, async (page) => {
  await withFile(page);
  await button(page, 'Build a workflow').click();
  await accessible(page, 'an empty workflow');
  await button(page, 'Add a step').click();
  await page.getByRole('dialog').waitFor();
  await accessible(page, 'the choice of a step');
  await page.keyboard.press('Escape');
  const search = await searchStep(page, 'status', 'active');
  await page.getByText('Works on the sample').waitFor();
  await search.getByText('Sample: On the first 11 rows').click();
  await search.getByRole('img', { name: '11 rows in, 3 filtered, 8 out' }).waitFor();
  await search.getByRole('cell', { name: 'ada lovelace' }).waitFor();
  await button(search, 'Before').click();
  await search.getByRole('cell', { name: 'inactive' }).first().waitFor();

  await add(page, 'Rename and rearrange columns');
  const map = step(page, 2);
  await map.getByLabel('Column 1').selectOption('name');
  await map.getByLabel('New name 1').fill('Full name');
  await button(map, 'Add a line').click();
  await map.getByLabel('Column 2').selectOption('email');
  // On its way a name may be that of another line.
  await map.getByLabel('New name 2').fill('');
  await map.getByLabel('New name 2').pressSequentially('Full name of the mail');
  assert.equal(await map.getByRole('group', { name: /^Columns of the result \d/ }).count(), 2);
  await map.getByText('name → Full name, email → Full name of the mail').waitFor();
  await page.getByText('Works on the sample').waitFor();

  await add(page, 'Clean up values');
  const rules = step(page, 3);
  // The columns are those that the step before has made.
  await rules.getByLabel('Column', { exact: true }).selectOption('Full name');
  await rules.getByLabel('Rule', { exact: true }).selectOption('uppercase');
  await page.getByText('Works on the sample').waitFor();
  await rules.getByText('Sample: On the first 8 rows').click();
  await rules.getByText('7 cells change').waitFor();
  await rules.getByRole('cell', { name: 'ADA LOVELACE' }).waitFor();
  await accessible(page, 'a workflow with its sample');

  await button(rules, 'Duplicate: Clean up values').click();
  await button(step(page, 4), 'Switch off: Clean up values').click();
  await step(page, 4).getByText('off', { exact: true }).waitFor();
  await button(step(page, 4), 'Remove: Clean up values').click();
  await step(page, 4).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('listitem', { name: /^Step/ }).count(), 3);

  await page.getByText('Works on the sample').waitFor();
  await button(page, 'Run').click();
  await status(page, 'Done').waitFor();
  const { body } = await server.call('GET', `/chat/workflows/${chatOf(page)}/runs`);
  assert.deepEqual(body.data.runs[0].steps.map(({ operation, rows_out: rows }) => [operation, rows]),
    [['excel/search', 8], ['excel/map-columns', 8], ['normalization/apply', 8]]);
});

paged('JSON by a template takes no JSON to write', {}, async (page) => {
  await withFile(page);
  await button(page, 'Build a workflow').click();
  await add(page, 'JSON by your template');
  const json = step(page, 1);
  await json.getByLabel('Key 1').fill('who');
  await json.getByLabel('Insert a column').first().selectOption('name');
  await button(json, 'Add a line').first().click();
  await json.getByLabel('Key 2').fill('money');
  await json.getByLabel('Value 2').fill('{credit:float|0}');
  await page.getByText('Works on the sample').waitFor();
  await json.getByText(/^Sample:/).click();
  await json.getByText(/"who": "ada lovelace"/).waitFor();
  await accessible(page, 'a template');
});

paged('two files are joined by choosing their columns', {}, async (page) => {
  await withFile(page);
  await drop(page, '.conversation', [orders]);
  await page.getByText('orders.csv').first().waitFor();
  await page.getByRole('link', { name: 'Workflow' }).click();
  await page.getByLabel('File to work on').selectOption('orders.csv');
  await add(page, 'Add columns from another file');
  const join = step(page, 1);
  await join.getByLabel('The other file', { exact: true }).selectOption('customers.xlsx');
  await join.getByLabel('Key in this file', { exact: true }).selectOption('customer_id');
  await join.getByLabel('Columns to add: Add a column').selectOption('name');
  await join.getByLabel('Columns to add: Add a column').selectOption('city');
  await page.getByText('Works on the sample').waitFor();
  await join.getByText(/^Sample:/).click();
  await join.getByRole('columnheader', { name: 'city' }).waitFor();
});

paged('by keyboard alone: a step is added, filled, moved and run; a table is walked through', {}, async (page) => {
  await withFile(page);
  const keys = async (...all) => { for (const key of all) await page.keyboard.press(key); };
  await page.getByRole('link', { name: 'Workflow' }).focus();
  await keys('Enter');
  await button(page, 'Add a step').focus();
  await keys('Enter');
  await page.keyboard.type('matching');
  await keys('Enter'); // The first that is found.
  // The focus is in the first field of the new step.
  await page.waitForFunction(() => document.activeElement.labels?.[0]?.textContent === 'Column');
  await page.keyboard.type('stat');
  await keys('Tab', 'Tab');
  await page.keyboard.type('active');
  await page.getByText('Works on the sample').waitFor();
  await button(page, 'Add a step').focus();
  await keys('Enter');
  await page.keyboard.type('convert to csv');
  await keys('Enter');
  const convert = page.getByRole('listitem', { name: /Convert to CSV$/ });
  await convert.locator('.step-toggle').focus();
  await keys('Alt+ArrowUp');
  await page.getByRole('listitem', { name: 'Step 1: Convert to CSV' }).waitFor();
  await page.getByText('Convert to CSV is now step 1').waitFor({ state: 'attached' });
  await page.waitForFunction(() => document.activeElement.className === 'step-toggle');
  await keys('Alt+ArrowDown');
  await page.getByRole('listitem', { name: 'Step 2: Convert to CSV' }).waitFor();
  await page.getByText('Works on the sample').waitFor();
  await button(page, 'Run').focus();
  await keys('Enter');
  await status(page, 'Done').waitFor();

  await page.getByRole('link', { name: 'Data' }).focus();
  await keys('Enter');
  await page.waitForFunction(() => document.querySelector('.file-pick select')?.value.endsWith('.csv'));
  const grid = page.getByRole('grid');
  await grid.focus();
  await keys('ArrowDown', 'ArrowDown', 'ArrowRight');
  await page.locator('[aria-selected="true"]', { hasText: "Pat O'Brien" }).waitFor();
  await keys('Control+End');
  await page.locator('[role="grid"][aria-activedescendant="cell-7-7"]').waitFor();
  const visible = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  });
  assert.ok(visible, 'the focus is seen');
});

paged('a table follows what runs bring, but is not taken away from who works in it', {}, async (page) => {
  await withFile(page);
  await page.getByRole('link', { name: 'Data' }).click();
  const picked = page.getByLabel('File', { exact: true });
  const run = async () => {
    const reply = await server.execute(chatOf(page), [{ operation: 'excel/convert-to-csv', arguments: {} }]);
    assert.equal(reply.status, 200);
    const [{ filename }] = reply.body.data.output_files.slice(-1);
    await picked.locator('option', { hasText: filename }).waitFor({ state: 'attached' });
    return filename;
  };
  await page.getByRole('grid').focus();
  await page.keyboard.press('ArrowDown');
  const cell = page.locator('[aria-selected="true"]');
  const text = await cell.textContent();
  await run();
  assert.equal(await picked.inputValue(), customers.name);
  assert.equal(await cell.textContent(), text);

  await page.getByRole('link', { name: 'Data' }).focus();
  const second = await run();
  await page.waitForFunction((name) => document.querySelector('.file-pick select').value === name, second);
  await page.getByRole('grid').waitFor();
});

paged('by keyboard alone: a file is chosen, a wish typed, its steps run, and a result fetched', {}, async (page) => {
  const press = async (target, key = 'Enter') => {
    await target.focus();
    await page.keyboard.press(key);
  };
  await page.getByRole('heading', { name: 'Drop a workbook or CSV here' }).waitFor();
  const chooser = page.waitForEvent('filechooser');
  await press(button(page, 'Choose files'));
  await (await chooser).setFiles([{ name: customers.name, mimeType: '', buffer: customers.bytes }]);
  await button(page, 'Look at the data').first().waitFor();
  await page.getByLabel('Message', { exact: true }).focus();
  await page.keyboard.type('names and emails of the active customers');
  await page.keyboard.press('Enter');
  const suggestion = page.getByRole('region', { name: 'Suggested steps' });
  await suggestion.getByText('Sample: On the first 11 rows').waitFor();
  // From the field the buttons of the proposal are reached backwards.
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Shift+Tab');
    if (await button(suggestion, 'Run').evaluate((run) => run === document.activeElement)) break;
  }
  await page.keyboard.press('Enter');
  await status(page, 'Done').waitFor();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    press(runCard(page).getByRole('button', { name: /^Download .*extracted.*/ }).first()),
  ]);
  assert.match(file.suggestedFilename(), /^customers_/);
});

paged('an upload shows how far it is', {}, async (page) => {
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions',
    { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1 << 20 });
  await page.getByRole('heading', { name: 'Drop a workbook or CSV here' }).waitFor();
  await drop(page, '.welcome', [{ name: 'many.csv', bytes: manyRows(60_000) }]);
  await page.getByText(/Uploading many\.csv: [1-9]\d? %/).waitFor();
  await accessible(page, 'an upload');
  await button(page, 'Look at the data').first().waitFor();
});

paged('a step that cannot work is told at its field, with the way out', {}, async (page) => {
  await withFile(page);
  const id = chatOf(page);
  await server.execute(id, [
    { operation: 'excel/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }] } },
    { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'nmae', normalization_type: 'uppercase' }] } },
    { operation: 'excel/convert-to-csv', arguments: {} },
  ]);
  const fix = page.getByRole('group', { name: 'How to go on' });
  await fix.getByText(/column 'nmae' does not exist/).waitFor();
  await status(page, 'Failed').waitFor();
  await accessible(page, 'a failed run');
  await button(fix, 'Edit the steps').click();
  const rules = step(page, 2);
  await rules.getByText(/column 'nmae' does not exist/).waitFor();
  await accessible(page, 'a problem at its field');
  await button(rules, 'Use “name”').click();
  await page.getByText('Works on the sample').waitFor();
  await button(fix, 'Use “name”').click();
  await status(page, 'Done').waitFor();
  const { body } = await server.call('GET', `/chat/workflows/${id}/runs`);
  const [first] = body.data.runs.filter((run) => run.status === 'completed');
  assert.equal(first.steps[1].arguments.normalizations[0].column_name, 'name');
});

test('two tabs watch one run: rows, rate, cancel', async () => {
  const id = await chatWith('many.csv', manyRows(ROWS));
  const tabs = await Promise.all([0, 1].map(() => open(browser, server, `/#/c/${id}/chat`)));
  try {
    for (const tab of tabs) {
      tab.setDefaultTimeout(WAIT_MS);
      await tab.getByText('Connected', { exact: true }).waitFor();
    }
    await server.slowly(async ({ still }) => {
      await server.execute(id, SLOW_STEPS, { async: true });
      for (const tab of tabs) {
        await runCard(tab).getByText(/[1-9][\d,]* of 200,000 rows/).first().waitFor();
        await runCard(tab).getByText(/rows\/s/).first().waitFor();
        await runCard(tab).getByRole('progressbar', { name: 'Progress of Clean up values' }).waitFor();
      }
      await still(() => accessible(tabs[0], 'a run under way'));
      await button(runCard(tabs[1]), 'Cancel').click();
      for (const tab of tabs) {
        await status(tab, 'Cancelled').waitFor();
        assert.deepEqual(tab.faults, []);
      }
    });
    const { body } = await server.call('GET', `/chat/workflows/${id}`);
    assert.deepEqual(body.data.output_files, []);
  } finally {
    await Promise.all(tabs.map((tab) => tab.context().close()));
  }
});

test('a server that is killed in the middle of a run: the page waits, comes back, and sees the end', async () => {
  const own = await Server.start();
  try {
    const { chat_id: id } = await own.create();
    await own.upload(id, 'many.csv', manyRows(ROWS));
    const page = await open(browser, own, `/#/c/${id}/chat`);
    page.setDefaultTimeout(WAIT_MS * 2);
    await page.getByText('Connected', { exact: true }).waitFor();
    await own.slowly(async () => {
      await own.execute(id, SLOW_STEPS, { async: true });
      await runCard(page).getByText(/[1-9][\d,]* of 200,000 rows/).first().waitFor();
      own.options.port = own.port; // The page knows no other.
      await own.stop('SIGKILL');
      await page.getByText('Connection lost. Trying again…').waitFor();
    });
    await own.restart();
    await page.getByText('Connected', { exact: true }).waitFor();
    await status(page, 'Done').waitFor();
    assert.equal(await page.getByRole('article', { name: /^Run of/ }).count(), 1);
    await page.context().close();
  } finally {
    await own.close();
  }
});

paged('conversations: rename, search, dump, delete, restore', {}, async (page) => {
  await withFile(page);
  const id = chatOf(page);
  await button(page, 'Rename').click();
  await page.getByRole('dialog').getByLabel('Name').fill('Müller & Söhne 東京');
  await accessible(page, 'a dialog');
  await button(page.getByRole('dialog'), 'Save').click();
  await page.getByRole('heading', { level: 1, name: 'Müller & Söhne 東京' }).waitFor();
  const list = page.getByRole('navigation', { name: 'Conversations' });
  await page.getByRole('searchbox').fill('söhne');
  await list.getByRole('link', { name: /Müller/ }).waitFor();
  await page.getByRole('searchbox').fill('nothing has this name');
  await list.getByText('Nothing found').waitFor();
  await page.getByRole('searchbox').fill('');

  const [dump] = await Promise.all([page.waitForEvent('download'), button(page, 'Download everything').click()]);
  assert.match(dump.suggestedFilename(), new RegExp(`^${id}_.*\\.tar\\.gz$`));
  const path = join(tmpdir(), `sheetflow-e2e-${process.pid}-${dump.suggestedFilename()}`);
  await dump.saveAs(path);

  // Here already: the choice is told.
  await page.getByLabel('Restore from a dump').setInputFiles(path);
  await page.getByRole('dialog', { name: 'This conversation is already here' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await button(page, 'Delete').click();
  await button(page.getByRole('dialog', { name: 'Delete “Müller & Söhne 東京”?' }), 'Cancel').click();
  await button(page, 'Delete').click();
  await button(page.getByRole('dialog'), 'Delete').click();
  await page.getByText('Conversation deleted').waitFor();
  assert.equal((await server.call('GET', `/chat/workflows/${id}`)).status, 404);

  await page.getByLabel('Restore from a dump').setInputFiles(path);
  await page.getByRole('heading', { level: 1, name: 'Müller & Söhne 東京' }).waitFor();
  await button(page, 'Look at the data').waitFor();
});

paged('a workflow is saved by name, used again on another file, and copied as curl',
  { permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
    await withFile(page);
    await button(page, 'Build a workflow').click();
    await searchStep(page, 'status', "it's active");
    await page.getByText('Works on the sample').waitFor();
    await button(page, 'Save').click();
    await page.getByRole('dialog').getByLabel('Name').fill('Active ones');
    await button(page.getByRole('dialog'), 'Save').click();
    await page.getByText('Saved as “Active ones”').waitFor();

    await button(page, 'Copy as curl').click();
    await page.getByText('Copied').waitFor();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    const reply = JSON.parse(execFileSync('sh', ['-c', line], { encoding: 'utf8' }));
    assert.equal(reply.status_code, 200);
    assert.equal(reply.data.results[0].rows_in, 11);

    const before = page.url();
    await button(page, 'New conversation').click();
    await page.waitForURL((url) => url.href.split('/chat')[0] !== before.split('/flow')[0]);
    await button(page, 'Look at the data').waitFor({ state: 'detached' });
    await page.getByText('Welcome to Sheetflow').waitFor();
    await drop(page, '.conversation', [{ name: 'people.csv', bytes: Buffer.from("status,n\nit's active,1\ngone,2\n") }]);
    await button(page, 'Build a workflow').click();
    await button(page, 'Saved workflows').click();
    await accessible(page, 'saved workflows');
    await button(page, 'Use: Active ones').click();
    await page.getByText('Works on the sample').waitFor();
    await button(page, 'Run').click();
    await runCard(page).getByRole('img', { name: '2 rows in, 1 filtered, 1 out' }).waitFor();
    await button(runCard(page), 'Run again on another file').click();
    await step(page, 1).waitFor();
  });

// How long the frames take while a grid is scrolled by some rows in each, and how many rows the page has then at most.
async function frames(grid) {
  const times = [];
  let mostRows = 0;
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < 90; i++) {
    grid.scrollTop += 60;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
    mostRows = Math.max(mostRows, grid.querySelectorAll('[role="row"]').length);
  }
  times.sort((a, b) => a - b);
  return { median: times[45], slowest: times[89], mostRows };
}

paged('a million rows scroll', {}, async (page, t) => {
  const rows = 1_000_000;
  const id = await chatWith('million.csv', Buffer.from(`id,twice\n${Array.from({ length: rows }, (_, i) => `${i},${2 * i}`).join('\n')}\n`));
  await page.goto(`${server.origin}/#/c/${id}/data`);
  await page.getByRole('gridcell', { name: '0', exact: true }).first().waitFor();
  const grid = page.getByRole('grid');
  assert.equal(await grid.getAttribute('aria-rowcount'), String(rows + 1));
  await grid.evaluate((element) => { element.scrollTop = element.scrollHeight / 2; });
  await page.waitForFunction(() => {
    const cells = [...document.querySelectorAll('[role="gridcell"]')].map((cell) => Number(cell.textContent));
    return cells.some((value) => value > 400_000 && value < 600_000);
  });
  const scrolled = await grid.evaluate(frames);
  assert.ok(scrolled.mostRows < 120, `${scrolled.mostRows} rows in the page while it scrolls`);
  t.diagnostic(`frames while scrolling: median ${scrolled.median.toFixed(1)} ms, slowest ${scrolled.slowest.toFixed(1)} ms`);
  await grid.focus();
  await page.keyboard.press('Control+End');
  await page.getByRole('gridcell', { name: String(2 * (rows - 1)), exact: true }).waitFor();
  assert.ok(await page.getByRole('row').count() < 120, 'only what is in view is in the page');
});

paged('on a phone: one view at a time, nothing wider than the screen', { viewport: { width: 390, height: 780 }, hasTouch: true }, async (page) => {
  await button(page, 'New conversation').click();
  await page.getByText('Welcome to Sheetflow').waitFor();
  await drop(page, '.conversation', [customers]);
  await button(page, 'Look at the data').waitFor();
  const fits = async (view) => {
    await accessible(page, `phone: ${view}`);
    const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width <= room, `${view} is ${width} wide`);
  };
  await fits('chat');
  await page.getByRole('link', { name: 'Data' }).tap();
  await page.getByRole('gridcell', { name: 'ada lovelace' }).waitFor();
  await fits('data');
  await page.getByRole('link', { name: 'Workflow' }).tap();
  await searchStep(page, 'status', 'active');
  await page.getByText('Works on the sample').waitFor();
  await fits('workflow');
  await button(page, 'Run').tap();
  await status(page, 'Done').waitFor();
  await button(page, 'Conversations').tap();
  await page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first().waitFor();
  await fits('conversations');
});

paged('in the dark every view keeps its contrast; the switch is remembered', { colorScheme: 'dark' }, async (page) => {
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = () => page.waitForFunction((color) => getComputedStyle(document.body).backgroundColor !== color, dark);
  await accessible(page, 'dark: without a conversation');
  await withFile(page);
  await server.execute(chatOf(page), [
    { operation: 'excel/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }] } },
    { operation: 'excel/extract-columns-to-file', arguments: { columns: ['nope'] } }]);
  await status(page, 'Failed').waitFor();
  await accessible(page, 'dark: a failed run');
  await button(page, 'Look at the data').click();
  await page.getByRole('gridcell', { name: 'ada lovelace' }).waitFor();
  await accessible(page, 'dark: data');
  await button(page, 'Columns').click();
  await page.getByRole('heading', { name: 'credit' }).waitFor();
  await accessible(page, 'dark: columns');
  await page.getByRole('link', { name: 'Workflow' }).click();
  await searchStep(page, 'status', 'active');
  await page.getByText('Works on the sample').waitFor();
  await accessible(page, 'dark: workflow');
  await page.getByLabel('Theme').selectOption('light');
  await light();
  await page.reload();
  await page.getByLabel('Theme').waitFor();
  await light();
});

paged('in German, with local times', { locale: 'de-DE', timezoneId: 'Asia/Tokyo' }, async (page) => {
  await page.getByRole('heading', { name: 'Arbeitsmappe oder CSV hier ablegen' }).waitFor();
  await page.waitForFunction(() => document.documentElement.lang === 'de');
  await drop(page, '.welcome', [customers]);
  await page.getByText('11 Zeilen, 8 Spalten').waitFor();
  const { body } = await server.call('GET', `/chat/workflows/${chatOf(page)}`);
  const local = new Intl.DateTimeFormat('de-DE', { hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Tokyo' })
    .format(new Date(body.data.messages.at(-1).created_at));
  await page.getByRole('log').getByText(local, { exact: true }).first().waitFor();
  await accessible(page, 'German');
  await page.getByLabel('Sprache').selectOption('en');
  await page.getByText('11 rows, 8 columns').waitFor();
});

test('a server that wants a key is given one: requests, the socket, uploads and downloads carry it', async () => {
  const own = await Server.start({ env: { SHEETFLOW_ACCESS_LOCAL_WITHOUT_KEY: 'false' } });
  const made = execFileSync(PROGRAM, ['keys', 'create', '--name', 'ann', '--role', 'writer', '--json', '--data', own.data], { encoding: 'utf8' });
  const page = await open(browser, own);
  page.setDefaultTimeout(WAIT_MS);
  try {
    const dialog = page.getByRole('dialog', { name: 'This server asks for a key' });
    await dialog.getByLabel('API key').fill('sf_wrong');
    await page.keyboard.press('Enter');
    await dialog.getByText('That key was not accepted.').waitFor();
    await accessible(page, 'the question for a key');
    await dialog.getByLabel('API key').fill(JSON.parse(made).key);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await withFile(page);
    await page.getByText('Connected', { exact: true }).waitFor();
    await button(page, 'Build a workflow').click();
    await searchStep(page, 'status', 'active');
    await page.getByText('Works on the sample').waitFor();
    await button(page, 'Run').click();
    await status(page, 'Done').waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'), runCard(page).getByRole('button', { name: /^Download/ }).click(),
    ]);
    assert.ok(readFileSync(await file.path()).length > 1000);
    assert.equal(await page.evaluate(() => localStorage.getItem('sheetflow.key')), null);
    assert.deepEqual(page.faults, []);
  } finally {
    await page.context().close();
    await own.close();
  }
});

test('both languages say everything', async () => {
  const keys = (value, path = '') => (value && typeof value === 'object'
    ? Object.entries(value).flatMap(([name, part]) => keys(part, `${path}.${name}`)) : [path]);
  const { stripTypeScriptTypes } = await import('node:module');
  if (!stripTypeScriptTypes) return; // The compiler checks the same: both are of one type.
  const load = async (name) => Object.values(await import(`data:text/javascript,${encodeURIComponent(
    stripTypeScriptTypes(readFileSync(`web/page/src/texts/${name}.ts`, 'utf8')))}`))[0];
  const [en, de] = await Promise.all(['en', 'de'].map(load));
  const has = new Set(keys(de));
  assert.deepEqual(keys(en).filter((key) => !has.has(key)), []);
});

paged('what is answered is in view, and a proposal says what it is about', { viewport: { width: 1280, height: 700 } }, async (page) => {
  await withFile(page, customers);
  const inView = async (what) => {
    await what.waitFor();
    await page.waitForFunction(([log, element]) => element.getBoundingClientRect().bottom <= log.getBoundingClientRect().bottom + 1,
      [await page.getByRole('log').elementHandle(), await what.elementHandle()]);
  };
  const say = async (message) => {
    await page.getByLabel('Message', { exact: true }).fill(message);
    await page.keyboard.press('Enter');
  };
  const card = page.getByRole('region', { name: 'Suggested steps' });
  await say('what columns are there?');
  await inView(page.getByText(/has 11 rows and 8 columns/));
  // Where rows are dropped on the way, none of them stands in for the one that was there.
  await say('keep the active customers and uppercase their names');
  await card.getByText('3 filtered').waitFor();
  await card.getByRole('cell', { name: 'GRACE HOPPER' }).waitFor();
  assert.equal(await card.getByText(/cells change/).count(), 0);
  assert.equal(await card.locator('td.changed').count(), 0);
  await say('cancel');
  await card.waitFor({ state: 'detached' });
  await say('name is grace hoper');
  await card.getByText('did you mean "grace hopper"?').waitFor();
  await inView(button(card, 'Run'));
  await say('xyzzy plugh');
  await page.getByText(/did not understand that as a change/).waitFor();
  await inView(button(card, 'Run'));
  await drop(page, '.conversation', [{ name: 'orders.csv', bytes: Buffer.from('order_id,customer_id\nA-1,0001\n') }]);
  await page.getByText(/What is pending stays, for/).waitFor();
  await card.getByText('customers.xlsx', { exact: true }).waitFor();
  await card.getByText(/On the first 11 rows/).waitFor();
  await inView(button(card, 'Run'));
  assert.deepEqual(await violations(page), []);
});

paged('files are pasted, and a file that is no table is refused in words', {}, async (page) => {
  await button(page, 'Start a conversation').click();
  await page.getByText('Welcome to Sheetflow').waitFor();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['a,b\n1,2\n'], 'pasted.csv'));
    document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
  });
  await page.getByText('pasted.csv', { exact: true }).first().waitFor();
  await page.getByLabel('Add files').last().setInputFiles([{ name: 'notes.exe', mimeType: 'x/y', buffer: Buffer.from('MZ') }]);
  await page.getByText(/notes\.exe was not added: .*not accepted/).waitFor();
});

paged('a hostile file shows its text and nothing else', {}, async (page) => {
  const nasty = '<img src=x onerror=alert(1)>';
  page.on('dialog', () => page.faults.push('a script of the file ran'));
  await withFile(page, { name: "<b>x'.csv", bytes: Buffer.from(`"${nasty}",=1+1\n"<script>alert(2)</script>","${nasty}"\n`) });
  await button(page, 'Look at the data').click();
  await page.getByRole('gridcell', { name: '<script>alert(2)</script>' }).waitFor();
  await page.getByLabel('Message', { exact: true }).fill(nasty);
  await page.keyboard.press('Enter');
  await page.getByRole('log').getByText(nasty, { exact: true }).first().waitFor();
  assert.equal(await page.locator('main img').count(), 0);
});

test('nothing of the page is fetched from elsewhere, and no file of it is forgotten', () => {
  const sources = 'web/page/src';
  const all = readdirSync(sources, { recursive: true }).filter((name) => /\.(tsx?|css)$/.test(name));
  assert.ok(all.length > 15);
  for (const name of all) {
    const text = readFileSync(join(sources, name), 'utf8');
    assert.doesNotMatch(text, /https?:\/\/(?!www\.w3\.org)/, name);
    assert.doesNotMatch(text, /dangerouslySetInnerHTML|innerHTML|eval\(/, name);
  }
  assert.ok(existsSync('web/page/package-lock.json'));
});
