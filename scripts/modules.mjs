// The npm packages of a folder, as its package-lock.json names them.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

// npm writes .package-lock.json last of all.
function isCurrent(folder) {
  const mark = join(folder, 'node_modules', '.package-lock.json');
  return existsSync(mark) && statSync(mark).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs;
}

// Installed aside and moved into place, so that builds that run at the same time do not see half of it.
export function install(folder) {
  if (isCurrent(folder)) return;
  const aside = mkdtempSync(join(folder, '.install-'));
  const place = join(folder, 'node_modules');
  try {
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(folder, name), join(aside, name));
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'],
      { cwd: aside, stdio: ['ignore', 'inherit', 'inherit'] });
    if (npm.status !== 0) throw new Error(`npm ci failed in ${folder}`);
    if (isCurrent(folder)) return; // Another build was quicker.
    if (existsSync(place)) renameSync(place, join(aside, 'before'));
    renameSync(join(aside, 'node_modules'), place);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
