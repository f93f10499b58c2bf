// The worker processes of a server or a run on the command line: its children. A server without a run has the one that
// is kept ready.
import { readFileSync, readdirSync } from 'node:fs';

const GONE = ['ENOENT', 'ESRCH'];

// Process ids; none of a process that has ended.
export function workersOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .split(' ').filter(Boolean).map(Number));
  } catch (error) {
    if (GONE.includes(error.code)) return [];
    throw error;
  }
}

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
// parent() have 10 of 100 ms.
export async function slowly(parent, body) {
  let held = [], timer;
  const hold = () => {
    held = workersOf(parent());
    signalAll(held, 'SIGSTOP');
    timer = setTimeout(release, 90);
  };
  const release = () => {
    signalAll(held, 'SIGCONT');
    timer = setTimeout(hold, 10);
  };
  hold();
  try {
    return await body();
  } finally {
    clearTimeout(timer);
    signalAll(held, 'SIGCONT');
  }
}
