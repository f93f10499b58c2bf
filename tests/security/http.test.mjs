// What two parties could read differently is refused, the connection closed, and nothing behind it is ever answered.
// What is fine is answered the same when every byte comes in a packet of its own.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answersIn, say } from '../lib/raw.mjs';
import { Server } from '../lib/server.mjs';

let server;
before(async () => { server = await Server.start(); });
after(() => server.close());

const PATH = '/api/v1/chat/workflows';
const HOST = 'Host: localhost\r\n';
const get = (headers = HOST, target = '/api/v1/health', version = 'HTTP/1.1') => `GET ${target} ${version}\r\n${headers}\r\n`;
const post = (headers, body) => `POST ${PATH} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n${headers}\r\n${body}`;
const length = (value) => post(`Content-Length:${value}\r\n`, '{}xxx');
const coded = (value, body = '2\r\n{}\r\n0\r\n\r\n') => post(`Transfer-Encoding: ${value}\r\n`, body);
const chunks = (body) => coded('chunked', body);
const SECOND = 'GET /api/v1/second-request HTTP/1.1\r\nHost: localhost\r\n\r\n';

const BAD = [400];
const LIBRARY = [400, 505]; // Refused by libmicrohttpd, which does not wait until the client has read why.
const REFUSED = [
  // How long the request is, said in two ways or badly.
  ['a length and chunks', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), BAD],
  ['chunks and a length', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'), BAD],
  ['two lengths', post('Content-Length: 2\r\nContent-Length: 0\r\n', '{}'), BAD],
  ['the same length twice', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'), BAD],
  ...[' +2', ' -0', ' -2', ' 2,2', ' 2, 2', ' 0x2', ' 2 2', ' 2_0', ' 2.0', ' 2e0', ' two', ' "2"', '', ' 2;', ' 2\t', ' 2\r', ' \r2', ' 2\r0', ' 99999999999999999999']
    .map((value) => [`the length ${JSON.stringify(value)}`, length(value), BAD]),
  ...['xchunked', 'chunked, identity', 'identity, chunked', 'chunked, chunked', 'gzip, chunked', 'identity', 'chunked;q=1', '"chunked"',
    'chunked\x0b', ',chunked', 'chunked,', 'chun\tked', '']
    .map((value) => [`the coding '${value}'`, coded(value), BAD]),
  ['the coding twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), BAD],
  ['the coding twice, one of it nothing', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n'), BAD],
  ['chunks in HTTP/1.0', `POST ${PATH} HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, BAD],
  // Lines.
  ['a folded line', get(`${HOST}X-A: b\r\n c\r\n`), BAD],
  ['a folded line, with a tab', get(`${HOST}X-A: b\r\n\tc\r\n`), BAD],
  ['a folded first line', get(` X: y\r\n${HOST}`), BAD],
  ['bare LF between headers', get('Host: localhost\nX-A: b\r\n'), BAD],
  ['bare LF behind the request line', 'GET /api/v1/health HTTP/1.1\nHost: localhost\r\n\r\n', BAD],
  ['bare LF at the end of the headers', 'GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\n', BAD],
  ['bare LF everywhere', 'GET /api/v1/health HTTP/1.1\nHost: localhost\n\n', BAD],
  ['bare LF before the request', `\n${get()}`, BAD],
  ['bare CR in a value', get(`${HOST}X-A: b\rc: d\r\n`), BAD],
  ['bare CR between headers', get('Host: localhost\rX-A: b\r\n'), BAD],
  ['CR CR LF', get('Host: localhost\r\r\nX-A: b\r\n'), BAD],
  ['NUL in a value', get(`${HOST}X-A: b\0c\r\n`), BAD],
  ['NUL in a name', get(`${HOST}X\0A: b\r\n`), BAD],
  ['a control character in a value', get(`${HOST}X-A: b\x01\r\n`), BAD],
  ['DEL in a value', get(`${HOST}X-A: b\x7f\r\n`), BAD],
  ['a blank before the colon', get('Host : localhost\r\n'), BAD],
  ['a tab before the colon', get('Host\t: localhost\r\n'), BAD],
  ['a blank before the length\'s colon', post('Content-Length : 2\r\n', '{}'), BAD],
  ['a blank before a name', get(`${HOST} X-A: b\r\n`), BAD],
  ['an empty name', get(`${HOST}: b\r\n`), BAD],
  ['no colon', get(`${HOST}X-A\r\n`), BAD],
  ...['X[]', 'X A', 'X(', 'X"', 'X/', 'X@', 'X\xe9', 'X,', '{X}'].map((name) => [`the header name '${name}'`, get(`${HOST}${name}: b\r\n`), BAD]),
  // Who is asked.
  ['no host', get('X-A: b\r\n'), BAD],
  ['two hosts', get('Host: localhost\r\nHost: localhost\r\n'), BAD],
  ...['a/b', 'a b', 'a@b', 'local,host', 'a?b', 'a#b', '<a>', 'a%41', 'a\\b'].map((host) => [`the host '${host}'`, get(`Host: ${host}\r\n`), BAD]),
  ['two hosts, one in the address', get(HOST, 'http://other/api/v1/health'), BAD],
  ['an address of another scheme', get(HOST, 'ftp://localhost/'), BAD],
  ['a user in the address', get(HOST, 'http://me@localhost/api/v1/health'), BAD],
  // The request line.
  ...['HTTP/1.32', 'HTTP/1.2', 'HTTP/0.9', 'http/1.1', 'HTTP/1.', 'HTTP/1,1', 'HTTPS/1.1', 'HTTP/1.1x', 'HTTP/11']
    .map((version) => [`the version '${version}'`, get(HOST, '/api/v1/health', version), LIBRARY]),
  ['HTTP/2.0', get(HOST, '/api/v1/health', 'HTTP/2.0'), LIBRARY],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', LIBRARY],
  ['no version', 'GET /api/v1/health\r\n\r\n', LIBRARY],
  ['two blanks', 'GET  /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n', LIBRARY],
  ['two blanks before the version', 'GET /api/v1/health  HTTP/1.1\r\nHost: localhost\r\n\r\n', LIBRARY],
  ['a tab for a blank', 'GET\t/api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n', LIBRARY],
  ['a blank before the method', ' GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n', LIBRARY],
  ...['G(T', 'G\x00T', 'GE/T', 'G\xe9T', '"GET"'].map((method) =>
    [`the method '${method}'`, `${method} /api/v1/health HTTP/1.1\r\n${HOST}\r\n`, LIBRARY]),
  ['CONNECT', 'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n', BAD],
  ...['/api/v1/health#x', '/x%00y', '/%c0%af', '/%ff', '/%ed%a0%80', '/..%2fetc', '/a/../b', '/a/./b', '/%2e%2e/x', '/a%2', '/a%zz', 'api', '/\x7f', '/\x01']
    .map((target) => [`the address '${target}'`, get(HOST, target), BAD]),
  // Chunks.
  ...['0_2', '0x2', '+2', '-2', ' 2', '2 ', '', 'g', '00000000000000002', '10000000000000002', ';a=b', '2;aaaaaaaaaaaaaaaaa', '2\t']
    .map((size) => [`the chunk size '${size}'`, chunks(`${size}\r\n{}\r\n0\r\n\r\n`), [400, 413]]),
  ['extensions over the limit, all together', chunks('1;aaaaaaaaa\r\n{\r\n1;aaaaaaaaa\r\n}\r\n0\r\n\r\n'), BAD],
  ['bare LF behind a chunk size', chunks('2\n{}\r\n0\r\n\r\n'), BAD],
  ['bare LF in an extension', chunks('2;a\n{}\r\n0\r\n\r\n'), BAD],
  ['bare CR behind a chunk size', chunks('2\r{}\r\n0\r\n\r\n'), BAD],
  ['bare LF behind a chunk', chunks('2\r\n{}\n0\r\n\r\n'), BAD],
  ['no end of line behind a chunk', chunks('2\r\n{}0\r\n\r\n'), BAD],
  ['more than the chunk\'s size', chunks('2\r\n{}XX0\r\n\r\n'), BAD],
  ['bare LF behind the last chunk', chunks('2\r\n{}\r\n0\n\r\n'), BAD],
  ['bare LF at the end', chunks('2\r\n{}\r\n0\r\n\n'), BAD],
  ['bare LF in a trailer', chunks('2\r\n{}\r\n0\r\nX-A: b\n\r\n'), BAD],
  ['a length in the trailer', chunks('2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n'), BAD],
  ['a coding in the trailer', chunks('2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'), BAD],
  ['a host in the trailer', chunks('2\r\n{}\r\n0\r\nHost: other\r\n\r\n'), BAD],
  ['a trailer that is no header', chunks('2\r\n{}\r\n0\r\nX A b\r\n\r\n'), BAD],
  // Sizes, and the rest.
  ['a line over 8 KiB', get(HOST, `/${'a'.repeat(9000)}`), [414]],
  ['a line over all buffers', get(HOST, `/${'a'.repeat(60000)}`), [414]],
  ['headers over 16 KiB', get(`${HOST}X-A: ${'b'.repeat(17000)}\r\n`), [431]],
  ['thousands of headers', get(HOST + 'X-A: b\r\n'.repeat(5000)), [431]],
  ['an expectation', get(`${HOST}Expect: wonders\r\n`), [417]],
  ['an expectation with a body', post('Expect: 200-ok\r\nContent-Length: 2\r\n', '{}'), [417]],
];

// One answer at most (none where the bytes behind it reset the connection), a refusal, and the end.
function refused({ text, answers, closed }, statuses, mayBeSilent) {
  assert.ok(closed, text);
  assert.ok(!text.includes('second-request') && !text.includes(' 404 '), `the second request was answered: ${text}`);
  const said = (text.match(/^HTTP\/1\.1 \d{3} /gm) ?? []).map((line) => Number(line.split(' ')[1]));
  assert.equal(answers.length, said.length, text);
  assert.ok(said.length === 1 || (mayBeSilent && said.length === 0), `${said.length} answers: ${text}`);
  for (const status of said) assert.ok(statuses.includes(status), `${status}: ${text}`);
}

test('what is not HTTP/1.1 to the letter is refused and closed, once', async (t) => {
  for (const [name, request, statuses] of REFUSED) {
    await t.test(name, async () => {
      refused(await say(server.port, request + SECOND), statuses, statuses === LIBRARY || request.length > 30000);
      if (request.length < 2000) refused(await say(server.port, request + SECOND, { bytewise: true }), statuses, true);
    });
  }
  const listed = await server.call('GET', '/chat/workflows');
  assert.equal(listed.body.total, 0, 'none of these requests has done anything');
});

const ACCEPTED = [
  ['a plain request', get(), 200],
  ['empty lines before it', `\r\n\r\n${get()}`, 200],
  ['a blank value, blanks and tabs around one', get(`${HOST}X-A:\r\nX-B: \t b\t \r\n`), 200],
  ['bytes over 127 in a value', get(`${HOST}X-A: \xe4\r\n`), 200],
  ['an absolute address', get(HOST, 'http://localhost/api/v1/health'), 200],
  ['a host with a port', get('Host: localhost:80\r\n'), 200],
  ['a host in brackets', get('Host: [::1]:80\r\n'), 200],
  ['HTTP/1.0', get('', '/api/v1/health', 'HTTP/1.0'), 403],
  ['HEAD', `HEAD /api/v1/health HTTP/1.1\r\n${HOST}\r\n`, 200],
  ['an offer of HTTP/2, not taken', get(`${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`), 200],
  ['a body', post('Content-Length: 2\r\n', '{}'), 201],
  ['a length with zeros', post('Content-Length: 0002\r\n', '{}'), 201],
  ['no body', post('Content-Length: 0\r\n', ''), 201],
  ['chunks', chunks('1\r\n{\r\n1\r\n}\r\n0\r\n\r\n'), 201],
  ['a chunk size with zeros', chunks('0000000000000002\r\n{}\r\n000\r\n\r\n'), 201],
  ['small and large letters', post('tRANSFER-eNCODING: Chunked\r\n', 'a\r\n{        }\r\n0\r\n\r\n'), 201],
  ['a chunk extension', chunks('2;a=b\r\n{}\r\n0;c\r\n\r\n'), 201],
  ['a trailer', chunks('2\r\n{}\r\n0\r\nX-Checksum: 1\r\n\r\n'), 201],
  ['an expected body', post('Expect: 100-continue\r\nContent-Length: 2\r\n', '{}'), 201],
  ['a header block just under the limit', get(`${HOST}X-A: ${'b'.repeat(16000)}\r\n`), 200],
];

const closing = (request) => request.replace(/(\w.*\r\n)\r\n/, '$1Connection: close\r\n\r\n');
test('what is fine is answered, and the same byte by byte', async (t) => {
  for (const [name, request, status] of ACCEPTED) {
    await t.test(name, async () => {
      for (const bytewise of request.length < 2000 ? [false, true] : [false]) {
        const head = request.startsWith('HEAD');
        const reply = await say(server.port, closing(request), { bytewise });
        const text = head ? reply.text.replace(/^content-length: .*\r\n/im, '') : reply.text;
        assert.deepEqual(answersIn(text).map((answer) => answer.status), [status], reply.text);
      }
    });
  }
});

test('a hundred requests at once are answered in their order', async () => {
  let all = '';
  for (let i = 0; i < 100; i++) {
    all += i % 3 === 1
      ? post(`X-Request-Id: n${i}\r\nTransfer-Encoding: chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n')
      : i % 3 === 2 ? post(`X-Request-Id: n${i}\r\nContent-Length: 2\r\n`, '{}') : get(`${HOST}X-Request-Id: n${i}\r\n`);
  }
  for (const bytewise of [false, true]) {
    const { answers } = await say(server.port, all, { until: 100, bytewise: bytewise && all.length < 20000 });
    assert.deepEqual(answers.map((a) => /x-request-id: (\w+)/i.exec(a.head)[1]), Array.from({ length: 100 }, (_, i) => `n${i}`));
    assert.ok(answers.every((a, i) => a.status === (i % 3 ? 201 : 200)));
  }
});

test('a bad request among good ones: those before it are answered, those behind it are not', async () => {
  const { answers, closed, text } = await say(server.port, get() + get() + chunks('2\n{}\r\n0\r\n\r\n') + get() + SECOND);
  assert.deepEqual(answers.map((a) => a.status), [200, 200, 400], text);
  assert.ok(closed);
});

test('a client that goes away in the middle of a body leaves nothing', async () => {
  const chat = await server.create();
  const form = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\n';
  const head = `POST ${PATH}/${chat.chat_id}/upload HTTP/1.1\r\n${HOST}Content-Type: multipart/form-data; boundary=x\r\n`;
  const bodies = [
    `${head}Content-Length: 100000\r\n\r\n${form}${'1,2\n'.repeat(5000)}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n${(form.length + 4000).toString(16)}\r\n${form}${'1,2\n'.repeat(900)}`,
    post('Content-Length: 1000\r\n', '{"name": "x'),
  ];
  for (const body of bodies) {
    for (const abrupt of [false, true]) {
      await new Promise((resolve) => {
        const socket = connect(server.port, '127.0.0.1', () => socket.write(body, () => (abrupt ? socket.resetAndDestroy() : socket.end())));
        socket.on('error', () => {});
        socket.on('close', resolve);
        socket.resume();
      });
    }
  }
  for (let i = 0; i < 200 && readdirSync(join(server.data, 'tmp')).length > 0; i++) await server.call('GET', '/health');
  assert.deepEqual(readdirSync(join(server.data, 'tmp')), []);
  const shown = await server.call('GET', `/chat/workflows/${chat.chat_id}`);
  assert.equal(JSON.stringify(shown.body).includes('a.csv'), false);
});
