// Builds the page at / and writes it as a C file.
//
//   node scripts/page.mjs web/page OUTPUT.c OUTPUT.d WORK_FOLDER
//
// OUTPUT.d tells ninja which files the page is made of, so that nothing is done when none of them has changed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './modules.mjs';

const [page, output, depfile, work] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));

function filesBelow(folder) {
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

function node(...args) {
  const child = spawnSync(process.execPath, args, { cwd: page, stdio: ['ignore', 'inherit', 'inherit'] });
  if (child.status !== 0) process.exit(child.status || 1);
}

install(page);
const built = join(work, 'page');
mkdirSync(built, { recursive: true });
node(join(page, 'node_modules/vite/bin/vite.js'), 'build', '--outDir', built, '--emptyOutDir', '--logLevel', 'warn');
const assets = filesBelow(join(built, 'assets'));
node(join(here, 'embed.mjs'), output, '--array', 'embedded_page_files', join(built, 'index.html'), '--gzip', ...assets);

const sources = [join(page, 'index.html'), join(page, 'vite.config.ts'), join(page, 'package.json'),
  ...filesBelow(join(page, 'src')), fileURLToPath(import.meta.url)];
const escaped = (path) => path.replaceAll(' ', '\\ ');
writeFileSync(depfile, `${escaped(output)}: ${sources.map(escaped).join(' ')}\n`);
