// Installation and the Debian package: what lies where, and that it is right.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { program, Scratch } from './cli.mjs';

const has = (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
const skip = (tool) => !has(tool) && `${tool} is not installed`;
const build = resolve(dirname(program), '../..');

const installed = [
  'bin/sheetflow',
  'share/man/man1/sheetflow.1',
  'share/man/man1/sheetflow-op.1',
  'share/man/man5/sheetflow.yaml.5',
  'share/bash-completion/completions/sheetflow',
  'share/zsh/site-functions/_sheetflow',
  'share/fish/vendor_completions.d/sheetflow.fish',
  'share/doc/sheetflow/copyright',
  'share/doc/sheetflow/sheetflow.yaml',
  'lib/systemd/system/sheetflow.service',
  'lib/sysusers.d/sheetflow.conf',
];

function sh(command, ...args) {
  const r = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(r.status, 0, `${command} ${args.join(' ')}: ${r.stdout}${r.stderr}`);
  return r.stdout;
}

test('what make install puts where', { skip: !existsSync(join(build, 'build.ninja')) && 'no build folder' }, async (t) => {
  const s = new Scratch(t);
  const prefix = JSON.parse(sh('meson', 'introspect', '--buildoptions', build)).find((o) => o.name === 'prefix').value;
  sh('meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', s.dir);
  const root = join(s.dir, prefix);
  for (const path of installed) assert.ok(existsSync(join(root, path)), path);
  assert.equal(sh(join(root, 'bin/sheetflow'), 'version'), sh(program, 'version'));
  assert.match(readFileSync(join(root, 'lib/systemd/system/sheetflow.service'), 'utf8'),
    new RegExp(`^ExecStart=${prefix}/bin/sheetflow serve --config ${prefix === '/usr' ? '' : prefix}/etc/sheetflow/sheetflow\\.yaml `, 'm'));
  assert.equal(statSync(join(root, 'share/man/man1/sheetflow.1')).mode & 0o777, 0o644);
});

test('installing again keeps the settings file', async (t) => {
  const s = new Scratch(t);
  const install = () => sh('packaging/install', program, s.dir, '/usr', '/etc');
  mkdirSync(join(s.dir, 'etc/sheetflow'), { recursive: true });
  s.write('etc/sheetflow/sheetflow.yaml', 'app:\n  port: 8080\n');
  install();
  install();
  assert.equal(s.read('etc/sheetflow/sheetflow.yaml'), 'app:\n  port: 8080\n');
});

test('the Debian package', { skip: skip('dpkg-deb') }, async (t) => {
  const s = new Scratch(t);
  const deb = sh('scripts/deb', program, s.dir).trim();
  const version = sh(program, 'version').trim().split(' ')[1];
  assert.equal(deb, join(s.dir, `sheetflow_${version}_${sh('dpkg', '--print-architecture').trim()}.deb`));
  const listing = sh('dpkg-deb', '-c', deb);
  for (const path of [...installed, '/etc/sheetflow/sheetflow.yaml']) {
    const name = path[0] === '/' ? path : `/usr/${path}`;
    assert.match(listing, new RegExp(` \\.${name.replaceAll('.', '\\.')}(\\.gz)?$`, 'm'));
  }
  for (const line of listing.trim().split('\n')) assert.match(line, /^[-d]rwxr-xr-x root\/root|^-rw-r--r-- root\/root/);
  const control = sh('dpkg-deb', '-f', deb);
  assert.match(control, /^Package: sheetflow$/m);
  if (has('dpkg-shlibdeps')) assert.match(control, /^Depends: .*libc6 .*libsqlite3-0/m);
  sh('dpkg-deb', '-e', deb, join(s.dir, 'control'));
  assert.equal(s.read('control/conffiles'), '/etc/sheetflow/sheetflow.yaml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) sh('sh', '-n', join(s.dir, 'control', script));
  sh('dpkg-deb', '-x', deb, join(s.dir, 'files'));
  sh('sh', '-c', `cd ${s.dir}/files && md5sum --quiet -c ../control/md5sums`);
  assert.equal(sh(join(s.dir, 'files/usr/bin/sheetflow'), 'version'), sh(program, 'version'));
});

test('the unit is one that systemd understands', { skip: skip('systemd-analyze') }, async (t) => {
  const s = new Scratch(t);
  const unit = readFileSync('packaging/sheetflow.service.in', 'utf8')
    .replaceAll('@bindir@', dirname(program)).replaceAll('@sysconfdir@', '/etc')
    .replace(/^Documentation=.*\n/m, ''); // The pages are not installed here.
  s.write('sheetflow.service', unit);
  const r = spawnSync('systemd-analyze', ['verify', join(s.dir, 'sheetflow.service')], { encoding: 'utf8' });
  const ours = r.stderr.split('\n').filter((line) => line.includes('sheetflow.service'));
  assert.deepEqual(ours, []);
});
