// RFC 6455 with raw sockets: handshakes, and frames of every kind. Cases are numbered like Autobahn's testsuite where it has them
// (1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5 fragments, 6 UTF-8, 7 closing, 9 limits). The server does not echo:
// a text that is no JSON is answered by an error frame, {"type":"ping"} by a pong frame, other JSON by an ack.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { say } from '../lib/raw.mjs';
import { Server } from '../lib/server.mjs';

let server;
let chat;
before(async () => {
  server = await Server.start();
  chat = (await server.create()).chat_id;
});
after(() => server.close());

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const hello = (change = {}, target = `/chat/${chat}`, method = 'GET') => {
  const headers = {
    Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': KEY, 'Sec-WebSocket-Version': '13', ...change,
  };
  const lines = Object.entries(headers).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
};

// options: fin, rsv (0..7), masked, length (said instead of the true one), wide (2 or 8: bytes of the length)
function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, length, wide } = {}) {
  const data = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  const n = length ?? data.length;
  const width = wide ?? (n < 126 ? 0 : n < 65536 ? 2 : 8);
  const head = Buffer.alloc(2 + width + (masked ? 4 : 0));
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (width === 0 ? n : width === 2 ? 126 : 127);
  if (width === 2) head.writeUInt16BE(n, 2);
  if (width === 8) head.writeBigUInt64BE(BigInt(n), 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  mask.forEach((byte, i) => { head[2 + width + i] = byte; });
  return Buffer.concat([head, Buffer.from(data.map((byte, i) => byte ^ mask[i % 4]))]);
}
const [CONT, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];
const closing = (code, reason = '') => frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
const part = { fin: false };

// What the server's bytes say: ['text', object], ['ping', text], ['pong', text], ['close', code].
function framesIn(bytes) {
  const frames = [];
  for (let at = 0; at + 2 <= bytes.length;) {
    let n = bytes[at + 1];
    let head = 2;
    assert.ok(n < 128, 'what a server sends is not masked');
    if (n === 126) [n, head] = [bytes.readUInt16BE(at + 2), 4];
    if (n === 127) [n, head] = [Number(bytes.readBigUInt64BE(at + 2)), 10];
    if (at + head + n > bytes.length) break;
    const data = bytes.subarray(at + head, at + head + n);
    const opcode = bytes[at] & 15;
    assert.equal(bytes[at] & 0xf0, 0x80, 'whole frames without reserved bits');
    if (opcode === TEXT) frames.push(['text', JSON.parse(String(data))]);
    else if (opcode === CLOSE) frames.push(['close', n ? data.readUInt16BE(0) : 1005]);
    else frames.push([opcode === PING ? 'ping' : 'pong', String(data)]);
    at += head + n;
  }
  return frames;
}

// Shake hands, wait for `connected`, send, and collect until the server closes or `until` frames have come.
function talk(sends, { bytewise = false, until = Infinity } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    let bytes = Buffer.alloc(0);
    let open = false;
    const timer = setTimeout(() => { socket.destroy(); reject(new Error('no answer in 20 s')); }, 20000);
    const finish = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ frames: framesIn(bytes).slice(1), closed });
    };
    const send = async () => {
      const data = Buffer.concat(sends);
      for (let i = 0; bytewise && i < data.length && !socket.destroyed; i++) {
        await new Promise((sent) => { socket.write(data.subarray(i, i + 1), sent); });
      }
      if (!bytewise) socket.write(data);
    };
    socket.on('data', (more) => {
      bytes = Buffer.concat([bytes, more]);
      if (!open) {
        const stop = bytes.indexOf('\r\n\r\n');
        if (stop < 0 || framesIn(bytes.subarray(stop + 4)).length === 0) return;
        assert.match(String(bytes.subarray(0, stop)), /^HTTP\/1\.1 101 /);
        bytes = bytes.subarray(stop + 4);
        open = true;
        send();
      }
      if (framesIn(bytes).length > until) finish(false);
    });
    socket.on('end', () => finish(true));
    socket.on('error', () => finish(true));
    socket.write(hello());
  });
}

const closed = (...codes) => ({ close: codes });
const said = (...kinds) => ({ kinds });
const ERROR = 'error';
const utf8 = (hex) => Buffer.from(hex.replace(/ /g, ''), 'hex');
const json = (n) => JSON.stringify({ pad: 'x'.repeat(n - 10) });

const CASES = [
  // 1: every length, text and binary.
  ['1.1.1 an empty text', [frame(TEXT)], said(ERROR)],
  ...[125, 126, 127, 128, 65535, 65536].map((n, i) => [`1.1.${i + 2} a text of ${n} bytes`, [frame(TEXT, json(n))], said('ack')]),
  ['1.1.8 a text in pieces of a byte', [frame(TEXT, json(200))], said('ack'), true],
  ['1.2.1 an empty binary message', [frame(BINARY)], said(ERROR)],
  ['1.2.2 a binary message', [frame(BINARY, '{"a":1}')], said('ack')],
  // 2: pings and pongs.
  ['2.1 an empty ping', [frame(PING)], { pongs: [''] }],
  ['2.2 a ping', [frame(PING, 'Hello')], { pongs: ['Hello'] }],
  ['2.4 a ping of 125 bytes', [frame(PING, 'p'.repeat(125))], { pongs: ['p'.repeat(125)] }],
  ['2.5 a ping of 126 bytes', [frame(PING, 'p'.repeat(126))], closed(1002)],
  ['2.6 a ping of 125 bytes, byte by byte', [frame(PING, 'p'.repeat(125))], { pongs: ['p'.repeat(125)] }, true],
  ['2.7 a pong that nobody asked for', [frame(PONG), frame(PING, 'x')], { pongs: ['x'] }],
  ['2.8 a pong with bytes', [frame(PONG, 'y'), frame(PING, 'x')], { pongs: ['x'] }],
  ['2.10 ten pings', Array.from({ length: 10 }, (_, i) => frame(PING, `${i}`)), { pongs: [...'0123456789'] }],
  ['2.11 ten pings, byte by byte', Array.from({ length: 10 }, (_, i) => frame(PING, `${i}`)), { pongs: [...'0123456789'] }, true],
  // 3: reserved bits.
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => [`3.${rsv} reserved bits ${rsv}`, [frame(TEXT, '{}', { rsv })], closed(1002)]),
  ['3.8 a reserved bit of a ping', [frame(PING, '', { rsv: 1 })], closed(1002)],
  ['3.9 a reserved bit of a close', [frame(CLOSE, '', { rsv: 1 })], closed(1002)],
  // 4: reserved opcodes.
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`4.${opcode < 8 ? 1 : 2} the opcode ${opcode}`, [frame(opcode, 'x')], closed(1002)]),
  // 5: fragments.
  ['5.1 a ping in two', [frame(PING, 'a', part), frame(CONT, 'b')], closed(1002)],
  ['5.2 a pong in two', [frame(PONG, 'a', part), frame(CONT, 'b')], closed(1002)],
  ['5.3 a text in two', [frame(TEXT, '{"a"', part), frame(CONT, ':1}')], said('ack')],
  ['5.5 a text in two, byte by byte', [frame(TEXT, '{"a"', part), frame(CONT, ':1}')], said('ack'), true],
  ['5.6 a ping between two parts', [frame(TEXT, '{"a"', part), frame(PING, 'x'), frame(CONT, ':1}')], { pongs: ['x'], kinds: ['ack'] }],
  ['5.9 a continuation of nothing', [frame(CONT, '{}')], closed(1002)],
  ['5.10 a continuation of nothing, and not its last', [frame(CONT, '{}', part)], closed(1002)],
  ['5.12 a continuation of nothing behind a message', [frame(TEXT, '{}'), frame(CONT, '{}')], closed(1002)],
  ['5.15 a continuation behind the last part', [frame(TEXT, '{"a"', part), frame(CONT, ':1}'), frame(CONT, '!')], closed(1002)],
  ['5.18 a text within a text', [frame(TEXT, '{"a"', part), frame(TEXT, ':1}')], closed(1002)],
  ['5.19 a text in six with pings between', [frame(TEXT, '{', part), ...['"', 'a', '"', ':'].flatMap((c) => [frame(CONT, c, part), frame(PING, c)]),
    frame(CONT, '1}')], { pongs: ['"', 'a', '"', ':'], kinds: ['ack'] }],
  ['5.20 empty parts', [frame(TEXT, '', part), frame(CONT, '', part), frame(CONT, '{}')], said('ack')],
  ['5.21 a text in single bytes', [...[...'{"a":12}'].map((c, i) => frame(i ? CONT : TEXT, c, part)), frame(CONT, '')], said('ack')],
  // 6: UTF-8.
  ['6.2 a text of other letters', [frame(TEXT, '{"a":"Hello-µ@ßöäüàá-UTF-8!! 東京 🎉"}')], said('ack')],
  ['6.2.3 the same, byte by byte', [frame(TEXT, '{"a":"Hello-µ@ßöäüàá-UTF-8!! 東京 🎉"}')], said('ack'), true],
  ['6.2.4 a character over two parts', [frame(TEXT, utf8('22 f0 9f'), part), frame(CONT, utf8('8e 89 22'))], said('ack')],
  ['6.3.1 bad UTF-8', [frame(TEXT, utf8('ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65'))], closed(1007)],
  ['6.4.1 bad UTF-8 in the second part, told before the third', [frame(TEXT, utf8('ce ba'), part), frame(CONT, utf8('f4 90 80 80'), part)], closed(1007)],
  ['6.4.3 bad UTF-8 in the middle of a frame, told before its end', [frame(TEXT, utf8('22 ce ba f4 90 80 80'), { length: 100 })], closed(1007)],
  ...['80', 'bf', 'c0 af', 'c1 bf', 'c2', 'e0 80 af', 'e0 9f bf', 'e1 80', 'ed a0 80', 'ed bf bf', 'f0 80 80 af', 'f0 8f bf bf', 'f0 90 80', 'f4 90 80 80',
    'f5 80 80 80', 'f8 88 80 80 80', 'fc 84 80 80 80 80', 'fe', 'ff', 'ce ba ff']
    .map((hex, i) => [`6.${5 + i} the bytes ${hex}`, [frame(TEXT, utf8(hex))], closed(1007)]),
  ['6.22 noncharacters are characters', [frame(TEXT, utf8('22 ef bf be ef bf bf f4 8f bf bf 22'))], said('ack')],
  ['6.23 bad UTF-8 in a binary message is told in words', [frame(BINARY, utf8('ff fe'))], said(ERROR)],
  // 7: closing.
  ['7.1.1 a message, then a close', [frame(TEXT, '{"type":"ping"}'), closing(1000)], { kinds: ['pong'], close: [1000] }],
  ['7.1.2 two closes', [closing(1000), closing(1000)], closed(1000)],
  ['7.1.3 a ping behind the close', [closing(1000), frame(PING, 'x')], closed(1000)],
  ['7.1.4 a message behind the close', [closing(1000), frame(TEXT, '{}')], closed(1000)],
  ['7.1.5 a close between two parts', [frame(TEXT, '{', part), closing(1000), frame(CONT, '}')], closed(1000)],
  ['7.3.1 an empty close', [frame(CLOSE)], closed(1005, 1000)],
  ['7.3.2 a close of one byte', [frame(CLOSE, 'a')], closed(1002)],
  ['7.3.4 a close with a reason', [closing(1000, 'Hello World!')], closed(1000)],
  ['7.3.5 a close with a reason of 123 bytes', [closing(1000, 'r'.repeat(123))], closed(1000)],
  ['7.3.6 a close of 126 bytes', [closing(1000, 'r'.repeat(124))], closed(1002)],
  ['7.5.1 a close whose reason is bad UTF-8', [frame(CLOSE, Buffer.concat([utf8('03e8'), utf8('ce ba ed a0 80')]))], closed(1007, 1002)],
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) => [`7.7 the close code ${code}`, [closing(code)], closed(code)]),
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((code) => [`7.9 the close code ${code}`, [closing(code)], closed(1002)]),
  // 9: limits (64 KiB a message).
  ['9.1 a message of 64 KiB', [frame(TEXT, json(65536))], said('ack')],
  ['9.2 a message of a byte more', [frame(TEXT, json(65537))], closed(1009)],
  ['9.3 a message of 64 KiB and a byte in two', [frame(TEXT, json(65536).slice(0, 60000), part), frame(CONT, 'x'.repeat(5537))], closed(1009)],
  ['9.4 a frame that says it is huge', [frame(TEXT, '{', { length: 2 ** 40, wide: 8 })], closed(1009)],
  ['9.5 a length with its highest bit set', [frame(TEXT, '{', { length: 0xffffffffffffffffn, wide: 8 })], closed(1002, 1009)],
  ['9.6 ten thousand pings are no burden', [Buffer.concat(Array.from({ length: 10000 }, () => frame(PING, 'p')))], { pongs: Array(10000).fill('p') }],
  // What is beside Autobahn.
  ['a frame that is not masked', [frame(TEXT, '{}', { masked: false })], closed(1002)],
  ['a ping that is not masked', [frame(PING, '', { masked: false })], closed(1002)],
  ['a length in more bytes than it needs', [frame(TEXT, '{}', { wide: 2 })], closed(1002)],
  ['a length in many more bytes than it needs', [frame(TEXT, '{}', { wide: 8 })], closed(1002)],
  ['HTTP', [Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')], closed(1002)],
  ['JSON that nests deeply', [frame(TEXT, '['.repeat(5000) + ']'.repeat(5000))], said(ERROR)],
];

test('frames', async (t) => {
  for (const [name, sends, want, bytewise] of CASES) {
    await t.test(name, async () => {
      const count = (want.pongs?.length ?? 0) + (want.kinds?.length ?? 0);
      const { frames, closed: ended } = await talk(sends, { bytewise, until: want.close ? Infinity : count });
      const texts = frames.filter(([kind]) => kind === 'text').map(([, data]) => data.type);
      const pongs = frames.filter(([kind]) => kind === 'pong').map(([, data]) => data);
      const close = frames.filter(([kind]) => kind === 'close').map(([, code]) => code);
      if (want.close) {
        assert.equal(close.length, 1, JSON.stringify(frames));
        assert.ok(want.close.includes(close[0]), `closed with ${close[0]}`);
        assert.ok(ended);
      }
      if (want.kinds) assert.deepEqual(texts, want.kinds);
      if (want.pongs) assert.deepEqual(pongs, want.pongs);
    });
  }
});

const HANDSHAKES = [
  ['no key', { 'Sec-WebSocket-Key': null }, 426], ['a short key', { 'Sec-WebSocket-Key': 'YQ==' }, 426],
  ['a key of 24 letters that is no base64', { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }, 426],
  ['a key of 18 bytes', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZWFh' }, 426],
  ['version 12', { 'Sec-WebSocket-Version': '12' }, 426], ['version 8', { 'Sec-WebSocket-Version': '8' }, 426],
  ['no version', { 'Sec-WebSocket-Version': null }, 426], ['no Connection', { Connection: null }, 426],
  ['Connection: close', { Connection: 'close' }, 426], ['a body', { 'Content-Length': '2' }, 426],
  ['two hosts', { Host: 'localhost\r\nHost: localhost' }, 400], ['no host', { Host: null }, 400],
];
test('handshakes that are none get an answer and no socket', async (t) => {
  for (const [name, change, status] of HANDSHAKES) {
    await t.test(name, async () => {
      const { answers, text } = await say(server.port, hello({ 'X-A': 'b', ...change }) + (change['Content-Length'] ? '{}' : ''), { until: 1 });
      assert.equal(answers[0].status, status, text);
      if (status === 426) assert.match(answers[0].head, /Sec-WebSocket-Version: 13\r\n/);
    });
  }
  const { answers } = await say(server.port, hello({}, undefined, 'POST'), { until: 1 });
  assert.equal(answers[0].status, 426);
});

test('handshakes in other letters and with more tokens are fine', async () => {
  for (const change of [{ Upgrade: 'WebSocket' }, { Connection: 'keep-alive, UPGRADE' }, { Upgrade: 'foo, websocket' }]) {
    const { text } = await say(server.port, Buffer.concat([Buffer.from(hello(change)), closing(1000)]));
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.match(text, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    assert.doesNotMatch(text, /Sec-WebSocket-(Extensions|Protocol)/);
  }
});

// A page of another origin, or by a name that somebody else's DNS gives us, gets nothing.
test('foreign origins and hosts', async (t) => {
  const cases = [
    [{ Origin: 'http://evil.example' }, 4403], [{ Origin: 'null' }, 4403], [{ Origin: 'http://localhost.evil.example' }, 4403],
    [{ Host: 'evil.example' }, 4403], [{ Host: 'evil.example', Origin: 'http://evil.example' }, 4403],
    [{ Origin: 'http://localhost:3000' }, 1000], [{ Host: 'localhost:5050', Origin: 'http://localhost:5050' }, 1000],
  ];
  for (const [change, code] of cases) {
    await t.test(JSON.stringify(change), async () => {
      const { text } = await say(server.port, Buffer.concat([Buffer.from(hello(change)), closing(1000)]));
      const stop = text.indexOf('\r\n\r\n') + 4;
      const frames = framesIn(Buffer.from(text.slice(stop), 'latin1'));
      assert.equal(frames.find(([kind]) => kind === 'close')[1], code);
      if (code !== 1000) assert.equal(frames.some(([, data]) => data.type === 'connected'), false);
    });
  }
});
