// The thread: messages and runs in the order of their times, and the place to write.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import { api, nameOf, type Message, type Run, type StepRequest, type Suggestion } from '../api';
import { LastSample } from '../flow/flow';
import { setDraft, toSteps } from '../flow/steps';
import { StepsText } from '../flow/summary';
import { Markdown } from '../parts/markdown';
import { Button, Icon, IconButton, useTellError } from '../parts/ui';
import { go } from '../route';
import { useFormat, useTexts } from '../texts';
import { useChat } from './context';
import type { Upload } from './conversation';
import { RunCard } from './run';

type Item = { at: string; key: string; message: Message; run?: never } | { at: string; key: string; run: Run; message?: never };

// A run's card tells what its messages tell, and more.
function itemsOf(messages: Message[], runs: Run[]): Item[] {
  const known = new Set(runs.map((run) => run.run_id));
  const failures = new Set(runs.map((run) => run.error?.text));
  const items: Item[] = runs.map((run) => ({ at: run.created_at, key: run.run_id, run }));
  for (const message of messages) {
    const { run_id: run } = message.metadata ?? {};
    const told = message.message_type === 'error' ? failures.has(message.content)
      : message.message_type === 'step_result' && typeof run === 'string' && known.has(run);
    if (!told && message.message_type !== 'progress') items.push({ at: message.created_at, key: message.message_id, message });
  }
  return items.sort((a, b) => a.at.localeCompare(b.at));
}

const STEP_AWAY = 80; // Pixels from the end within which new messages keep the end in view.

// What is added at the end comes into view, unless the reader has gone up; samples and progress grow after they are added.
// Events of scrolling come late, when more may have been added already: only a place further up than before was gone to.
function useEndInView(box: RefObject<HTMLDivElement | null>, inside: RefObject<HTMLDivElement | null>) {
  const place = useRef({ atEnd: true, top: 0, height: 0 });
  const [end] = useState(() => ({
    show() {
      const element = box.current;
      if (!element) return;
      element.scrollTop = element.scrollHeight;
      place.current = { atEnd: true, top: element.scrollTop, height: element.scrollHeight };
    },
    onScroll() {
      const element = box.current;
      if (!element) return;
      const { scrollTop: top, scrollHeight: height, clientHeight } = element;
      const { atEnd, ...before } = place.current;
      const near = height - top - clientHeight < STEP_AWAY;
      const wentUp = top < before.top && height >= before.height;
      place.current = { atEnd: near || (atEnd && !wentUp), top, height };
    },
  }));

  useEffect(() => {
    if (!box.current || !inside.current) return;
    const watch = new ResizeObserver(() => { if (place.current.atEnd) end.show(); });
    watch.observe(inside.current);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [box, inside, end]);
  return end;
}

export function Thread({ uploads }: { uploads: Upload[] }) {
  const texts = useTexts();
  const { chat, runs, bot, id } = useChat();
  const all = useMemo(() => itemsOf(chat.messages, runs), [chat.messages, runs]);
  const box = useRef<HTMLDivElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const end = useEndInView(box, inside);

  // The card says what the last message proposes, so only what that says besides is shown.
  const pending = bot?.current_state === 'awaiting_confirmation' ? suggestionOf(bot.suggested_workflow, chat.messages) : null;
  const last = all.at(-1)?.message;
  const mine = all.findLast(({ message }) => message?.message_type === 'user')?.key;
  useEffect(() => { if (mine) end.show(); }, [mine, end]);
  const proposal = pending && last?.message_type === 'system' && PROPOSAL.test(last.content) ? last : null;
  const items = proposal ? all.slice(0, -1) : all;
  return (
    <>
      <div className="thread" ref={box} role="log" aria-label={texts.chat.label} tabIndex={0}
        onScroll={end.onScroll}>
        <div className="thread-items" ref={inside}>
          {items.length === 0 && uploads.length === 0 && <p className="hint center">{texts.chat.empty}</p>}
          {items.map((item) => (item.run
            ? <RunCard key={item.key} run={item.run} />
            : <Bubble key={item.key} message={item.message} />))}
          {pending && <SuggestionCard key={JSON.stringify(pending.steps)} id={id} suggestion={pending} said={besides(proposal)} />}
          {uploads.map((upload) => <Uploading key={upload.id} upload={upload} />)}
        </div>
      </div>
      <Composer />
    </>
  );
}

function suggestionOf(told: Suggestion | null | undefined, messages: Message[]): Suggestion | null {
  if (told?.steps?.length) return told;
  for (let i = messages.length - 1; i >= 0; i--) {
    const found = messages[i]?.metadata?.suggested_workflow as Suggestion | undefined;
    if (found?.steps?.length) return found;
  }
  return null;
}

function Bubble({ message }: { message: Message }) {
  const texts = useTexts();
  const format = useFormat();
  const mine = message.message_type === 'user';
  const time = <time dateTime={message.created_at} title={format.full(message.created_at)}>{format.when(message.created_at)}</time>;

  if (message.message_type === 'file_upload') return <FileMessage message={message} />;
  return (
    <article className={`bubble ${mine ? 'mine' : ''} ${message.message_type}`}>
      <header><span>{mine ? texts.chat.you : texts.chat.bot}</span>{time}</header>
      {mine ? <p className="plain">{message.content}</p> : <Markdown text={message.content} />}
    </article>
  );
}

function FileMessage({ message }: { message: Message }) {
  const texts = useTexts();
  const format = useFormat();
  const { id } = useChat();
  const facts = message.metadata as { file_path?: string; filename?: string; rows?: number; columns?: number; size?: number };
  const name = facts.filename ?? nameOf(facts.file_path ?? '');
  const about = [
    facts.rows !== undefined && facts.columns !== undefined && texts.chat.uploaded(facts.rows, facts.columns),
    facts.size !== undefined && format.size(facts.size),
  ].filter(Boolean).join(' · ');

  return (
    <article className="bubble mine file">
      <span className="file-mark"><Icon name="table" size={22} /></span>
      <div>
        <strong>{name}</strong>
        <p className="hint">{about}</p>
        <div className="row">
          <Button kind="quiet" icon="eye" onClick={() => go(id, 'data', name)}>{texts.chat.show}</Button>
          <Button kind="quiet" icon="flow" onClick={() => { setDraft(id, { input: name }); go(id, 'flow'); }}>
            {texts.chat.build}
          </Button>
        </div>
      </div>
      <time dateTime={message.created_at} title={format.full(message.created_at)}>{format.when(message.created_at)}</time>
    </article>
  );
}

function Uploading({ upload }: { upload: Upload }) {
  const texts = useTexts();
  const label = texts.chat.uploading(upload.name, upload.percent);

  return (
    <div className="bubble mine uploading">
      <span>{label}</span>
      <progress value={upload.percent} max={100} aria-label={label} />
      <IconButton label={texts.app.cancel} icon="close" onClick={upload.stop} />
    </div>
  );
}

const PROPOSAL = /\*\*Suggested Workflow\*\*/;

// What a message says before it lists the steps.
function besides(message: Message | null): string {
  const at = message?.content.search(PROPOSAL) ?? -1;
  return message && at > 0 ? message.content.slice(0, at).trim() : '';
}

function SuggestionCard({ id, suggestion, said }: { id: string; suggestion: Suggestion; said: string }) {
  const texts = useTexts();
  const queries = useQueryClient();
  const tellError = useTellError();
  const steps: StepRequest[] = suggestion.steps.map(({ operation, arguments: args, input_file }) => ({
    operation, arguments: args, ...(input_file ? { input_file } : {}),
  }));
  const uploads = useChat().files.filter(({ kind }) => kind === 'upload');
  const confirm = useMutation({
    mutationFn: (yes: boolean) => api.confirm(id, yes),
    onError: (error) => tellError(error),
    onSettled: () => {
      for (const what of ['chat', 'runs', 'bot']) void queries.invalidateQueries({ queryKey: [what, id] });
    },
  });

  return (
    <section className="suggestion" aria-label={texts.chat.suggestion}>
      <h2>{texts.chat.suggestion}</h2>
      {uploads.length > 1 && <p className="hint">{suggestion.input_file ?? uploads.at(-1)?.name}</p>}
      {said && <Markdown text={said} />}
      <StepsText steps={suggestion.steps} />
      {suggestion.remark && <div className="remark"><Markdown text={suggestion.remark} /></div>}
      <LastSample steps={steps} of={suggestion.input_file} />
      <div className="row">
        <Button kind="main" icon="play" disabled={confirm.isPending} onClick={() => confirm.mutate(true)}>{texts.chat.run}</Button>
        <Button icon="pencil" onClick={() => {
          setDraft(id, { steps: toSteps(steps), fromSuggestion: true, ...(suggestion.input_file ? { input: suggestion.input_file } : {}) });
          go(id, 'flow');
        }}>{texts.chat.edit}</Button>
        <Button kind="quiet" disabled={confirm.isPending} onClick={() => confirm.mutate(false)}>{texts.chat.no}</Button>
      </div>
    </section>
  );
}

function Composer() {
  const texts = useTexts();
  const { id, bot, addFiles } = useChat();
  const queries = useQueryClient();
  const tellError = useTellError();
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const say = useMutation({
    mutationFn: (message: string) => api.say(id, message),
    onError: (error, message) => {
      setText(message);
      tellError(error);
    },
    onSettled: () => {
      for (const what of ['chat', 'runs', 'bot']) void queries.invalidateQueries({ queryKey: [what, id] });
    },
  });
  const send = () => {
    const message = text.trim();
    if (!message || say.isPending) return;
    setText('');
    say.mutate(message);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      {say.isPending && <p className="thinking" role="status">{texts.chat.thinking}</p>}
      <IconButton label={texts.chat.attach} icon="clip" onClick={() => input.current?.click()} />
      <input ref={input} type="file" multiple hidden aria-label={texts.chat.attach} onChange={(event) => {
        addFiles([...(event.target.files ?? [])]);
        event.target.value = '';
      }} />
      {bot
        ? (
          <>
            <textarea rows={1} value={text} aria-label={texts.chat.message} placeholder={texts.chat.placeholder}
              onChange={(event) => setText(event.target.value)} onKeyDown={keys} />
            <button type="submit" className="icon-button strong" aria-label={texts.chat.send} title={texts.chat.send}
              disabled={!text.trim() || say.isPending}><Icon name="send" /></button>
          </>
        )
        : <p className="hint">{texts.chat.noBot}</p>}
    </form>
  );
}
