// A form for an operation's arguments, made of its JSON Schema. What the schema marks as columns and files is chosen from
// those there are; nobody has to write JSON.
import { createContext, useContext, useId, useState, type ReactNode } from 'react';
import type { Column, Schema } from '../api';
import { Button, Icon, IconButton } from '../parts/ui';
import { argLabel, useTexts, valueLabel } from '../texts';
import type { Texts } from '../texts/en';
import { parametersOf } from './steps';

export interface Problem { path: string; message: string; suggestions: string[] }

interface FormContext {
  columns: Column[];
  otherColumns: Column[]; // Of the file that is joined.
  files: string[];
  sheets: string[];
  problem: Problem | null;
  missing: string[];
}

const Context = createContext<FormContext>({ columns: [], otherColumns: [], files: [], sheets: [], problem: null, missing: [] });

type Change = (value: unknown) => void;
interface FieldProps { name: string; path: string; schema: Schema; value: unknown; onChange: Change; required: boolean }

// How files are read and written: the same for all operations, and rarely touched.
const COMMON = new Set(['sheet', 'header_row', 'header_rows', 'delimiter', 'quote', 'encoding', 'merged', 'errors', 'hidden', 'totals',
  'values', 'blank_lines', 'output_format', 'output_filename', 'types', 'csv_dialect', 'sheet_name', 'return_report', 'batch_size',
  'rows_per_insert', 'include_transaction', 'empty_as', 'auto_increment', 'max_statement_bytes', 'match_blank', 'backup_original',
  'case_sensitive', 'on_error']);
const MAIN_THOUGH: Record<string, string[]> = {
  'csv/convert-to-excel': ['sheet_name', 'sheet', 'types'],
  'excel/convert-to-csv': ['sheet', 'delimiter', 'csv_dialect'],
};
const EXAMPLE = /:? *[[{].*$/;

export function Form({ operation, schema, value, onChange, ...context }: {
  operation: string; schema: Schema; value: Record<string, unknown>; onChange: (value: Record<string, unknown>) => void;
} & FormContext) {
  return (
    <Context value={context}>
      <ObjectFields operation={operation} schema={schema} value={value} path="" onChange={onChange} />
    </Context>
  );
}

// Without what is not said: an argument that is cleared takes its default.
function withMember(value: Record<string, unknown>, name: string, to: unknown) {
  const next = { ...value };
  if (to === undefined || to === '') delete next[name];
  else next[name] = to;
  return next;
}

function ObjectFields({ operation = '', schema, value, path, onChange }: {
  operation?: string; schema: Schema; value: Record<string, unknown>; path: string; onChange: (value: Record<string, unknown>) => void;
}) {
  const texts = useTexts();
  const { problem } = useContext(Context);
  const all = Object.entries(parametersOf(schema, value)).filter(([name, property]) => !property.deprecated && !hides(name, value) && !isEmpty(property));
  const isMain = ([name]: [string, Schema]) =>
    !COMMON.has(name) || (MAIN_THOUGH[operation] ?? []).includes(name) || (schema.required ?? []).includes(name);
  const main = all.filter(isMain);
  const rest = all.filter((entry) => !isMain(entry));
  const at = (name: string) => (path ? `${path}.${name}` : name);
  const field = ([name, property]: [string, Schema]) => (
    <Field key={name} name={name} path={at(name)} required={(schema.required ?? []).includes(name)} value={value[name]}
      schema={name === 'value' && value.operator ? valueSchema(String(value.operator)) : property}
      onChange={(to) => onChange(withMember(name === 'operator' ? adapted(value, String(to)) : value, name, to))} />
  );
  const opened = rest.some(([name]) => value[name] !== undefined || problem?.path.startsWith(at(name)));

  return (
    <>
      <div className={`fields ${path ? 'inline' : ''}`}>{main.map(field)}</div>
      {rest.length > 0 && (
        <details className="options" open={opened || undefined}>
          <summary>{texts.flow.options}</summary>
          <div className="fields">{rest.map(field)}</div>
        </details>
      )}
    </>
  );
}

// ---- what a condition's value looks like depends on how it is compared ----

const hides = (name: string, value: Record<string, unknown>) =>
  (name === 'value' && (value.operator === 'is_empty' || value.operator === 'is_not_empty')) ||
  (name === 'logic' && Array.isArray(value.conditions) && value.conditions.length < 2);

function valueSchema(operator: string): Schema {
  if (operator === 'between') return { type: 'range' };
  if (operator === 'in' || operator === 'not_in') return { type: 'array', items: { type: 'string' } };
  return {};
}

function adapted(value: Record<string, unknown>, operator: string) {
  const { value: old, ...rest } = value;
  const list = operator === 'between' || operator === 'in' || operator === 'not_in';
  if (operator === 'is_empty' || operator === 'is_not_empty') return rest;
  if (old === undefined || Array.isArray(old) === list) return value;
  return list ? { ...rest, value: [old] } : { ...rest, value: (old as unknown[])[0] };
}

// A rule without settings.
const isEmpty = (schema: Schema) => schema.properties !== undefined && Object.keys(schema.properties).length === 0;

// ---- one field ----

function helpOf(texts: Texts, name: string, schema: Schema) {
  return texts.help[name] ?? (schema.description ?? '').replace(EXAMPLE, '.').replace(/\.\.$/, '.');
}

function Field(props: FieldProps) {
  const { name, schema, path, value, required } = props;
  const texts = useTexts();
  const { problem, missing } = useContext(Context);
  const id = useId();
  const label = argLabel(texts, name);
  const help = helpOf(texts, name, schema);
  const here = problem && (problem.path === path || (isLeaf(schema) && problem.path.startsWith(path)));
  const lacks = missing.includes(path);
  const wide = !isLeaf(schema) || /template/.test(name) || schema.type === 'array';
  const described = [help ? `${id}-help` : '', here ? `${id}-problem` : '', required && lacks ? `${id}-needed` : ''].filter(Boolean).join(' ') || undefined;

  if (schema.type === 'boolean') {
    return (
      <div className="field check" data-path={path}>
        <label>
          <input type="checkbox" checked={typeof value === 'boolean' ? value : schema.default === true} aria-describedby={described}
            onChange={(event) => props.onChange(event.target.checked)} />
          <span>{label}</span>
        </label>
        {help && <p className="hint" id={`${id}-help`}>{help}</p>}
        {here && <ProblemText id={`${id}-problem`} problem={problem} onUse={props.onChange} />}
      </div>
    );
  }
  const inner = <Input {...props} label={label} id={id} described={described} invalid={Boolean(here)} />;
  const group = !isLeaf(schema) || schema.type === 'range' || (schema.type === 'array' && Boolean(schema['x-column'] || name.startsWith('bind_')));
  const hint = help && <p className="hint" id={`${id}-help`}>{help}</p>;
  const body = (
    <>
      {group && hint}
      {inner}
      {!group && hint}
      {here && <ProblemText id={`${id}-problem`} problem={problem} onUse={props.onChange} />}
    </>
  );
  const needed = required && lacks && <em className="needed" id={`${id}-needed`}>{texts.flow.required}</em>;

  return group
    ? <fieldset className={`field ${wide ? 'wide' : ''} ${here ? 'bad' : ''}`} data-path={path}><legend className="label">{label}</legend>{needed}{body}</fieldset>
    : <div className={`field ${wide ? 'wide' : ''} ${here ? 'bad' : ''}`} data-path={path}>
        <span className="caption"><label className="label" htmlFor={id}>{label}</label>{needed}</span>{body}
      </div>;
}

function ProblemText({ id, problem, onUse }: { id: string; problem: Problem; onUse: Change }) {
  const texts = useTexts();
  return (
    <div className="field-error" id={id}>
      <p><Icon name="alert" size={15} />{problem.message}</p>
      {problem.suggestions.map((name) => (
        <Button key={name} icon="check" onClick={() => onUse(name)}>{texts.run.use(name)}</Button>
      ))}
    </div>
  );
}

const isObjectList = (schema: Schema) => schema.type === 'array' && schema.items?.properties !== undefined;
const isMap = (schema: Schema) => schema.type === 'object' && schema.additionalProperties !== undefined && typeof schema.additionalProperties === 'object';
const isLeaf = (schema: Schema) => !isObjectList(schema) && !isMap(schema) && !schema.properties && !schema.anyOf;

interface InputProps extends FieldProps { label: string; id: string; described: string | undefined; invalid: boolean }

function Input(props: InputProps): ReactNode {
  const { name, schema, value, onChange, path } = props;
  const { columns, otherColumns, files, sheets } = useContext(Context);
  const other = name.startsWith('bind_') && !schema['x-file'];

  if (schema['x-file']) return <Choice {...props} choices={files} />;
  if (isObjectList(schema)) return <ObjectList {...props} />;
  if (isMap(schema)) return <Pairs {...props} />;
  if (schema.anyOf) return <SwitchedObject {...props} />;
  if (schema.properties) {
    return <ObjectFields schema={schema} value={(value ?? {}) as Record<string, unknown>} path={path} onChange={onChange} />;
  }
  if (schema.type === 'array' && (schema['x-column'] || other)) {
    return <ColumnList {...props} columns={other ? otherColumns : columns} />;
  }
  if (schema.type === 'array') return <Lines {...props} />;
  if (schema.type === 'range') return <Range {...props} />;
  if (schema['x-column'] || other) return <Choice {...props} choices={(other ? otherColumns : columns).map((column) => column.name)} />;
  if (schema.enum) return <Choice {...props} choices={schema.enum} named />;
  if (name === 'sheet' && sheets.length > 1) return <Choice {...props} choices={sheets} />;
  if (name === 'template') return schema.type ? <Template {...props} /> : <JsonTemplate {...props} />;
  if (schema.type === 'integer' || schema.type === 'number') return <NumberInput {...props} />;
  return <TextInput {...props} />;
}

// ---- leaves ----

function Choice({ id, described, invalid, value, onChange, choices, named = false, schema, required }:
InputProps & { choices: string[]; named?: boolean }) {
  const texts = useTexts();
  const current = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const shown = (choice: string) => (named ? valueLabel(texts, choice) : choice);
  const none = schema.default !== undefined && named
    ? texts.flow.default(shown(String(schema.default)))
    : schema['x-file'] ? texts.flow.pickFile : schema['x-column'] ? texts.flow.pick
      : required ? texts.flow.choose : texts.flow.byDefault;

  return (
    <select id={id} value={current} aria-describedby={described} aria-invalid={invalid || undefined}
      onChange={(event) => onChange(event.target.value || undefined)}>
      <option value="">{none}</option>
      {current && !choices.includes(current) && <option value={current}>{named ? current : texts.flow.notThere(current)}</option>}
      {choices.map((choice) => <option key={choice} value={choice}>{shown(choice)}</option>)}
    </select>
  );
}

// A value of any kind: what prints back to the same characters is a number, as in a CSV.
function scalar(text: string): unknown {
  const number = Number(text);
  return text.trim() !== '' && String(number) === text && Number.isFinite(number) && Math.abs(number) < 1e15 ? number : text;
}

function TextInput({ id, described, invalid, value, onChange, schema, label }: InputProps) {
  const untyped = schema.type === undefined;
  return (
    <input id={id} value={value === undefined || value === null ? '' : String(value as string)} aria-describedby={described}
      aria-invalid={invalid || undefined} aria-label={id ? undefined : label} spellCheck={false} autoComplete="off"
      placeholder={schema.default !== undefined && schema.default !== '' ? String(schema.default) : undefined}
      onChange={(event) => onChange(untyped ? scalar(event.target.value) : event.target.value)} />
  );
}

function NumberInput({ id, described, invalid, value, onChange, schema }: InputProps) {
  return (
    <input id={id} type="number" value={typeof value === 'number' ? value : ''} min={schema.minimum} max={schema.maximum}
      step={schema.type === 'integer' ? 1 : 'any'} aria-describedby={described} aria-invalid={invalid || undefined}
      placeholder={schema.default !== undefined ? String(schema.default) : undefined}
      onChange={(event) => onChange(event.target.value === '' ? undefined : Number(event.target.value))} />
  );
}

function Lines({ id, described, invalid, value, onChange, schema }: InputProps) {
  const texts = useTexts();
  const list = Array.isArray(value) ? value : [];
  const given = Array.isArray(schema.default) ? (schema.default as unknown[]).join('\n') : texts.flow.onePerLine;
  const [text, setText] = useState(list.join('\n'));
  return (
    <textarea id={id} rows={3} value={text} placeholder={given} aria-describedby={described} aria-invalid={invalid || undefined}
      onChange={(event) => {
        setText(event.target.value);
        const lines = event.target.value.split('\n').filter((line) => line !== '');
        onChange(lines.length ? lines : undefined);
      }} />
  );
}

function Range({ value, onChange, label }: InputProps) {
  const texts = useTexts();
  const [low = '', high = ''] = Array.isArray(value) ? (value as unknown[]) : [];
  const part = (text: unknown) => (text === undefined || text === null ? '' : String(text as string));
  return (
    <span className="range-input">
      <input value={part(low)} placeholder={texts.flow.low} aria-label={`${label}: ${texts.flow.low}`}
        onChange={(event) => onChange([scalar(event.target.value), high])} />
      <input value={part(high)} placeholder={texts.flow.high} aria-label={`${label}: ${texts.flow.high}`}
        onChange={(event) => onChange([low, scalar(event.target.value)])} />
    </span>
  );
}

function InsertColumn({ onInsert }: { onInsert: (name: string) => void }) {
  const texts = useTexts();
  const { columns } = useContext(Context);
  return (
    <select className="insert" value="" aria-label={texts.flow.insert} onChange={(event) => onInsert(event.target.value)}>
      <option value="">{texts.flow.insert}</option>
      {columns.map((column) => <option key={column.name} value={column.name}>{column.name}</option>)}
    </select>
  );
}

function Template({ id, described, invalid, value, onChange }: InputProps) {
  const text = typeof value === 'string' ? value : '';
  return (
    <>
      <textarea id={id} className="code" rows={4} value={text} spellCheck={false} aria-describedby={described}
        aria-invalid={invalid || undefined} onChange={(event) => onChange(event.target.value)} />
      <InsertColumn onInsert={(name) => onChange(`${text}{${name}}`)} />
    </>
  );
}

// An object whose values are templates, a line for each; one that holds more than that is edited as text.
function JsonTemplate(props: InputProps) {
  const { value, onChange, id, described } = props;
  const flat = value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value) &&
    Object.values(value).every((part) => typeof part !== 'object' || part === null));

  if (flat) return <TemplateLines {...props} />;
  return (
    <textarea id={id} className="code" rows={6} spellCheck={false} aria-describedby={described}
      value={typeof value === 'string' ? value : JSON.stringify(value, null, 2)} onChange={(event) => onChange(event.target.value)} />
  );
}

const ONE_LINE: [string, unknown][] = [['', '']];

function TemplateLines({ id, value, onChange, described }: InputProps) {
  const texts = useTexts();
  const [pairs, write] = useLines(value, onChange, ONE_LINE);

  return (
    <div className="pairs">
      {pairs.map(([key, part], i) => (
        <div className="pair" key={i}>
          <input id={i === 0 ? id : undefined} value={key} aria-label={`${texts.flow.key} ${i + 1}`} placeholder={texts.flow.key}
            aria-describedby={described}
            onChange={(event) => write(pairs.map((pair, k) => (k === i ? [event.target.value, pair[1]] : pair)))} />
          <input className="code" value={String(part as string)} aria-label={`${texts.flow.value} ${i + 1}`} placeholder="{…}"
            onChange={(event) => write(pairs.map((pair, k) => (k === i ? [pair[0], event.target.value] : pair)))} />
          <InsertColumn onInsert={(name) =>
            write(pairs.map((pair, k) => (k === i ? [pair[0] || name, `${String(pair[1] as string)}{${name}}`] : pair)))} />
          <IconButton label={texts.flow.removeItem(key || String(i + 1))} icon="close" onClick={() => write(pairs.filter((_, k) => k !== i))} />
        </div>
      ))}
      <Button kind="quiet" icon="plus" onClick={() => write([...pairs, ['', '']])}>{texts.flow.addPair}</Button>
    </div>
  );
}

// ---- columns in an order ----

function ColumnList({ value, onChange, columns, label, schema, invalid }: InputProps & { columns: Column[] }) {
  const texts = useTexts();
  const chosen = Array.isArray(value) ? (value as string[]) : [];
  const left = columns.filter((column) => !chosen.includes(column.name));
  const there = new Set(columns.map((column) => column.name));
  const write = (next: string[]) => onChange(next.length ? next : undefined);
  const swap = (i: number, k: number) => {
    const next = [...chosen];
    [next[i], next[k]] = [next[k]!, next[i]!];
    write(next);
  };

  return (
    <div className="column-list">
      {chosen.length === 0 && !schema.minItems && <span className="hint">{texts.flow.allColumns}</span>}
      {chosen.length > 0 && (
        <ul>
          {chosen.map((name, i) => (
            <li key={name} className={columns.length && !there.has(name) ? 'not-there' : ''}>
              <span>{name}</span>
              {i > 0 && <IconButton label={`${texts.flow.up}: ${name}`} icon="up" onClick={() => swap(i, i - 1)} />}
              <IconButton label={texts.flow.removeItem(name)} icon="close" onClick={() => write(chosen.filter((one) => one !== name))} />
            </li>
          ))}
        </ul>
      )}
      {left.length > 0 && (
        <select value="" aria-label={`${label}: ${texts.flow.addColumn}`} aria-invalid={invalid || undefined}
          onChange={(event) => { if (event.target.value) write([...chosen, event.target.value]); }}>
          <option value="">{texts.flow.addColumn}</option>
          {left.map((column) => <option key={column.name} value={column.name}>{column.name}</option>)}
        </select>
      )}
    </div>
  );
}

// ---- lists of objects: conditions, rules ----

function ObjectList({ value, onChange, schema, path, label }: InputProps) {
  const texts = useTexts();
  const list = (Array.isArray(value) ? value : []) as Record<string, unknown>[];
  const item = schema.items!;

  return (
    <div className="object-list">
      {list.map((one, i) => (
        <div className="object" key={i} role="group" aria-label={`${label} ${i + 1}`}>
          <ObjectFields schema={item} value={one} path={`${path}[${i}]`}
            onChange={(to) => onChange(list.map((old, k) => (k === i ? to : old)))} />
          {list.length > 1 && (
            <IconButton label={texts.flow.removeItem(`${label} ${i + 1}`)} icon="close" onClick={() => onChange(list.filter((_, k) => k !== i))} />
          )}
        </div>
      ))}
      <Button kind="quiet" icon="plus" onClick={() => onChange([...list, {}])}>{texts.flow.addItem}</Button>
    </div>
  );
}

// ---- maps: one side is a column, the other a name ----

// The lines of a map as they are being written: while one is typed its key may be that of another for a moment, and an
// object would lose a line then.
function useLines(value: unknown, onChange: Change, first: [string, unknown][] = []) {
  const [lines, setLines] = useState(() => (value === undefined ? first : Object.entries(value as object) as [string, unknown][]));
  const given = JSON.stringify(value ?? {});
  const same = JSON.stringify(Object.fromEntries(lines)) === given || (value === undefined && lines === first);
  const shown = same ? lines : (Object.entries((value ?? {}) as object) as [string, unknown][]);
  const write = (next: [string, unknown][]) => {
    setLines(next);
    onChange(next.length ? Object.fromEntries(next) : undefined);
  };
  return [shown, write] as const;
}

const isColumn = (schema: Schema | undefined): boolean =>
  Boolean(schema && (schema['x-column'] || schema.anyOf?.some(isColumn)));

function Pairs({ name, value, onChange, schema, label }: InputProps) {
  const texts = useTexts();
  const { columns } = useContext(Context);
  const of = schema.additionalProperties as Schema;
  const valueIsColumn = isColumn(of);
  const keyIsColumn = !valueIsColumn && name === 'column_mapping';
  const withDefault = Boolean(of.anyOf?.some((one) => one.properties?.source && one.properties.default));
  const [pairs, write] = useLines(value, onChange);
  const sourceOf = (to: unknown) =>
    (typeof to === 'object' && to !== null ? ((to as { source?: string }).source ?? '') : String((to ?? '') as string));
  const defaultOf = (to: unknown) => (typeof to === 'object' && to !== null ? (to as { default?: unknown }).default : undefined);
  const put = (i: number, key: string, source: string, fallback: unknown) =>
    write(pairs.map((pair, k) => {
      if (k !== i) return pair;
      if (fallback === undefined || fallback === '') return [key, valueIsColumn ? source : scalar(source)];
      return [key, { ...(source ? { source } : {}), default: fallback }];
    }));
  const column = (current: string, labelText: string, set: (name: string) => void) => (
    <select value={current} aria-label={labelText} onChange={(event) => set(event.target.value)}>
      <option value="">{texts.flow.pick}</option>
      {current && !columns.some((one) => one.name === current) && <option value={current}>{texts.flow.notThere(current)}</option>}
      {columns.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
    </select>
  );
  const text = (current: string, labelText: string, set: (name: string) => void) => (
    <input value={current} aria-label={labelText} placeholder={labelText} spellCheck={false} onChange={(event) => set(event.target.value)} />
  );

  return (
    <div className="pairs">
      {pairs.map(([key, to], i) => {
        const source = sourceOf(to);
        const fallback = defaultOf(to);
        const keyLabel = valueIsColumn ? texts.flow.newName : keyIsColumn ? texts.flow.sourceColumn : texts.flow.from;
        const setKey = (next: string) => put(i, next, source, fallback);
        const setValue = (next: string) => put(i, valueIsColumn && key === '' ? next : key, next, fallback);
        const keyPart = keyIsColumn ? column(key, `${keyLabel} ${i + 1}`, setKey) : text(key, `${keyLabel} ${i + 1}`, setKey);
        const valuePart = valueIsColumn
          ? column(source, `${texts.flow.sourceColumn} ${i + 1}`, setValue)
          : text(source, `${keyIsColumn ? texts.flow.newName : texts.flow.to} ${i + 1}`, setValue);
        return (
          <div className="pair" key={i} role="group" aria-label={`${label} ${i + 1}`}>
            {valueIsColumn ? valuePart : keyPart}
            <span className="arrow" aria-hidden="true">→</span>
            {valueIsColumn ? keyPart : valuePart}
            {withDefault && (
              <input className="fallback" value={fallback === undefined ? '' : String(fallback as string)} placeholder={texts.flow.fallback}
                aria-label={`${texts.flow.fallback} ${i + 1}`} onChange={(event) => put(i, key, source, scalar(event.target.value))} />
            )}
            <IconButton label={texts.flow.removeItem(key || String(i + 1))} icon="close" onClick={() => write(pairs.filter((_, k) => k !== i))} />
          </div>
        );
      })}
      <div className="row">
        <Button kind="quiet" icon="plus" disabled={pairs.some(([key]) => key === '')} onClick={() => write([...pairs, ['', '']])}>{texts.flow.addPair}</Button>
        {(valueIsColumn || keyIsColumn) && columns.length > 0 && (
          <Button kind="quiet" icon="plus" onClick={() => write(columns.map((one) => [one.name, one.name]))}>{texts.flow.allColumns}</Button>
        )}
      </div>
    </div>
  );
}

// ---- a switch that may be an object ----

function SwitchedObject({ value, onChange, schema, path, label }: InputProps) {
  const object = schema.anyOf?.find((one) => one.properties);
  const on = value !== undefined && value !== false;

  return (
    <>
      <label className="switch">
        <input type="checkbox" checked={on} onChange={(event) => onChange(event.target.checked ? true : undefined)} />
        <span>{label}</span>
      </label>
      {on && object && (
        <ObjectFields schema={{ ...object, properties: withoutEnabled(object.properties ?? {}) }} path={path}
          value={typeof value === 'object' ? (value as Record<string, unknown>) : {}}
          onChange={(to) => onChange(Object.keys(to).length ? to : true)} />
      )}
    </>
  );
}

function withoutEnabled({ enabled: _, ...rest }: Record<string, Schema>) {
  return rest;
}
