// The workflow: steps put together by forms, tried on a sample at every change, then run.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { API, api, ApiError, heldKey, save, type Operation, type Preview, type StepRequest, type StepResult } from '../api';
import { useChat } from '../chat/context';
import { useOperations } from '../hooks';
import { Button, Dialog, Icon, IconButton, useTell, useTellError } from '../parts/ui';
import { go } from '../route';
import { useTexts } from '../texts';
import { Form, type Problem } from './form';
import { isTable, Sample } from './sample';
import {
  asCurl, firstArguments, forgetFlow, locate, missing, newId, parseFlow, saveFlow, setDraft, toRequests, toSteps, useDraft, useSaved,
  type Step,
} from './steps';
import { opTitle, summary } from './summary';

const SAMPLE_ROWS = 200;
const SETTLE_MS = 350;

interface Check { results: StepResult[]; problem: (Problem & { step: number }) | null }

// A sample run of the steps that are complete; what went wrong is part of the answer.
async function check(id: string, steps: StepRequest[], input: string, signal: AbortSignal): Promise<Check> {
  try {
    return { results: await api.tryOut(id, steps, input, SAMPLE_ROWS, signal), problem: null };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status < 400 || error.status >= 500) throw error;
    const { details } = error;
    const place = locate(details.argument);
    const step = details.step !== undefined ? details.step - 1 : (place.step ?? 0);
    const problem = {
      step, path: place.path, message: error.message.replace(/^step \d+ of \d+ \([^)]*\): /, ''), suggestions: details.suggestions ?? [],
    };
    // Refused before anything ran: those before it can still be shown.
    if (!details.results && step > 0) return { results: (await check(id, steps.slice(0, step), input, signal)).results, problem };
    return { results: details.results ?? [], problem };
  }
}

const isInput = (name: string) => !/\.(sql|json|jsonl)$/i.test(name);

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function Flow() {
  const texts = useTexts();
  const { id, files } = useChat();
  const draft = useDraft(id);
  const operations = useOperations();
  const tables = files.filter((file) => isInput(file.name));
  const input = tables.some((file) => file.name === draft.input)
    ? draft.input
    : (tables.findLast((file) => file.kind === 'upload')?.name ?? tables.at(-1)?.name ?? '');
  const [adding, setAdding] = useState(false);
  const [said, setSaid] = useState('');
  const focusStep = useRef<string | null>(null);
  const byName = useMemo(() => new Map((operations.data ?? []).map((operation) => [operation.name, operation])), [operations.data]);

  // ---- the sample ----
  const active = draft.steps.filter((step) => !step.off);
  const lacks = new Map(active.map((step) => {
    const schema = byName.get(step.operation)?.schema;
    return [step.id, schema ? missing(schema, step.arguments) : []];
  }));
  const firstLacking = active.findIndex((step) => (lacks.get(step.id)?.length ?? 0) > 0);
  const ready = firstLacking < 0 ? active : active.slice(0, firstLacking);
  const wanted = useSettled(JSON.stringify(toRequests(ready)));
  const head = useQuery({
    queryKey: ['preview', id, input, ''],
    queryFn: ({ signal }) => api.preview(id, input, '', 0, SAMPLE_ROWS, signal),
    enabled: input !== '',
    staleTime: Infinity,
  });
  const checked = useQuery({
    queryKey: ['check', id, input, wanted],
    queryFn: ({ signal }) => check(id, JSON.parse(wanted) as StepRequest[], input, signal),
    enabled: input !== '' && wanted !== '[]',
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const results = wanted === '[]' ? [] : (checked.data?.results ?? []);
  const problem = wanted === '[]' ? null : (checked.data?.problem ?? null);
  const fresh = !checked.isPlaceholderData && wanted === JSON.stringify(toRequests(ready));
  const works = active.length > 0 && firstLacking < 0 && !problem && fresh && checked.isSuccess;

  // The table that a step reads: its file's, or what the last step before it that makes a table has made.
  const before = (place: number): Preview | null => {
    for (let i = place - 1; i >= 0; i--) {
      const made = results[i]?.preview;
      if (isTable(made)) return made;
      if (results[i] === undefined) return null;
    }
    return head.data ?? null;
  };

  // ---- changes ----
  const write = (steps: Step[]) => setDraft(id, { steps });
  const change = (step: Step, to: Partial<Step>) => write(draft.steps.map((old) => (old.id === step.id ? { ...old, ...to } : old)));
  const move = (from: number, to: number) => {
    const step = draft.steps[from];
    if (!step || to < 0 || to >= draft.steps.length) return;
    const steps = draft.steps.filter((_, i) => i !== from);
    steps.splice(to, 0, step);
    write(steps);
    setSaid(texts.flow.moved(opTitle(texts, step.operation), to + 1));
  };
  const add = (operation: Operation) => {
    const step: Step = { id: newId(), operation: operation.name, arguments: firstArguments(operation), off: false };
    setAdding(false);
    focusStep.current = step.id;
    write([...draft.steps, step]);
  };

  return (
    <div className="flow">
      <Bar input={input} files={tables.map((file) => file.name)} works={works} active={active}
        state={active.length === 0 ? '' : firstLacking >= 0 ? texts.flow.incomplete : problem ? problem.message
          : works ? texts.flow.ok : texts.flow.checking} />
      <div className="flow-body">
        {!input && <p className="hint">{texts.flow.noFile}</p>}
        {draft.steps.length === 0 && (
          <div className="empty">
            <Icon name="flow" size={34} />
            <p><strong>{texts.flow.empty}</strong></p>
            <p className="hint">{texts.flow.emptyText}</p>
          </div>
        )}
        <ol className="steps">
          {draft.steps.map((step, i) => {
            const place = active.indexOf(step);
            return (
              <StepCard key={step.id} step={step} number={i + 1} last={i === draft.steps.length - 1} place={place}
                operation={byName.get(step.operation)} input={place >= 0 ? before(place) : (head.data ?? null)}
                sheets={place === 0 ? (head.data?.sheets.map((sheet) => sheet.name) ?? []) : []}
                result={place >= 0 && place < ready.length ? results[place] : undefined}
                problem={problem && problem.step === place ? problem : null} lacks={lacks.get(step.id) ?? []}
                focus={focusStep.current === step.id} onFocused={() => { focusStep.current = null; }}
                onChange={(to) => change(step, to)} onMove={(by) => move(i, i + by)}
                onDuplicate={() => write(draft.steps.toSpliced(i + 1, 0, { ...structuredClone(step), id: newId() }))}
                onRemove={() => write(draft.steps.filter((old) => old.id !== step.id))} />
            );
          })}
        </ol>
        <Button icon="plus" className="add-step" onClick={() => setAdding(true)}>{texts.flow.add}</Button>
      </div>
      <p className="sr" role="status">{said}</p>
      {adding && operations.data && <Palette operations={operations.data} onAdd={add} onClose={() => setAdding(false)} />}
    </div>
  );
}

// What steps that nobody has put together here would make of the last file.
export function LastSample({ steps, of }: { steps: StepRequest[]; of?: string | undefined }) {
  const texts = useTexts();
  const { id, files } = useChat();
  const input = of ?? files.findLast((file) => file.kind === 'upload' && isInput(file.name))?.name ?? '';
  const checked = useQuery({
    queryKey: ['check', id, input, JSON.stringify(steps)],
    queryFn: ({ signal }) => check(id, steps, input, signal),
    enabled: input !== '',
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const results = checked.data?.results ?? [];
  const last = results.at(-1);
  const head = useQuery({
    queryKey: ['preview', id, input, ''],
    queryFn: ({ signal }) => api.preview(id, input, '', 0, SAMPLE_ROWS, signal),
    enabled: input !== '',
    staleTime: Infinity,
  });

  if (!last) return checked.data?.problem ? <p className="field-error">{checked.data.problem.message}</p> : null;
  return (
    <details className="last-sample" open>
      <summary>{texts.flow.preview}: {texts.flow.sample(results[0]?.rows_in ?? 0)}</summary>
      <Sample before={head.data ?? null} result={last} ledger={together(results, last)} />
    </details>
  );
}

// All steps as one: what went into the first, what came out of the last, and all that was dropped between.
function together(results: StepResult[], last: StepResult): StepResult {
  const dropped: Record<string, number> = {};
  for (const result of results) {
    for (const [reason, rows] of Object.entries(result.dropped)) dropped[reason] = (dropped[reason] ?? 0) + rows;
  }
  return { ...last, rows_in: results[0]?.rows_in ?? last.rows_in, dropped };
}

// ---- the bar: file, run, save ----

function Bar({ input, files, works, active, state }:
{ input: string; files: string[]; works: boolean; active: Step[]; state: string }) {
  const texts = useTexts();
  const { id, bot } = useChat();
  const draft = useDraft(id);
  const queries = useQueryClient();
  const tell = useTell();
  const tellError = useTellError();
  const [dialog, setDialog] = useState<'save' | 'load' | null>(null);
  const steps = toRequests(active);
  const run = useMutation({
    mutationFn: async () => {
      if (draft.fromSuggestion && bot?.current_state === 'awaiting_confirmation') await api.confirm(id, true, steps);
      else await api.execute(id, steps, { input_file: input });
    },
    onSuccess: () => {
      setDraft(id, { fromSuggestion: false });
      go(id, 'chat');
    },
    onError: (error) => tellError(error),
    onSettled: () => {
      for (const what of ['chat', 'runs', 'bot']) void queries.invalidateQueries({ queryKey: [what, id] });
    },
  });
  const curl = async () => {
    const line = asCurl(`${location.origin}${API}/chat/workflows/${id}/execute`, { steps, input_file: input }, heldKey() !== '');
    await navigator.clipboard.writeText(line);
    tell(texts.app.copied);
  };

  return (
    <div className="flow-bar">
      <label className="file-pick">
        <span className="label">{texts.flow.input}</span>
        <select value={input} disabled={files.length === 0} onChange={(event) => setDraft(id, { input: event.target.value })}>
          {files.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
      <div className="row flow-actions">
        <Button kind="main" icon="play" disabled={!works || run.isPending} onClick={() => run.mutate()}>
          {run.isPending ? texts.flow.running : texts.flow.run}
        </Button>
        <IconButton label={texts.flow.save} icon="bookmark" disabled={steps.length === 0} onClick={() => setDialog('save')} />
        <IconButton label={texts.flow.load} icon="archive" onClick={() => setDialog('load')} />
        <IconButton label={texts.flow.curl} icon="terminal" disabled={steps.length === 0}
          onClick={() => { curl().catch(tellError); }} />
        <IconButton label={texts.flow.clear} icon="again" disabled={draft.steps.length === 0} onClick={() => setDraft(id, { steps: [] })} />
      </div>
      <p className={`flow-state ${works ? 'good' : ''}`} role="status">{works && <Icon name="check" size={15} />}{state}</p>
      {dialog === 'save' && <SaveDialog steps={steps} onClose={() => setDialog(null)} />}
      {dialog === 'load' && <LoadDialog onUse={(chosen) => { setDraft(id, { steps: toSteps(chosen), fromSuggestion: false }); setDialog(null); }}
        onClose={() => setDialog(null)} />}
    </div>
  );
}

function SaveDialog({ steps, onClose }: { steps: StepRequest[]; onClose: () => void }) {
  const texts = useTexts();
  const tell = useTell();
  const name = useRef<HTMLInputElement>(null);
  const named = () => name.current?.value.trim() ?? '';

  return (
    <Dialog title={texts.flow.saveTitle} onClose={onClose}>
      <form onSubmit={(event) => {
        event.preventDefault();
        if (!named()) return;
        saveFlow(named(), steps);
        tell(texts.flow.saved(named()));
        onClose();
      }}>
        <label className="field">
          <span className="label">{texts.flow.saveName}</span>
          <input ref={name} required maxLength={100} data-autofocus />
        </label>
        <p className="hint">{texts.flow.saveText}</p>
        <div className="row end">
          <Button icon="download" onClick={() => {
            save(`${JSON.stringify({ steps }, null, 2)}\n`, `${named() || 'steps'}.json`);
            onClose();
          }}>{texts.flow.asFile}</Button>
          <Button kind="main" type="submit" icon="bookmark">{texts.flow.save}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function LoadDialog({ onUse, onClose }: { onUse: (steps: StepRequest[]) => void; onClose: () => void }) {
  const texts = useTexts();
  const saved = useSaved();
  const tell = useTell();
  const input = useRef<HTMLInputElement>(null);

  return (
    <Dialog title={texts.flow.load} onClose={onClose} wide>
      {saved.length === 0 && <p className="hint">{texts.flow.loadNone}</p>}
      <ul className="saved">
        {saved.map((flow) => (
          <li key={flow.name}>
            <div>
              <strong>{flow.name}</strong>
              <p className="hint">{flow.steps.map((step) => opTitle(texts, step.operation)).join(' → ')}</p>
            </div>
            <Button kind="main" onClick={() => onUse(flow.steps)} aria-label={`${texts.flow.use}: ${flow.name}`}>{texts.flow.use}</Button>
            <IconButton label={texts.flow.removeItem(flow.name)} icon="trash" onClick={() => forgetFlow(flow.name)} />
          </li>
        ))}
      </ul>
      <div className="row end">
        <Button icon="upload" onClick={() => input.current?.click()}>{texts.flow.fromFile}</Button>
        <input ref={input} type="file" accept=".json" hidden aria-label={texts.flow.fromFile} onChange={(event) => {
          const file = event.target.files?.[0];
          void file?.text().then((text) => {
            const steps = parseFlow(text);
            if (steps) onUse(steps);
            else tell(texts.flow.badFile, true);
          });
        }} />
      </div>
    </Dialog>
  );
}

// ---- which step to add ----

const GROUPS: [string, string[]][] = [
  ['rows', ['excel/search']],
  ['columns', ['excel/extract-columns-to-file', 'excel/map-columns']],
  ['values', ['normalization/apply']],
  ['files', ['excel/bind-single-key', 'excel/bind-multi-key']],
  ['output', ['csv/convert-to-excel', 'excel/convert-to-csv', 'json/generate', 'json/generate-with-template', 'sql/generate',
    'sql/generate-to-text', 'sql/generate-custom-to-text', 'excel/extract-columns']],
];
// The same step under the name that CSV files have for it.
const DOUBLED = new Set(['csv/search']);

function Palette({ operations, onAdd, onClose }: { operations: Operation[]; onAdd: (operation: Operation) => void; onClose: () => void }) {
  const texts = useTexts();
  const [find, setFind] = useState('');
  const word = find.trim().toLowerCase();
  const fits = (operation: Operation) => [opTitle(texts, operation.name), operation.name, operation.summary, texts.about[operation.name] ?? '', ...(operation.says ?? [])]
    .some((text) => text.toLowerCase().includes(word));
  const placed = new Set(GROUPS.flatMap(([, names]) => names));
  const groups: [string, Operation[]][] = [
    ...GROUPS.map(([group, names]): [string, Operation[]] =>
      [group, names.flatMap((name) => operations.find((operation) => operation.name === name) ?? [])]),
    ['other', operations.filter((operation) => !placed.has(operation.name) && !DOUBLED.has(operation.name))],
  ];
  const found = groups.map(([group, list]): [string, Operation[]] => [group, list.filter(fits)]).filter(([, list]) => list.length > 0);

  return (
    <Dialog title={texts.flow.addTitle} onClose={onClose} wide>
      <form onSubmit={(event) => {
        event.preventDefault();
        const first = found[0]?.[1][0];
        if (word && first) onAdd(first);
      }}>
        <label className="search">
          <Icon name="search" size={16} />
          <input type="search" value={find} data-autofocus placeholder={texts.flow.find} aria-label={texts.flow.find}
            onChange={(event) => setFind(event.target.value)} />
        </label>
      </form>
      <div className="palette">
        {found.map(([group, list]) => (
          <section key={group}>
            <h3>{texts.flow.groups[group]}</h3>
            <ul>
              {list.map((operation) => (
                <li key={operation.name}>
                  <button type="button" onClick={() => onAdd(operation)}>
                    <strong>{opTitle(texts, operation.name)}</strong>
                    <span className="hint">{texts.about[operation.name] ?? operation.summary}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

// ---- a step ----

interface StepCardProps {
  step: Step;
  number: number;
  place: number; // Among the steps that are on; -1: off.
  last: boolean;
  operation: Operation | undefined;
  input: Preview | null;
  sheets: string[];
  result: StepResult | undefined;
  problem: Problem | null;
  lacks: string[];
  focus: boolean;
  onFocused: () => void;
  onChange: (to: Partial<Step>) => void;
  onMove: (by: number) => void;
  onDuplicate: () => void;
  onRemove: () => void;
}

function StepCard(props: StepCardProps) {
  const { step, number, last, operation, input, result, problem, lacks, focus, onFocused, onChange, onMove } = props;
  const texts = useTexts();
  const { id, files } = useChat();
  const [open, setOpen] = useState(focus || lacks.length > 0 || problem !== null);
  const title = opTitle(texts, step.operation);
  const card = useRef<HTMLLIElement>(null);
  const bind = typeof step.arguments.bind_file === 'string' ? step.arguments.bind_file : '';
  const other = useQuery({
    queryKey: ['preview', id, bind, ''],
    queryFn: ({ signal }) => api.preview(id, bind, '', 0, SAMPLE_ROWS, signal),
    enabled: bind !== '',
    staleTime: Infinity,
  });
  const unplaced = problem && !Object.keys(operation?.schema.properties ?? {}).some((name) => problem.path.startsWith(name));

  useEffect(() => {
    if (!focus) return;
    onFocused();
    const first = card.current?.querySelector<HTMLElement>('.step-form select, .step-form input, .step-form textarea');
    (first ?? card.current?.querySelector<HTMLElement>('.step-toggle'))?.focus();
    card.current?.scrollIntoView({ block: 'nearest' });
  }, [focus, onFocused]);
  useEffect(() => {
    if (problem) setOpen(true);
  }, [problem]);

  const keys = (event: KeyboardEvent) => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    onMove(event.key === 'ArrowUp' ? -1 : 1);
  };

  return (
    <li ref={card} className={`step ${step.off ? 'off' : ''} ${problem ? 'bad' : ''}`} aria-label={`${texts.flow.step(number)}: ${title}`}>
      <header onKeyDown={keys}>
        <button type="button" className="step-toggle" aria-expanded={open} onClick={() => setOpen(!open)} aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown">
          <span className="step-number" aria-hidden="true">{number}</span>
          <span className="step-name">
            <strong>{title}</strong>
            {step.off && <em>{texts.flow.off}</em>}
            <span className="hint">{summary(texts, step.arguments)}</span>
          </span>
        </button>
        <span className="step-actions">
          <IconButton label={`${texts.flow.up}: ${title}`} icon="up" disabled={number === 1} onClick={() => onMove(-1)} />
          <IconButton label={`${texts.flow.down}: ${title}`} icon="down" disabled={last} onClick={() => onMove(1)} />
          <IconButton label={`${texts.flow.duplicate}: ${title}`} icon="copy" onClick={props.onDuplicate} />
          <IconButton label={`${step.off ? texts.flow.enable : texts.flow.disable}: ${title}`} icon="power" aria-pressed={step.off}
            onClick={() => onChange({ off: !step.off })} />
          <IconButton label={`${texts.flow.remove}: ${title}`} icon="trash" onClick={props.onRemove} />
        </span>
      </header>
      {open && operation && (
        <div className="step-form">
          <Form operation={operation.name} schema={operation.schema} value={step.arguments} columns={input?.columns ?? []}
            otherColumns={other.data?.columns ?? []} sheets={props.sheets} problem={problem} missing={lacks}
            files={files.filter((file) => file.file || file.kind === 'between').map((file) => file.name)}
            onChange={(args) => onChange({ arguments: args })} />
        </div>
      )}
      {unplaced && <p className="field-error" role="alert"><Icon name="alert" size={15} />{problem.message}</p>}
      {result && !step.off && open && (
        <details className="sample-box">
          <summary>{texts.flow.preview}: {texts.flow.sample(result.rows_in)}</summary>
          <Sample before={input} result={result} />
        </details>
      )}
    </li>
  );
}
