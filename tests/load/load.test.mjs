// The short form of `make load`: the same clients and watchers for a few seconds. No figure is judged here but those that hold on
// any machine: right answers, nothing left, memory that does not grow.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Server } from '../lib/server.mjs';
import { WATCHERS, broadcast, tell as tellBroadcast } from './broadcast.mjs';
import { load, memory, tell } from './load.mjs';

test('fifty clients for a few seconds', async (t) => {
  const figures = await load({ clients: 50, seconds: 4, processes: 1, rate: 60 });
  t.diagnostic(tell(figures).replaceAll('\n', ' |'));
  assert.deepEqual(figures.wrong, []);
  assert.equal(figures.errors5xx, 0);
  assert.equal(figures.left, 0);
  assert.equal(figures.workersLeft, 0);
  assert.ok(figures.ways > 0);
  const { warm, end } = memory(figures);
  assert.ok(end < warm * 1.5 + 16, `memory grew from ${warm} to ${end} MiB`);
});

test('an event to five hundred watchers', { skip: !existsSync(WATCHERS) && 'the watchers are not built' }, async (t) => {
  const figures = await broadcast({ watchers: 500, processes: 2, rounds: 3 });
  t.diagnostic(tellBroadcast(figures).replaceAll('\n', ' |'));
  assert.ok(figures.fanOut.p99 < 5000);
  if (!process.env.SANITIZED) assert.ok(figures.kbPerWatcher < 64); // They need more memory of their own.
});

// It watches a conversation and reads nothing while a run goes on, which must not notice; then it reads on, goes, and finds what
// it missed when it comes back. (One that never reads is sent away with 1013: `watch: slow_reader` among the unit tests.)
test('a reader that does not read slows nobody and loses nothing', async () => {
  const server = await Server.start();
  try {
    const chat = await server.create();
    const quick = await server.watch(chat.chat_id);
    const slow = await server.watch(chat.chat_id);
    await slow.frame('connected');
    slow.socket._socket.pause();
    const name = 'x'.repeat(180);
    let n = 0;
    const upload = async () => {
      const reply = await server.upload(chat.chat_id, `${name}-${n}.csv`, `${'column with a long name '.repeat(60)}${n++},b\n1,2\n`);
      assert.equal(reply.status, 200);
    };
    await upload();
    const steps = [{ operation: 'csv/search', arguments: { conditions: [{ column: 'b', operator: 'equals', value: 2 }] } }];
    const begun = performance.now();
    const run = await server.execute(chat.chat_id, steps);
    assert.equal(run.status, 200, JSON.stringify(run.body));
    assert.ok(performance.now() - begun < 20000);
    await quick.frame('workflow_completed');
    const seen = slow.frames.length;
    slow.socket._socket.resume();
    await slow.frame('workflow_completed');
    assert.ok(seen < quick.frames.length);
    const last = slow.frames.findLast((frame) => frame.seq).seq;
    slow.close();
    await upload();
    const again = await server.watch(chat.chat_id, { since: last });
    const next = await again.frame((frame) => frame.seq > last);
    assert.equal(next.seq, last + 1);
    again.close();
    quick.close();
  } finally {
    await server.close();
  }
});
