// Writes a C file that holds other files, for struct embedded in src/describe/embedded.h.
//
//   node scripts/embed.mjs OUTPUT.c [--gzip] FILE ... [--modules FOLDER FILE ...]
//
// Files after --modules come from the npm packages of FOLDER/package.json, which are installed when they are not there.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const BYTES_A_LINE = 64;

// Installed aside and moved into place, so that builds that run at the same time do not see half of it.
function install(folder) {
  const aside = mkdtempSync(join(folder, '.install-'));
  try {
    for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(folder, name), join(aside, name));
    const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'],
      { cwd: aside, stdio: ['ignore', 'inherit', 'inherit'] });
    if (npm.status !== 0) throw new Error(`npm ci failed in ${folder}`);
    try {
      renameSync(join(aside, 'node_modules'), join(folder, 'node_modules'));
    } catch (error) {
      if (!existsSync(join(folder, 'node_modules'))) throw error; // Else another build was quicker.
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

const octal = Array.from({ length: 256 }, (_, byte) => `\\${byte.toString(8).padStart(3, '0')}`);

function literal(bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += BYTES_A_LINE) {
    lines.push(`"${Array.from(bytes.subarray(i, i + BYTES_A_LINE), (byte) => octal[byte]).join('')}"`);
  }
  return lines.join('\n') || '""';
}

const [output, ...args] = process.argv.slice(2);
const files = [];
let gzip = false;
let modules = null;
for (let i = 0; i < args.length; i++) {
  if (args[i] === '--gzip') gzip = true;
  else if (args[i] === '--modules') modules = args[++i];
  else files.push({ path: modules ? join(modules, 'node_modules', args[i]) : args[i], gzip });
}
if (modules && !existsSync(join(modules, 'node_modules'))) install(modules);

let text = '/* Written by scripts/embed.mjs. */\n#include "describe/embedded.h"\n\n';
files.forEach((file, i) => {
  const bytes = readFileSync(file.path);
  text += `static const char file_${i}[] =\n${literal(file.gzip ? gzipSync(bytes, { level: 9 }) : bytes)};\n`;
});
text += '\nconst struct embedded embedded_files[] = {\n';
files.forEach((file, i) => {
  text += `    { "${basename(file.path)}", file_${i}, sizeof file_${i} - 1, ${file.gzip} },\n`;
});
text += '    { 0 },\n};\n';
writeFileSync(output, text);
