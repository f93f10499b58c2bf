// What the tests of the command line share: the program, a scratch folder, a run of the program.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const program = resolve(process.env.SHEETFLOW || 'build/src/cli/sheetflow');

export class Scratch {
  constructor(t) {
    this.dir = mkdtempSync(join(tmpdir(), 'sheetflow-cli-'));
    t.after(() => rmSync(this.dir, { recursive: true, force: true }));
  }

  write(name, text) {
    writeFileSync(join(this.dir, name), typeof text === 'object' && !Buffer.isBuffer(text) ? JSON.stringify(text) : text);
    return name;
  }

  read(name) {
    return readFileSync(join(this.dir, name), 'utf8');
  }

  // Hidden names included: nothing may be left behind.
  list(folder = '.') {
    return readdirSync(join(this.dir, folder)).sort();
  }

  // Start the program here; resolves with {status, signal, stdout, stderr}.
  start(args, { input, env } = {}) {
    const child = spawn(program, args, {
      cwd: this.dir,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out = [], err = [];
    child.stdout.on('data', (d) => out.push(d));
    child.stderr.on('data', (d) => err.push(d));
    child.stdin.on('error', () => {}); // It may end without reading all of it.
    if (input !== null) child.stdin.end(input ?? '');
    child.done = new Promise((done, fail) => {
      child.on('error', fail);
      child.on('close', (status, signal) => done({
        status,
        signal,
        bytes: Buffer.concat(out),
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      }));
    });
    return child;
  }

  run(args, options) {
    return this.start(args, options).done;
  }
}

export const people = `id,name,email,age,joined
007,Ada Lovelace,ada@x.org,36,2024-01-31
008,Grace Hopper,grace@x.org,85,2024-02-29
009,"Alan, T.",,41,2024-03-01
`;

export const stamp = /_\d{8}_\d{6}/;

// n rows of the columns n, name.
export function rows(n) {
  const lines = ['n,name'];
  for (let i = 1; i <= n; i++) lines.push(`${i},row number ${i}`);
  return lines.join('\n') + '\n';
}
