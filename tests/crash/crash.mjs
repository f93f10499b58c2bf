// `make crash`: all layers in full, then the mistakes. Exits with 1 when anything is wrong or a layer is blind.
//
//   SHEETFLOW=... [CRASH_FAULTS=program with mistakes] node crash.mjs [LAYER...] [--step N] [--from N] [--to N]
//                                                                     [--role start|server|worker] [--error kill|ENOSPC|EIO]
//
// --step N: only every N-th point, for a look. --from, --to: only the points (calls of B, allocations of D) between.
// --role, --error: only that part of D, of B. The seed is printed; SEED=N repeats a run.
import { availableParallelism } from 'node:os';
import { countCalls, sweep } from './calls.mjs';
import { kills, makeStandard } from './kills.mjs';
import { startSweep, workSweep } from './memory.mjs';
import { power } from './power.mjs';
import { tally } from './run.mjs';

const args = process.argv.slice(2);
const option = (name, otherwise) => {
  const at = args.indexOf(`--${name}`);
  return at >= 0 ? args.splice(at, 2)[1] : otherwise;
};
const step = Number(option('step', 1));
const first = Number(option('from', 1));
const last = Number(option('to', Infinity));
const role = option('role');
const only = option('error');
const chosen = args.length ? args : ['A', 'B', 'C', 'D', 'M'];
const seed = Number(process.env.SEED || Date.now() % 1000000);
const report = (line) => console.log(`  WRONG ${line}`);
let wrongs = 0;

function say(text, wrong, seconds) {
  wrongs += wrong.length;
  console.log(`${text}: ${wrong.length ? `${wrong.length} wrong` : 'nothing wrong'} (${seconds()} s)`);
}

console.log(`seed ${seed}, ${availableParallelism()} processors`);
if (chosen.includes('A')) {
  const seconds = tally();
  const f = await kills({ count: Math.ceil(300 / step), seed, golden: await makeStandard(), report });
  say(`A  ${f.kills} kills (server ${f.server}, worker ${f.worker}, both ${f.both}, zygote ${f.zygote}), ${f.requests} requests`, f.wrong, seconds);
}
if (chosen.includes('B')) {
  const { n: calls, golden } = await countCalls();
  for (const error of [null, 'ENOSPC', 'EIO']) {
    if (only && only !== (error || 'kill')) continue;
    const seconds = tally();
    const f = await sweep({ error, step, first, last, golden, calls, report });
    say(`B  ${error || 'kill'} at ${f.hits} of ${calls} calls to the disk`, f.wrong, seconds);
  }
}
if (chosen.includes('C')) {
  const seconds = tally();
  const f = await power({ count: Math.ceil(750 / step), seed, report });
  say(`C  power loss: ${f.states} disks out of ${f.calls} calls`, f.wrong, seconds);
}
if (chosen.includes('D')) {
  const parts = ['start', 'server', 'worker'].filter((part) => !role || part === role);
  for (const part of parts) {
    const seconds = tally();
    if (part === 'start') {
      const s = await startSweep({ step, first, last, report });
      say(`D  start: ${s.points} of ${s.allocations} allocations denied`, s.wrong, seconds);
      continue;
    }
    const f = await workSweep({ role: part, step, first, last, report });
    say(`D  ${part}: ${f.points} of ${f.allocations} allocations denied, ${f.refused} requests refused`, f.wrong, seconds);
  }
}
if (chosen.includes('M')) {
  const { execFileSync } = await import('node:child_process');
  const { fileURLToPath } = await import('node:url');
  // Another process, as the program under test is another one.
  try {
    execFileSync(process.execPath, [fileURLToPath(new URL('blind.mjs', import.meta.url))], {
      env: { ...process.env, SHEETFLOW: process.env.CRASH_FAULTS }, stdio: 'inherit',
    });
  } catch {
    wrongs++;
  }
}
console.log(wrongs ? `${wrongs} wrong` : 'all is well');
process.exit(wrongs ? 1 : 0);
