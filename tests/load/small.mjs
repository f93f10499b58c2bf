// How long a small workflow takes through HTTP, worker process and commits to disk included: execute (synchronous) of one and of
// three steps over a CSV of 100 rows.
//
//   node tests/load/small.mjs [--times 200] [--pause 100]
//
// `alone` pauses between requests; `back to back` sends the next when the last is answered; `4 at a time` has four conversations do so.
import { Agent, request } from 'node:http';
import { number, percentile } from './figures.mjs';
import { Server } from '../lib/server.mjs';

const agent = new Agent({ keepAlive: true });
const CSV = `id,name,city\n${Array.from({ length: 100 }, (_, i) => `${i},Name ${i},City ${i % 7}\n`).join('')}`;
const COLUMNS = { operation: 'excel/extract-columns-to-file', arguments: { columns: ['id', 'name'] } };
const SEARCH = { operation: 'csv/search', arguments: { conditions: [{ column: 'id', operator: 'greater_than', value: 50 }] } };
const UPPER = { operation: 'normalization/apply', arguments: { normalizations: [{ column_name: 'name', normalization_type: 'uppercase' }] } };
const WORKFLOWS = [['1 step', [COLUMNS]], ['3 steps', [SEARCH, UPPER, COLUMNS]]];

// One request on a connection that is kept, in milliseconds.
function once(server, id, body) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const r = request({
      agent, port: server.port, host: '127.0.0.1', method: 'POST', path: `/api/v1/chat/workflows/${id}/execute`,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    }, (reply) => {
      let text = '';
      reply.on('data', (data) => { text += data; });
      reply.on('end', () => (reply.statusCode === 200 ? resolve(performance.now() - begun) : reject(new Error(text))));
    });
    r.on('error', reject);
    r.end(body);
  });
}

async function series(server, steps, { times, pause = 0 }) {
  const { chat_id: id } = await server.create();
  await server.upload(id, 'small.csv', CSV);
  const body = JSON.stringify({ steps });
  const ms = [];
  for (let i = 0; i < times; i++) {
    if (pause) await new Promise((next) => { setTimeout(next, pause); });
    ms.push(await once(server, id, body));
  }
  return ms;
}

const server = await Server.start({ env: { SHEETFLOW_CHAT_WORKFLOWS_BACKUP_ENABLED: 'false' } });
try {
  const times = number('times', 200);
  for (const [name, steps] of WORKFLOWS) {
    const tell = (how, ms) => console.log(
      `${name}, ${how}: median ${percentile(ms, 50).toFixed(1)} ms, p99 ${percentile(ms, 99).toFixed(1)} ms`);
    await series(server, steps, { times: 5 });
    tell('alone', await series(server, steps, { times, pause: number('pause', 100) }));
    tell('back to back', await series(server, steps, { times }));
    tell('4 at a time', (await Promise.all([1, 2, 3, 4].map(() => series(server, steps, { times })))).flat());
  }
} finally {
  agent.destroy();
  await server.close();
}
