// A run: its steps with their progress while they work and their ledgers when they are done, its results, and what to do
// when a step fails.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, download, fileUrl, nameOf, type Run, type RunError, type RunStep, type StepResult } from '../api';
import { locate, pathParts, setAt, setDraft, toSteps } from '../flow/steps';
import { opTitle, summary } from '../flow/summary';
import type { StepProgress } from '../live';
import { Badge, Button, Icon, IconButton, useTellError } from '../parts/ui';
import { go } from '../route';
import { useFormat, useTexts } from '../texts';
import { useChat } from './context';

const requestsOf = (run: Run) => run.steps.map((step, i) => ({
  operation: step.operation,
  arguments: step.arguments,
  ...(i > 0 && step.input_file ? { input_file: step.input_file } : {}),
}));

export function RunCard({ run }: { run: Run }) {
  const texts = useTexts();
  const format = useFormat();
  const { id, live } = useChat();
  const queries = useQueryClient();
  const tellError = useTellError();
  const active = run.status === 'pending' || run.status === 'running';
  const cancel = useMutation({
    mutationFn: () => api.cancel(id, run.run_id),
    onError: (error) => tellError(error),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['runs', id] }),
  });
  const failed = run.steps.findIndex((step) => step.status === 'failed');
  const took = run.started_at && run.completed_at ? Date.parse(run.completed_at) - Date.parse(run.started_at) : null;

  return (
    <article className={`run ${run.status}`} aria-label={texts.run.title(run.steps.length)}>
      <header>
        <Badge status={run.status}>{texts.run.statuses[run.status]}</Badge>
        <span className="run-input">{texts.run.input(nameOf(run.input_file))}</span>
        <span className="spacer" />
        {took !== null && <span className="hint">{texts.run.took(took)}</span>}
        <time dateTime={run.created_at} title={format.full(run.created_at)}>{format.when(run.created_at)}</time>
        {active && (
          <Button icon="close" disabled={cancel.isPending || cancel.isSuccess} onClick={() => cancel.mutate()}>
            {cancel.isPending || cancel.isSuccess ? texts.run.cancelling : texts.run.cancel}
          </Button>
        )}
      </header>
      <ol className="run-steps">
        {run.steps.map((step, i) => (
          <StepRow key={step.step_id} step={step} number={i + 1}
            result={run.results.find((result) => result.step === i + 1)}
            progress={active ? live.runs.get(run.run_id)?.get(i + 1) : undefined} />
        ))}
      </ol>
      {run.status === 'failed' && run.error && <Fix run={run} error={run.error} failed={Math.max(failed, 0)} />}
      {!active && (
        <footer className="row">
          <Button kind="quiet" icon="again" onClick={() => {
            setDraft(id, { steps: toSteps(requestsOf(run)), fromSuggestion: false });
            go(id, 'flow');
          }}>{texts.run.again}</Button>
        </footer>
      )}
    </article>
  );
}

function StepRow({ step, number, result, progress }:
{ step: RunStep; number: number; result?: StepResult; progress?: StepProgress }) {
  const texts = useTexts();
  const title = opTitle(texts, step.operation);
  const status = progress && !result ? 'running' : step.status;

  return (
    <li className={`run-step ${status}`}>
      <span className="step-mark" aria-hidden="true">
        {status === 'completed' ? <Icon name="check" size={14} /> : status === 'failed' ? <Icon name="alert" size={14} /> : number}
      </span>
      <div className="step-body">
        <p className="step-title">
          <strong>{title}</strong>
          {status !== 'completed' && <Badge status={status}>{texts.run.statuses[status]}</Badge>}
        </p>
        <p className="hint">{summary(texts, step.arguments)}</p>
        {status === 'running' && <Moving title={title} progress={progress} percent={step.progress} />}
        {result && <Ledger result={result} />}
        {result && result.warnings.length > 0 && <Warnings warnings={result.warnings} />}
        {result?.output_file_path && <Output name={nameOf(result.output_file_path)} />}
      </div>
    </li>
  );
}

function Moving({ title, progress, percent }: { title: string; progress?: StepProgress; percent: number }) {
  const texts = useTexts();
  const facts = progress && [
    texts.run.rowsDone(progress.rows, progress.total),
    progress.rate !== null && progress.rate > 0 && texts.run.rate(progress.rate),
    progress.etaMs !== null && progress.etaMs > 0 && texts.run.eta(progress.etaMs / 1000),
  ].filter(Boolean).join(' · ');

  return (
    <div className="moving">
      <progress value={progress?.progress ?? percent} max={100} aria-label={texts.run.progress(title)} />
      <span className="facts">{facts}</span>
    </div>
  );
}

// Rows in, dropped by reason, out: each as wide as its share.
export function Ledger({ result }: { result: StepResult }) {
  const texts = useTexts();
  const dropped = Object.entries(result.dropped ?? {}).filter(([, value]) => value > 0);
  const reason = (name: string) => texts.run.reasons[name] ?? name.replaceAll('_', ' ');
  const said = texts.run.ledger(result.rows_in, result.rows_out,
    dropped.map(([name, value]) => texts.run.dropped(reason(name), value)).join(', '));
  const whole = Math.max(result.rows_in, result.rows_out, 1);
  const width = (rows: number) => ({ width: `${Math.max((rows / whole) * 100, rows > 0 ? 1.5 : 0)}%` });

  return (
    <div className="ledger">
      <div className="ledger-bar" role="img" aria-label={said}>
        <span className="out" style={width(result.rows_out)} />
        {dropped.map(([name, value]) => <span key={name} className={`dropped ${name}`} style={width(value)} />)}
      </div>
      <p className="ledger-text" aria-hidden="true">
        <span>{result.rows_in.toLocaleString(texts.locale)} {texts.run.in}</span>
        {dropped.map(([name, value]) => (
          <span key={name} className="ledger-part"><i className={`swatch dropped ${name}`} />{texts.run.dropped(reason(name), value)}</span>
        ))}
        <span className="ledger-part"><i className="swatch out" />{result.rows_out.toLocaleString(texts.locale)} {texts.run.out}</span>
      </p>
    </div>
  );
}

export function Warnings({ warnings }: { warnings: StepResult['warnings'] }) {
  const texts = useTexts();
  const count = warnings.reduce((sum, warning) => sum + warning.count, 0);

  return (
    <details className="warnings">
      <summary><Icon name="alert" size={15} />{texts.run.warnings(count)}</summary>
      <ul>
        {warnings.map((warning) => (
          <li key={warning.kind}>
            {warning.count.toLocaleString(texts.locale)} × {warning.message}
            {warning.places?.length ? <span className="hint">{warning.places.slice(0, 3).join('; ')}</span> : null}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Output({ name }: { name: string }) {
  const texts = useTexts();
  const { id } = useChat();
  const tellError = useTellError();

  return (
    <p className="output">
      <Icon name="table" size={16} />
      <button type="button" className="link" aria-label={texts.run.previewName(name)} onClick={() => go(id, 'data', name)}>{name}</button>
      <IconButton label={texts.run.downloadName(name)} icon="download"
        onClick={() => { download(fileUrl(id, name), name).catch((error: unknown) => tellError(error)); }} />
    </p>
  );
}

// The offending column and what to use instead: the run goes on from the step that failed.
function Fix({ run, error, failed }: { run: Run; error: RunError; failed: number }) {
  const texts = useTexts();
  const { id } = useChat();
  const queries = useQueryClient();
  const tellError = useTellError();
  const { path } = locate(error.argument);
  const steps = requestsOf(run);
  const operation = steps[failed];
  const choices = error.available ?? [];
  const fixable = error.column !== undefined && path !== '' && operation !== undefined;
  const resume = useMutation({
    mutationFn: (column: string) => api.execute(id, steps.map((step, i) => (i === failed
      ? { ...step, arguments: setAt(step.arguments, pathParts(path), column) as Run['steps'][0]['arguments'] }
      : step)), { resume: run.run_id }),
    onError: (problem) => tellError(problem),
    onSettled: () => void queries.invalidateQueries({ queryKey: ['runs', id] }),
  });

  return (
    <div className="fix" role="group" aria-label={texts.run.fix}>
      <p className="fix-text"><Icon name="alert" size={17} />{error.text}</p>
      <div className="row">
        {fixable && (error.suggestions ?? []).map((name) => (
          <Button key={name} kind="main" icon="check" disabled={resume.isPending} onClick={() => resume.mutate(name)}>
            {texts.run.use(name)}
          </Button>
        ))}
        {fixable && choices.length > 0 && (
          <select aria-label={texts.run.choose} value="" disabled={resume.isPending}
            onChange={(event) => { if (event.target.value) resume.mutate(event.target.value); }}>
            <option value="">{texts.run.choose}</option>
            {choices.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        )}
        <Button icon="pencil" onClick={() => {
          setDraft(id, { input: nameOf(run.input_file), steps: toSteps(steps), fromSuggestion: false });
          go(id, 'flow');
        }}>{texts.run.editSteps}</Button>
      </div>
    </div>
  );
}
