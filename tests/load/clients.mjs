// The clients of load.mjs: one process of them. What to do comes as a message, what came of it goes back as one.
import { Agent, request } from 'node:http';
import WebSocket from 'ws';

process.once('message', async (job) => {
  const delays = {};
  const wrong = [];
  let ways = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const end = performance.now() + job.seconds * 1000;
  const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

  // One request: its status and bytes, or an error that names it. The delay counts for `kind`.
  function call(kind, method, path, body, headers = {}) {
    const begun = performance.now();
    return new Promise((resolve, reject) => {
      const asked = request({ agent, port: job.port, host: '127.0.0.1', method, path: `/api/v1${path}`, headers }, (reply) => {
        const chunks = [];
        reply.on('data', (chunk) => chunks.push(chunk));
        reply.on('end', () => {
          (delays[kind] ??= []).push(performance.now() - begun);
          resolve({ status: reply.statusCode, bytes: Buffer.concat(chunks) });
        });
        reply.on('error', reject);
      });
      asked.on('error', (error) => reject(new Error(`${method} ${path}: ${error.message}`)));
      asked.end(body);
    });
  }

  const expect = (holds, what, reply) => {
    if (!holds) throw new Error(`${what}: ${reply.status} ${String(reply.bytes).slice(0, 300)}`);
  };

  // A table of the client's own, and what its search must give.
  function table(client, way) {
    const rows = Array.from({ length: 5 + ((client * 7 + way) % 40) }, (_, i) => [`${client}-${way}-${i}`, `name ${i}`, i % 3 ? 'no' : 'yes']);
    const csv = (list) => ['id,name,keep', ...list.map((row) => row.join(','))].join('\n') + '\n';
    return { sent: csv(rows), wanted: csv(rows.filter((row) => row[2] === 'yes')) };
  }

  // From nothing to nothing.
  async function way(client, n, pause) {
    const json = { 'content-type': 'application/json' };
    const { sent, wanted } = table(client, n);
    const created = await call('create', 'POST', '/chat/workflows', '{}', json);
    expect(created.status === 201, 'create', created);
    const id = JSON.parse(created.bytes).data.chat_id;
    await pause();

    const frames = [];
    const begun = performance.now();
    const socket = new WebSocket(`ws://127.0.0.1:${job.port}/chat/${id}`, { perMessageDeflate: false });
    const told = new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('watch: closed early')));
      socket.on('message', (data) => {
        const frame = JSON.parse(String(data));
        if (frame.type === 'connected') (delays.watch ??= []).push(performance.now() - begun);
        frames.push(frame);
        if (frame.type === 'workflow_completed') resolve();
      });
    });
    told.catch(() => {});
    try {
      const form = `--x\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n${sent}\r\n--x--\r\n`;
      const uploaded = await call('upload', 'POST', `/chat/workflows/${id}/upload`, form, { 'content-type': 'multipart/form-data; boundary=x' });
      expect(uploaded.status === 200 && JSON.parse(uploaded.bytes).data.size === sent.length, 'upload', uploaded);
      await pause();
      const steps = [{ operation: 'csv/search', arguments: { conditions: [{ column: 'keep', operator: 'equals', value: 'yes' }] } }];
      const run = await call('execute', 'POST', `/chat/workflows/${id}/execute`, JSON.stringify({ steps }), json);
      expect(run.status === 200, 'execute', run);
      const [result] = JSON.parse(run.bytes).data.results;
      await told;
      const seqs = frames.filter((frame) => frame.seq && frame.type !== 'connected').map((frame) => frame.seq);
      if (seqs.some((seq, i) => i > 0 && seq <= seqs[i - 1])) throw new Error(`watch: out of order: ${seqs}`);
      await pause();
      const file = await call('download', 'GET', result.download_url.replace(/^.*\/api\/v1/, ''));
      expect(file.status === 200 && String(file.bytes) === wanted, `download of ${JSON.stringify(wanted).slice(0, 100)}`, file);
      await pause();
    } finally {
      socket.removeAllListeners('close');
      socket.terminate();
    }
    const deleted = await call('delete', 'DELETE', `/chat/workflows/${id}`);
    expect(deleted.status === 200 || deleted.status === 204, 'delete', deleted);
    const gone = await call('look', 'GET', `/chat/workflows/${id}`);
    expect(gone.status === 404, 'a deleted conversation', gone);
    ways++;
  }

  async function client(i) {
    // A pause that differs by client and time, without chance: figures can be compared.
    let state = (job.seed * 1000003 + i * 7919 + 1) % 2147483647;
    const share = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const pause = () => sleep(job.pauseMs * 2 * share());
    await sleep(Math.min(job.pauseMs, job.seconds * 900) * share());
    for (let n = 0; performance.now() < end; n++) {
      try {
        await way(job.seed * 100000 + i, n, pause);
      } catch (error) {
        wrong.push(error.message);
      }
      if (performance.now() < end) await pause();
    }
  }

  await Promise.all(Array.from({ length: job.clients }, (_, i) => client(i)));
  agent.destroy();
  process.send({ delays, wrong, ways }, () => process.exit(0));
});
