// Writes a C file that holds other files, for struct embedded in src/describe/embedded.h.
//
//   node scripts/embed.mjs OUTPUT.c [--array NAME] [--gzip] FILE ... [--modules FOLDER FILE ...]
//
// The array is called embedded_files where no name is given. Files after --modules come from the npm packages of FOLDER/package.json, which are installed when they are not there.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { install } from './modules.mjs';

const BYTES_A_LINE = 64;

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
let array = 'embedded_files';
for (let i = 0; i < args.length; i++) {
  if (args[i] === '--gzip') gzip = true;
  else if (args[i] === '--array') array = args[++i];
  else if (args[i] === '--modules') modules = args[++i];
  else files.push({ path: modules ? join(modules, 'node_modules', args[i]) : args[i], gzip });
}
if (modules) install(modules);

let text = '/* Written by scripts/embed.mjs. */\n#include "describe/embedded.h"\n\n';
files.forEach((file, i) => {
  const bytes = readFileSync(file.path);
  text += `static const char file_${i}[] =\n${literal(file.gzip ? gzipSync(bytes, { level: 9 }) : bytes)};\n`;
});
text += '\nconst struct embedded ' + array + '[] = {\n';
files.forEach((file, i) => {
  text += `    { "${basename(file.path)}", file_${i}, sizeof file_${i} - 1, ${file.gzip} },\n`;
});
text += '    { 0 },\n};\n';
writeFileSync(output, text);
