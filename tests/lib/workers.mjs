// The worker processes of a server: its children; without a run there is the one that is kept ready.
import { readFileSync, readdirSync } from 'node:fs';

const GONE = ['ENOENT', 'ESRCH'];

// Process ids; none of a server that has ended.
export function workersOf(server) {
  try {
    return readdirSync(`/proc/${server}/task`).flatMap((thread) => readFileSync(`/proc/${server}/task/${thread}/children`, 'utf8')
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
