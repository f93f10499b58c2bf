// Tests of the tests: a program built with mistakes on purpose (base/fault.h), one switched on at a time. Each must be
// detected by the layer that is there to see it, else the layer is blind.
import { countCalls, sweep } from './calls.mjs';
import { kills, makeStandard } from './kills.mjs';
import { workSweep } from './memory.mjs';
import { power } from './power.mjs';

const env = (mistake) => ({ FAULT: mistake });
const quiet = () => {};

const layers = {
  async A(mistake, step) {
    const golden = await makeStandard();
    const { kills: n, wrong } = await kills({
      count: 120 / step, seed: 7, golden, env: env(mistake), report: quiet, stopAtFirst: true,
    });
    return { tried: n, wrong };
  },
  async B(mistake, step) {
    const { n, golden } = await countCalls();
    const { points, wrong } = await sweep({
      step: (mistake.step || 7) * step, first: mistake.first || 3, golden, calls: n, env: env(mistake), report: quiet, stopAtFirst: true,
    });
    return { tried: points, wrong };
  },
  async C(mistake, step) {
    const { states, wrong } = await power({
      count: Math.floor(300 / step), seed: 7, env: env(mistake), report: quiet, stopAtFirst: true,
    });
    return { tried: states, wrong };
  },
  async D(mistake, step) {
    const { points, wrong } = await workSweep({ role: 'server', step: 3 * step, env: env(mistake), report: quiet, stopAtFirst: true });
    return { tried: points, wrong };
  },
};

export const MISTAKES = [
  { name: 'key-later', what: 'the key is kept after the work', by: ['A', 'B'] },
  { name: 'row-before-file', what: 'the row of an upload before its file', by: ['B'], step: 2, first: 151 },
  { name: 'event-later', what: 'events in a transaction of their own', by: ['A', 'B'] },
  { name: 'files-gone-first', what: 'deletion of files before rows', by: ['B'], step: 2, first: 601 },
  { name: 'no-sweep', what: 'no clean-up at the start', by: ['A', 'B'] },
  { name: 'no-reclaim', what: 'runs cut off are left', by: ['A', 'B'] },
  { name: 'ack-before-commit', what: 'answers before the commit', by: ['B'] },
  { name: 'no-file-fsync', what: 'files without fsync', by: ['C'] },
  { name: 'no-folder-fsync', what: 'folders without fsync', by: ['C'] },
  { name: 'synchronous-normal', what: 'commits without fsync', by: ['C'] },
  { name: 'memory-unchecked', what: 'a change lost for lack of memory', by: ['D'] },
];

// Returns {name, layer, tried, saw}; saw: the first sentence, or undefined when the layer is blind.
export async function tryMistake(mistake, layer, step = 1) {
  const { tried, wrong } = await layers[layer](mistake.name, step);
  return { name: mistake.name, layer, tried, saw: wrong[0] };
}
