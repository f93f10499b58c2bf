// Real database engines for tests: each in a scratch folder of its own, on a socket there, as a user without rights.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NOBODY = 65534; // The servers refuse to be root.
const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C.UTF-8', TZ: 'UTC' };

function find(name, folders = []) {
  return [...folders, ...env.PATH.split(':')].map((dir) => join(dir, name)).find(existsSync);
}

function scratch() {
  const dir = mkdtempSync(join(tmpdir(), 'sf-sql-'));
  if (user.uid) chownSync(dir, user.uid, user.gid);
  return dir;
}

function must(command, args, options = {}) {
  const done = spawnSync(command, args, { env, ...user, cwd: '/', encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.status !== 0) throw new Error(`${command}: ${done.error ?? ''}${done.stderr}${done.stdout}`.slice(0, 3000));
  return done.stdout;
}

// Resolves when the server says that it is ready.
function serve(command, args, ready) {
  const child = spawn(command, args, { env, ...user, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  child.exited = new Promise((done) => { child.on('exit', done); });
  return new Promise((done, fail) => {
    let log = '';
    const listen = (data) => {
      log += data;
      if (ready.test(log)) done(child);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('exit', () => fail(new Error(`${command} has ended: ${log.slice(-2000)}`)));
  });
}

const double = (mark) => (name) => mark + name.replaceAll(mark, mark + mark) + mark;

class Engine {
  constructor() {
    this.dir = scratch();
  }

  async close() {
    this.child?.kill('SIGINT'); // Fast and clean for both; SIGTERM waits for clients.
    if (this.child && this.name === 'mysql') this.child.kill('SIGTERM');
    await this.child?.exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

class Sqlite extends Engine {
  name = 'sqlite';
  quote = double('"');
  types = { text: 'TEXT', integer: 'INTEGER', number: 'REAL', boolean: 'BOOLEAN', date: 'TEXT', datetime: 'TEXT' };
  serial = 'INTEGER PRIMARY KEY AUTOINCREMENT';

  static program = () => find('sqlite3');

  async start() {
    this.file = join(this.dir, 'test.db');
  }

  run(script) {
    return must(Sqlite.program(), ['-batch', '-bail', this.file], { input: script });
  }

  rows(table, columns) {
    const pairs = columns.map((name) => `'${name.replaceAll("'", "''")}', ${this.quote(name)}`).join(', ');
    return JSON.parse(this.run(`SELECT json_group_array(json_object(${pairs})) FROM ${this.quote(table)};`));
  }
}

class Postgres extends Engine {
  name = 'postgresql';
  quote = double('"');
  types = { text: 'text', integer: 'bigint', number: 'double precision', boolean: 'boolean', date: 'date', datetime: 'timestamp' };
  serial = 'serial PRIMARY KEY';

  static folders() {
    const root = '/usr/lib/postgresql';
    return existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : [];
  }

  static program = () => find('initdb', Postgres.folders());

  async start() {
    const data = join(this.dir, 'data');
    must(Postgres.program(), ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
    this.child = await serve(find('postgres', Postgres.folders()),
      ['-D', data, '-k', this.dir, '-c', 'listen_addresses=', '-c', 'fsync=off'], /ready to accept connections/);
  }

  run(script) {
    return must(find('psql', Postgres.folders()),
      ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', this.dir, '-U', 'test', '-d', 'postgres', '-f', '-'], { input: script });
  }

  rows(table, columns) {
    const list = columns.map(this.quote).join(', ');
    return JSON.parse(this.run(`SELECT coalesce(json_agg(every_row), '[]') FROM (SELECT ${list} FROM ${this.quote(table)}) every_row;`));
  }
}

class Maria extends Engine {
  name = 'mysql';
  quote = double('`');
  types = { text: 'text', integer: 'bigint', number: 'double', boolean: 'boolean', date: 'date', datetime: 'datetime(6)' };
  serial = 'bigint AUTO_INCREMENT PRIMARY KEY';

  static program = () => find('mariadbd') && find('mariadb-install-db');

  async start() {
    const data = join(this.dir, 'data');
    this.socket = join(this.dir, 's');
    mkdirSync(data);
    if (user.uid) chownSync(data, user.uid, user.gid);
    must(Maria.program(), ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']);
    this.child = await serve(find('mariadbd'), ['--no-defaults', `--datadir=${data}`, `--socket=${this.socket}`, '--skip-networking',
      `--pid-file=${join(this.dir, 'pid')}`, '--character-set-server=utf8mb4', '--innodb-flush-log-at-trx-commit=0'], /ready for connections/);
    this.run('CREATE DATABASE test;', []);
  }

  run(script, database = ['test']) {
    return must(find('mariadb'), ['--no-defaults', '-S', this.socket, '-u', 'root', '--default-character-set=utf8mb4', '-N', '-r', ...database],
      { input: script });
  }

  rows(table, columns) {
    const pairs = columns.map((name) => `'${name.replaceAll('\\', '\\\\').replaceAll("'", "''")}', ${this.quote(name)}`).join(', ');
    const out = this.run(`SET group_concat_max_len=268435456; SELECT JSON_ARRAYAGG(JSON_OBJECT(${pairs})) FROM ${this.quote(table)};`);
    return JSON.parse(out) ?? [];
  }
}

export const engines = [Sqlite, Postgres, Maria];
