// What the layers share.
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAM, pause } from './server.mjs';
import { Gone, Refused } from './story.mjs';

const here = dirname(fileURLToPath(import.meta.url));

// The helpers lie in the build directory of the program.
const build = process.env.CRASH_HELPERS || join(dirname(PROGRAM), '../../tests/crash');
export const TRACER = join(build, 'tracer');
export const NOMEM = join(build, 'nomem.so');
export { here };

// Tell the stories at the same time until they are done or the server is gone; how often one was refused. A refused
// story is told again a few times: what was wrong may have passed.
export async function tellAll(server, stories, { tries = 3, pauseMs = 2 } = {}) {
  let refused = 0;
  await Promise.all(stories.map(async (story) => {
    for (let i = 0; i < tries && !story.done; i++) {
      try {
        await story.tell(server);
      } catch (error) {
        if (error instanceof Refused) {
          refused++;
          await pause(pauseMs);
          continue;
        }
        if (!(error instanceof Gone)) throw error;
        if (server.ended) return;
      }
    }
  }));
  return refused;
}

const SETTLE_MS = 60000;

// Every run is at its end.
export async function settled(server, wrong) {
  for (const started = Date.now(); ;) {
    const { body } = await server.api('GET', '/chat/workflows?limit=1000');
    let open = 0;
    for (const c of body.data.conversations) {
      if (c.status === 'archived' || !c.step_count) continue;
      const { body: list } = await server.api('GET', `/chat/workflows/${c.chat_id}/runs`);
      open += list.data?.runs.filter((run) => ['pending', 'running'].includes(run.status)).length ?? 0;
    }
    if (!open) return;
    if (Date.now() - started > SETTLE_MS) {
      wrong('a run does not end');
      return;
    }
    await pause(3);
  }
}

// fn for each of the values, as many at a time as there are processors.
export async function each(values, fn, width = Math.max(2, availableParallelism())) {
  const queue = values[Symbol.iterator]();
  await Promise.all(Array.from({ length: width }, async () => {
    for (const value of queue) await fn(value);
  }));
}

export function tally() {
  const started = Date.now();
  return () => ((Date.now() - started) / 1000).toFixed(1);
}
