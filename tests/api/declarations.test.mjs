// Every argument of every operation, as GET /operations and openapi.json declare them, sent wrong over both doors: what is missing, mistyped,
// out of range, misspelled, no choice or no column is refused with 422, its path, what is accepted and the near name. What is
// declared tomorrow is walked tomorrow: nothing here names an operation.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import { Server } from '../lib/server.mjs';

let server;
let someColumn; // Of the file at hand.
let operations;
let paths;

before(async () => {
  server = await Server.start();
  operations = (await server.call('GET', '/operations')).body.data.operations;
  paths = (await server.call('GET', '/openapi.json')).body.paths;
});
after(() => server.close());

// One letter in the middle twice.
const misspelled = (name) => {
  const letters = [...name];
  const middle = Math.floor(letters.length / 2);
  return [...letters.slice(0, middle + 1), ...letters.slice(middle)].join('');
};

const isObject = (schema) => schema.anyOf?.find((one) => one.type === 'object') ?? schema;
// The field that a plain value stands for: it is described alike.
const shorthandOf = (schema) => Object.entries(isObject(schema).properties)
  .find(([, one]) => schema.anyOf?.[0].description === one.description)?.[0];
const columnOf = (schema) => schema['x-column'] && ['string', 'array'].includes(schema.type);

function validValue(schema) {
  const one = isObject(schema);
  if (one.enum) return one.enum[0];
  switch (one.type) {
    case 'boolean': return true;
    case 'integer':
    case 'number': return Math.max(one.minimum ?? 1, 1);
    case 'array': return [validValue(one.items)];
    case 'object': return one.properties ? validObject(one) : one.additionalProperties ? { key: validValue(one.additionalProperties) } : {};
    default: return one['x-column'] ? someColumn : 'x';
  }
}

// What is required, and values of any kind, which checks often ask for.
const validObject = (schema) => Object.fromEntries(Object.entries(schema.properties)
  .filter(([name, one]) => schema.required?.includes(name) || !(one.type || one.anyOf))
  .map(([name, one]) => [name, validValue(one)]));

const WRONG = {
  boolean: ['maybe', 2, [true], {}],
  integer: ['ten', 1.5, [1], {}],
  number: ['ten', [1], {}],
  string: [[], {}, true],
  array: [true, {}],
  object: [5, 'x', true],
};

// [{label, args, path, suggestion?, accepted?, column?}]: requests that must be refused.
function* wrongRequests(schema, base, path, wrap, shorthand) {
  const names = Object.entries(schema.properties).filter(([, one]) => !one.deprecated).map(([name]) => name);
  const at = (name) => (path ? `${path}.${name}` : name);
  const make = (change) => {
    const args = structuredClone(base);
    change(args);
    return wrap(args);
  };
  yield { label: 'unknown name', path: at('qqqqqqqqqqqq'), args: make((args) => { args.qqqqqqqqqqqq = 1; }), accepted: names };
  for (const [name, whole] of Object.entries(schema.properties)) {
    const one = isObject(whole);
    // What may stand in place of the object is spoken of as the object.
    const set = (label, value, more = {}) => ({ label, path: name === shorthand ? path : at(name), inside: name === shorthand, name,
      args: make((args) => { args[name] = value; }), ...more });
    if (schema.required?.includes(name)) {
      yield { label: 'missing', path: at(name), name, args: make((args) => { delete args[name]; }) };
    }
    if (!whole.deprecated) {
      yield { label: 'misspelled', path: at(misspelled(name)), suggestion: name, accepted: names,
        args: make((args) => { args[misspelled(name)] = 1; }) };
    }
    for (const value of WRONG[one.type] ?? []) {
      if (!(whole.anyOf && typeof value !== 'object')) yield set('wrong type', value, { accepted: one.enum, inside: true });
    }
    for (const choice of one.enum ?? []) {
      yield set('misspelled choice', misspelled(choice), { suggestion: choice, accepted: one.enum });
    }
    if (one.minimum !== undefined) yield set('too small', one.minimum - 1);
    if (one.maximum !== undefined) yield set('too large', one.maximum * 2 + 1);
    if (one.minLength) yield set('too short', '', { empty: true });
    if (one.maxLength && one.maxLength < 100000) yield set('too long', 'x'.repeat(one.maxLength + 1));
    if (one.minItems) yield set('too few', []);
    if (columnOf(whole)) {
      // A default may stand in for the column.
      const request = set('unknown column', null, { column: one.type });
      yield { ...request, args: JSON.parse(JSON.stringify(request.args, (key, value) => (key === 'default' ? undefined : value))) };
    }
    if (whole.type === 'array' && whole.items.type === 'object') {
      yield* wrongRequests(whole.items, validObject(whole.items), `${at(name)}[1]`,
        (value) => make((args) => { args[name] = [validObject(whole.items), value]; }));
    }
    if (whole.type === 'object' && whole.additionalProperties) {
      const entry = isObject(whole.additionalProperties);
      if (entry.properties) {
        yield* wrongRequests(entry, validObject(entry), `${at(name)}.key`,
          (value) => make((args) => { args[name] = { key: value }; }), shorthandOf(whole.additionalProperties));
      }
    } else if (one.properties) {
      yield* wrongRequests(one, validObject(one), at(name), (value) => make((args) => { args[name] = value; }));
    }
  }
  for (const { if: when, then } of schema.allOf ?? []) {
    const [[choice, { const: value }]] = Object.entries(when.properties);
    for (const [name, one] of Object.entries(then.properties)) {
      yield* wrongRequests(one, validObject(one), at(name),
        (object) => make((args) => { args[choice] = value; args[name] = object; }));
    }
  }
}

// The typo of a column that the file has, where the request's argument stands; its exact place for lists.
function withColumn(request, real) {
  const typo = misspelled(real);
  const value = request.column === 'array' ? [typo] : typo;
  const args = JSON.parse(JSON.stringify(request.args), (key, old) => (key === request.name && old === null ? value : old));
  return { ...request, args, suggestion: real, path: request.column === 'array' ? `${request.path}[0]` : request.path };
}

function check(request, reply, columns) {
  const shown = `${request.label} at ${request.path}: ${JSON.stringify(request.args).slice(0, 300)}\n${JSON.stringify(reply.body).slice(0, 600)}`;
  assert.equal(reply.status, 422, shown);
  assert.equal(reply.body.status_code, 422, shown);
  const { error_type: type, details } = reply.body.data;
  const path = details.argument ?? '';
  const where = path.lastIndexOf(request.path);
  const rest = where < 0 ? null : path.slice(where + request.path.length);
  const before = where > 0 ? path[where - 1] : '.';
  assert.ok(rest !== null && before === '.' && (rest === '' || (request.inside && '.['.includes(rest[0]))), `path ${path}: ${shown}`);
  assert.ok(reply.body.message.length > request.path.length, shown);
  assert.equal(type, request.column ? 'ColumnNotFound' : 'ValidationError', shown);
  if (request.suggestion) assert.equal(details.suggestions?.[0], request.suggestion, shown);
  if (request.column) assert.deepEqual(details.available_columns, columns, shown);
  for (const name of request.accepted ?? []) assert.ok(details.accepted?.includes(name), `${name} is not listed: ${shown}`);
}

// Sends all of them, a few at a time.
async function all(requests, send) {
  const list = [...requests];
  let next = 0;
  await Promise.all(Array.from({ length: 4 }, async () => {
    while (next < list.length) await send(list[next++]);
  }));
  return list.length;
}

const form = (args, files) => {
  const data = new FormData();
  for (const [field, [name, content]] of Object.entries(files)) data.append(field, new Blob([content]), name);
  for (const [name, value] of Object.entries(args)) {
    if (!(name in files)) data.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return data;
};

// Everything is text in a form, an empty field is none, and files are no fields.
const inForm = (request, schema) => {
  const one = schema.properties[request.path];
  if (!one) return true;
  return !(one['x-file'] || one.contentMediaType) && !request.empty && !(request.label === 'wrong type' && one.type === 'string' && !one.enum)
    && !(request.label === 'wrong type' && one.type === 'array' && one.items.type === 'string');
};

const columnsOf = (csv) => csv.split('\n')[0].split(',');

test('every argument of every operation, over its own endpoint', { timeout: 300000 }, async (t) => {
  for (const { name, schema, examples: [example] } of operations) {
    await t.test(name, async () => {
      const files = { file: ['in.csv', example.input] };
      const columns = columnsOf(example.input);
      [someColumn] = columns;
      for (const [field, one] of Object.entries(schema.properties)) {
        if (one['x-file']) files[field] = ['bind.csv', example.bind ?? example.input];
      }
      const requests = [...wrongRequests(schema, example.arguments, '', (args) => args)]
        .filter((one) => inForm(one, schema)).map((one) => (one.column ? withColumn(one, columns[0]) : one));
      const n = await all(requests, async (request) => check(request,
        await server.call('POST', `/${name}`, form(request.args, files)), columns));
      assert.ok(n > 20, `${n} requests`);
    });
  }
});

test('every argument of every operation, as a step of a workflow', { timeout: 300000 }, async (t) => {
  for (const { name, schema, examples: [example] } of operations) {
    await t.test(name, async () => {
      const { chat_id: id } = await server.create();
      const columns = columnsOf(example.input);
      [someColumn] = columns;
      const base = { ...example.arguments };
      if (example.bind) await server.upload(id, 'bind.csv', example.bind);
      await server.upload(id, 'in.csv', example.input);
      for (const [field, one] of Object.entries(schema.properties)) if (one['x-file']) base[field] = 'bind.csv';
      const requests = [...wrongRequests(schema, base, '', (args) => args)];
      await all(requests.filter((one) => !one.column), async (request) => check(request,
        await server.execute(id, [{ operation: name, arguments: request.args }])));
      const runs = (await server.call('GET', `/chat/workflows/${id}/runs`)).body;
      assert.equal(runs.total, 0, 'no run came to be');
      for (const request of requests.filter((one) => one.column).map((one) => withColumn(one, columns[0]))) {
        check(request, await server.execute(id, [{ operation: name, arguments: request.args }]), columns);
      }
    });
  }
});

test('every argument of endpoints that are no operations', { timeout: 300000 }, async (t) => {
  const known = new Set(operations.map(({ name }) => `/${name}`));
  const csv = 'alpha,beta\n1,2\n';
  someColumn = 'alpha';
  let n = 0;

  for (const [path, { post }] of Object.entries(paths)) {
    const schema = post?.requestBody?.content['multipart/form-data']?.schema;
    if (!schema || known.has(path) || path.startsWith('/chat/')) continue;
    await t.test(path, async () => {
      const files = {};
      for (const [field, one] of Object.entries(schema.properties)) {
        if (one.contentMediaType) files[field] = [`${field}.csv`, csv];
      }
      const base = validObject(schema);
      for (const name of Object.keys(files)) delete base[name];
      const fields = Object.fromEntries(Object.entries(schema.properties).filter(([name]) => !(name in files)));
      const requests = [...wrongRequests({ ...schema, properties: fields }, base, '', (args) => args)]
        .filter((one) => inForm(one, schema)).filter((one) => !one.accepted || one.label !== 'unknown name');
      n += await all(requests.map((one) => (one.column ? withColumn(one, 'alpha') : one)), async (request) => check(request,
        await server.call('POST', path, form(request.args, files)), ['alpha', 'beta']));
      for (const field of Object.keys(files)) {
        const { [field]: left, ...others } = files;
        const request = { label: 'missing file', path: field, args: base };
        check(request, await server.call('POST', path, form(base, others)));
        check({ label: 'misspelled file', path: misspelled(field), args: base, suggestion: field },
          await server.call('POST', path, form(base, { ...others, [misspelled(field)]: left })));
      }
    });
  }
  assert.ok(n > 50, `${n} requests`);
});

test('the schemas of GET /operations take the examples and refuse what the server refuses by its kind', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  for (const { name, schema, examples } of operations) {
    const validate = ajv.compile(schema);
    assert.ok(examples.length > 0, name);
    const base = { ...examples[0].arguments };
    for (const [field, one] of Object.entries(schema.properties)) if (one['x-file']) base[field] = 'bind.csv';
    for (const { title, arguments: args } of examples) {
      const whole = { ...Object.fromEntries(Object.entries(base).filter(([field]) => schema.properties[field]['x-file'])), ...args };
      assert.ok(validate(whole), `${name}, ${title}: ${JSON.stringify(validate.errors)}`);
    }
    for (const request of wrongRequests(schema, base, '', (args) => args)) {
      if (!request.column) assert.ok(!validate(request.args), `${request.label} at ${request.path}: ${JSON.stringify(request.args).slice(0, 300)}`);
    }
  }
});
