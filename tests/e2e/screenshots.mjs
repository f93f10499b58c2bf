// Takes pictures of the main views, for the documentation and to be looked at: node tests/e2e/screenshots.mjs FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drop, launch, open } from '../lib/page.mjs';
import { Server } from '../lib/server.mjs';

const folder = process.argv[2];
const server = await Server.start();
const browser = await launch();
const button = (scope, name) => scope.getByRole('button', { name, exact: true });
const file = (name) => ({ name, bytes: readFileSync(join('samples', name)) });

async function journey(options, names) {
  const page = await open(browser, server, '/', { viewport: { width: 1440, height: 900 }, ...options });
  const take = async (view) => {
    if (!names[view]) return;
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(folder, `${names[view]}.png`) });
  };
  await page.getByRole('heading', { name: 'Drop a workbook or CSV here' }).waitFor();
  await take('welcome');
  await button(page, 'New conversation').click();
  await page.getByText('Welcome to Sheetflow').waitFor();
  await button(page, 'Rename').click();
  await page.getByRole('dialog').getByLabel('Name').fill('Spring mailing');
  await button(page.getByRole('dialog'), 'Save').click();
  await page.getByRole('heading', { level: 1, name: 'Spring mailing' }).waitFor();
  await drop(page, '.conversation', [file('customers.xlsx')]);
  await button(page, 'Look at the data').waitFor();
  await page.getByLabel('Message', { exact: true }).fill('keep the active customers, uppercase their names and give me SQL for table clients');
  await button(page, 'Send').click();
  await page.getByRole('region', { name: 'Suggested steps' }).getByText(/INSERT INTO clients/).waitFor();
  await take('suggestion');
  await button(page.getByRole('region', { name: 'Suggested steps' }), 'Run').click();
  await page.getByRole('article', { name: /^Run of/ }).getByText('Done', { exact: true }).waitFor();
  await page.getByText('The files are ready').waitFor();
  await page.getByRole('button', { name: /^Look at .*normalized/ }).first().click();
  await page.getByRole('gridcell', { name: 'GRACE HOPPER' }).or(page.getByText('No files')).first().waitFor();
  await take('conversation');
  await page.getByLabel('File', { exact: true }).selectOption('customers.xlsx');
  await button(page, 'Columns').click();
  await page.getByRole('heading', { name: 'credit' }).waitFor();
  await take('columns');
  await page.getByRole('link', { name: 'Workflow' }).click();
  await button(page, 'Run again on another file').click().catch(() => {});
  const rules = page.getByRole('listitem', { name: /^Step 2:/ });
  await rules.locator('.step-toggle').click();
  await page.getByText('Works on the sample').waitFor();
  await rules.getByText(/^Sample:/).click();
  await rules.getByRole('img').scrollIntoViewIfNeeded();
  await page.locator('.flow-body').evaluate((body) => { body.scrollTop = 80; });
  await take('workflow');
  await server.execute(/#\/c\/([0-9a-f-]{36})/.exec(page.url())[1], [
    { operation: 'excel/search', arguments: { conditions: [{ column: 'status', operator: 'equals', value: 'active' }] } },
    { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'e-mail', normalization_type: 'lowercase' }] } },
  ]);
  await page.getByRole('group', { name: 'How to go on' }).waitFor();
  await take('failure');
  await page.context().close();
}

try {
  await journey({}, {
    welcome: 'welcome', suggestion: 'suggestion', conversation: 'conversation', columns: 'columns', workflow: 'workflow', failure: 'failure',
  });
  await journey({ colorScheme: 'dark' }, { conversation: 'dark' });
  await journey({ viewport: { width: 390, height: 844 } }, { suggestion: 'phone' }).catch((error) => {
    if (!/Timeout/.test(String(error))) throw error; // Past the picture, the views lie behind tabs.
  });
} finally {
  await browser.close();
  await server.close();
}
