// HTTP as bytes: says exactly what it is told to, and tells what came back until the server closed.
import { connect } from 'node:net';

const LIMIT_MS = 30000;

// Sends `bytes` (text is Latin-1) and collects everything until the server closes. options: {bytewise: one byte a packet,
// end: half-close after it, until: stop once this many answers are there}. Resolves to {text, answers, closed}.
export function say(port, bytes, { bytewise = false, end = false, until = Infinity } = {}) {
  const data = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1');
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    let text = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end after ${LIMIT_MS} ms; so far: ${text.slice(0, 400)}`));
    }, LIMIT_MS);
    const finish = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, answers: answersIn(text), closed });
    };
    socket.on('data', (part) => {
      text += part.toString('latin1');
      if (until < Infinity && answersIn(text).length >= until) finish(false);
    });
    socket.on('end', () => finish(true));
    socket.on('error', () => finish(true)); // A reset is an end, too.
    socket.on('connect', async () => {
      for (let i = 0; bytewise && i < data.length && !socket.destroyed; i++) {
        await new Promise((sent) => { socket.write(data.subarray(i, i + 1), sent); });
      }
      if (!bytewise) socket.write(data);
      if (end) socket.end();
    });
  });
}

// The answers that stand whole in `text`: [{status, head, body}]. 100 Continue does not count.
export function answersIn(text) {
  const answers = [];
  for (let at = 0; ;) {
    const stop = text.indexOf('\r\n\r\n', at);
    if (stop < 0) break;
    const head = text.slice(at, stop + 2);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    if (text.length < stop + 4 + length) break;
    const body = text.slice(stop + 4, stop + 4 + length);
    at = stop + 4 + length;
    if (status !== 100) answers.push({ status, head, body });
  }
  return answers;
}
