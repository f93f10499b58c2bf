// The steps that are being put together: kept for each conversation until the tab is closed, so that looking at the data
// in between loses nothing. Workflows saved by name are kept in this browser.
import { useSyncExternalStore } from 'react';
import type { Arguments, Operation, Schema, StepRequest } from '../api';

export interface Step { id: string; operation: string; arguments: Arguments; off: boolean; input_file?: string }
export interface Draft { input: string; steps: Step[]; fromSuggestion: boolean }

const EMPTY: Draft = { input: '', steps: [], fromSuggestion: false };
const drafts = new Map<string, Draft>();
const listeners = new Set<() => void>();

export const newId = () => crypto.randomUUID();

function read(chat: string): Draft {
  let draft = drafts.get(chat);
  if (!draft) {
    try {
      draft = { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(`sheetflow.draft.${chat}`) ?? '{}') as Partial<Draft>) };
    } catch {
      draft = EMPTY;
    }
    drafts.set(chat, draft);
  }
  return draft;
}

export function setDraft(chat: string, change: Partial<Draft>) {
  const draft = { ...read(chat), ...change };
  drafts.set(chat, draft);
  try {
    sessionStorage.setItem(`sheetflow.draft.${chat}`, JSON.stringify(draft));
  } catch {
    // Without room it is kept as long as the page is.
  }
  for (const listener of listeners) listener();
}

export function useDraft(chat: string): Draft {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => read(chat));
}

export function toSteps(steps: StepRequest[]): Step[] {
  return steps.map((step) => ({
    id: newId(), operation: step.operation, arguments: structuredClone(step.arguments ?? {}), off: false,
    ...(step.input_file ? { input_file: step.input_file } : {}),
  }));
}

export function toRequests(steps: Step[]): StepRequest[] {
  return steps.map((step) => ({
    operation: step.operation, arguments: step.arguments, ...(step.input_file ? { input_file: step.input_file } : {}),
  }));
}

// ---- arguments by path: conditions[0].column ----

export function pathParts(path: string): (string | number)[] {
  return [...path.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
}

export function setAt(value: unknown, path: (string | number)[], to: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return to;
  const copy: Record<string | number, unknown> | unknown[] = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  (copy as Record<string | number, unknown>)[head] = setAt((copy as Record<string | number, unknown>)[head], rest, to);
  return copy;
}

// An argument's path within its step, whichever way an error names it, and the step if it does.
export function locate(argument: string | undefined): { step: number | null; path: string } {
  const match = /^steps\[(\d+)\](?:\.arguments)?\.?(.*)$/.exec(argument ?? '');
  return match ? { step: Number(match[1]), path: match[2] ?? '' } : { step: null, path: argument ?? '' };
}

const isBlank = (value: unknown) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && !Array.isArray(value) && Object.keys(value as object).length === 0);

const NEEDS_NO_VALUE = new Set(['is_empty', 'is_not_empty']);

// Paths of what is still missing; what is there the server checks.
export function missing(schema: Schema, value: unknown, path = ''): string[] {
  const found: string[] = [];
  const object = (value ?? {}) as Record<string, unknown>;
  const at = (name: string) => (path ? `${path}.${name}` : name);

  for (const name of schema.required ?? []) {
    if (isBlank(object[name])) found.push(at(name));
  }
  for (const [name, property] of Object.entries(parametersOf(schema, object))) {
    if (isBlank(object[name])) continue;
    if (property.type === 'array' && property.items?.properties) {
      (object[name] as unknown[]).forEach((item, i) => found.push(...missing(property.items!, item, `${at(name)}[${i}]`)));
    } else if (property.properties) {
      found.push(...missing(property, object[name], at(name)));
    }
  }
  if (schema.properties?.operator && schema.properties.value && object.operator &&
    !NEEDS_NO_VALUE.has(String(object.operator)) && isBlankValue(object.value)) {
    found.push(at('value'));
  }
  return found;
}

const isBlankValue = (value: unknown) => isBlank(value) || (Array.isArray(value) && value.some(isBlank));

// The properties of an object; where they depend on another property (if/then), those that apply.
export function parametersOf(schema: Schema, value: Record<string, unknown>): Record<string, Schema> {
  let properties = schema.properties ?? {};
  for (const { if: test, then } of schema.allOf ?? []) {
    const holds = Object.entries(test.properties ?? {}).every(([name, want]) => value[name] === want.const);
    if (holds && then.properties) properties = { ...properties, ...then.properties };
  }
  return properties;
}

export function firstArguments(operation: Operation): Arguments {
  const out: Arguments = {};
  for (const name of operation.schema.required ?? []) {
    const property = operation.schema.properties?.[name];
    if (property?.type === 'array' && property.items?.properties) out[name] = [property.items.properties.operator ? { operator: 'equals' } : {}];
  }
  if (operation.name === 'excel/map-columns') out.mapping = { '': '' };
  return out;
}

// ---- saved by name ----

export interface SavedFlow { name: string; steps: StepRequest[]; saved_at: string }
const SAVED = 'sheetflow.workflows';
let saved: SavedFlow[] | null = null;

function readSaved(): SavedFlow[] {
  if (!saved) {
    try {
      saved = JSON.parse(localStorage.getItem(SAVED) ?? '[]') as SavedFlow[];
    } catch {
      saved = [];
    }
  }
  return saved;
}

function writeSaved(list: SavedFlow[]) {
  saved = list;
  localStorage.setItem(SAVED, JSON.stringify(list));
  for (const listener of listeners) listener();
}

window.addEventListener('storage', (event) => {
  if (event.key !== SAVED) return;
  saved = null;
  for (const listener of listeners) listener();
});

export function useSaved(): SavedFlow[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, readSaved);
}

export function saveFlow(name: string, steps: StepRequest[]) {
  const flow = { name, steps, saved_at: new Date().toISOString() };
  writeSaved([...readSaved().filter((old) => old.name !== name), flow].sort((a, b) => a.name.localeCompare(b.name)));
}

export function forgetFlow(name: string) {
  writeSaved(readSaved().filter((old) => old.name !== name));
}

// What `sheetflow run --steps` reads, and what execute takes.
export function parseFlow(text: string): StepRequest[] | null {
  try {
    const { steps } = JSON.parse(text) as { steps?: StepRequest[] };
    if (!Array.isArray(steps) || !steps.every((step) => typeof step.operation === 'string')) return null;
    return steps.map(({ operation, arguments: args, input_file }) => ({
      operation, arguments: args ?? {}, ...(input_file ? { input_file } : {}),
    }));
  } catch {
    return null;
  }
}

// A line that does the same in a shell; single quotes are the only ones that need care there.
export function asCurl(url: string, body: object, withKey: boolean): string {
  const quoted = JSON.stringify(body).replaceAll("'", `'\\''`);
  const key = withKey ? ` -H "Authorization: Bearer $SHEETFLOW_KEY"` : '';
  return `curl -s${key} -H 'Content-Type: application/json' -d '${quoted}' '${url}'`;
}
