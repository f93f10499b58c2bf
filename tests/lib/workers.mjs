// The worker processes of a server, and the one that forks them; without a run there is the worker that is kept ready.
import { readFileSync, readdirSync } from 'node:fs';

const GONE = ['ENOENT', 'ESRCH'];

function look(fallback, read) {
  try {
    return read();
  } catch (error) {
    if (GONE.includes(error.code)) return fallback;
    throw error;
  }
}

const childrenOf = (pid) => look([], () => readdirSync(`/proc/${pid}/task`).flatMap((thread) => look('',
  () => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')).split(' ').filter(Boolean).map(Number)));
const isZygote = (pid) => look('', () => readFileSync(`/proc/${pid}/cmdline`, 'latin1')).split('\0')[1] === 'zygote';

// Process ids; none of a server that has ended.
export const zygotesOf = (server) => childrenOf(server).filter(isZygote);
// A worker is a child of the server or of its zygote; for a moment after the fork it still looks like the latter.
export const workersOf = (server) => childrenOf(server).flatMap((pid) => (isZygote(pid) ? childrenOf(pid) : [pid]));

// To those that have not ended by themselves.
export function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!GONE.includes(error.code)) throw error;
    }
  }
}

// Slow motion, so that a run lasts long enough to be looked at on the fastest machine: until body is done, the workers of
// parent() have 10 of 100 ms. still(look): none while it looks.
export async function slowly(parent, body) {
  let held = [], timer;
  const stop = () => {
    held = workersOf(parent());
    signalAll(held, 'SIGSTOP');
  };
  const hold = () => {
    stop();
    timer = setTimeout(release, 90);
  };
  const release = () => {
    signalAll(held, 'SIGCONT');
    timer = setTimeout(hold, 10);
  };
  const still = async (look) => {
    clearTimeout(timer);
    stop();
    await look();
    release();
  };
  hold();
  try {
    return await body({ still });
  } finally {
    clearTimeout(timer);
    signalAll(held, 'SIGCONT');
  }
}
