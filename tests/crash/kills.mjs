// Layer A: kill -9 of the server, a worker or both at random moments, while several clients work.
//
//   clients tell stories ─▶ after 1 to 80 ms: kill ─▶ checks of what is left ─▶ start ─▶ every run comes to its end ─▶
//   checks ─▶ the clients go on with the same keys
import { rmSync } from 'node:fs';
import { signalAll } from '../lib/workers.mjs';
import { checkCrashed, checkRecovered, makeGolden, scratch, snapshot } from './check.mjs';
import { settled, tellAll } from './run.mjs';
import { Gone, Story } from './story.mjs';
import { Server, pause } from './server.mjs';

const CLIENTS = 4;
const KILL_MS = 80;
const SECOND_START_EVERY = 10;

// Random, and the same again for the same seed.
export function random(seed) {
  let state = seed >>> 0 || 1;
  return (n) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % n;
  };
}

export async function makeStandard(env) {
  const data = scratch('standard');
  const story = new Story('s', { wrong: (text) => { throw new Error(`without any crash: ${text}`); } });
  const server = await Server.start(data, { env });
  await story.tell(server);
  await server.stop();
  const golden = makeGolden(data, story);
  rmSync(data, { recursive: true });
  return golden;
}

function shoot(server, whom) {
  if (whom === 'zygote') signalAll(server.zygotes(), 'SIGKILL');
  if (whom === 'worker' || whom === 'both') signalAll(server.workers(), 'SIGKILL');
  if (whom === 'server' || whom === 'both') server.kill('SIGKILL');
}

// Stories one after the other until told to stop; a story in progress is left for the next server.
async function client(state, server, stop) {
  while (!stop.now && !server.ended) {
    if (!state.story || state.story.done) state.next();
    await tellAll(server, [state.story], { tries: 1 });
  }
}

export async function kills({ count, seed, golden, env, report, stopAtFirst = false }) {
  const data = scratch('kills');
  const roll = random(seed);
  const figures = { kills: 0, server: 0, worker: 0, both: 0, zygote: 0, stories: 0, requests: 0, wrong: [] };
  const wrong = (text) => {
    const line = `kill ${figures.kills}: ${text}`;
    figures.wrong.push(line);
    report(line);
  };
  // A run whose worker was killed has failed, and was told so.
  const lax = { ...golden, mayFail: true };
  const stories = [];
  let begun = 0;
  const states = Array.from({ length: CLIENTS }, (_, i) => ({
    next() {
      this.story = new Story(`c${i}-${begun++}`, { wrong, rows: 200 });
      stories.push(this.story);
    },
  }));
  let server = await Server.start(data, { env });
  while (figures.kills < count && !(stopAtFirst && figures.wrong.length)) {
    const whom = ['server', 'server', 'worker', 'both', 'zygote'][roll(5)];
    const stop = { now: false };
    const work = Promise.all(states.map((state) => client(state, server, stop)));
    await pause(1 + roll(KILL_MS));
    shoot(server, whom);
    figures.kills++;
    figures[whom]++;
    if (whom === 'worker' || whom === 'zygote') {
      stop.now = true;
      await work;
      if (server.ended) wrong(`the server died with a ${whom}`);
    } else {
      await server.exited;
      await work;
      checkCrashed(data, stories, lax, wrong);
      server = await Server.start(data, { env });
      if (!server.port) {
        wrong(`no start: ${server.log.trim().split('\n').pop()}`);
        break;
      }
    }
    await settled(server, wrong).catch((error) => {
      if (!(error instanceof Gone)) throw error;
      wrong(`the server ended: ${error.message}`);
    });
    checkRecovered(data, stories, lax, wrong);
    if (figures.kills % SECOND_START_EVERY === 0) {
      await server.stop('SIGKILL');
      const before = snapshot(data);
      server = await Server.start(data, { env });
      if (snapshot(data) !== before) wrong('a second start changes something');
    }
    // Only the last stories are looked at again each time: what is done and was right stays in `done`.
    while (stories.length > 4 * CLIENTS) {
      const old = stories.findIndex((story) => story.done && !states.some((state) => state.story === story));
      if (old < 0) break;
      const [story] = stories.splice(old, 1);
      figures.stories++;
      figures.requests += Object.values(story.sent).reduce((a, b) => a + b, 0);
      await server.api('DELETE', `/chat/workflows/${story.acks.create.id}`);
    }
  }
  await server.stop();
  rmSync(data, { recursive: true, force: true });
  return figures;
}
