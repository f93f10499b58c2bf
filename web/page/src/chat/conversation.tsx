// One conversation: its thread, its data and its workflow, side by side where there is room and one at a time where not.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type DragEvent } from 'react';
import { api, download, nameOf, type Run, type Conversation as Chat } from '../api';
import { Data } from '../data/data';
import { Flow } from '../flow/flow';
import { LiveConversation } from '../live';
import { Button, Failure, Icon, IconButton, useTell, useTellError, type IconName } from '../parts/ui';
import { go, useRoute, type View } from '../route';
import { useTexts } from '../texts';
import { ChatContext, type FileChoice } from './context';
import { Remove, Rename, titleOf } from './list';
import { giveFiles } from './pending';
import { Thread } from './thread';

export interface Upload { id: number; name: string; percent: number; stop: () => void }

function useLive(id: string) {
  const queries = useQueryClient();
  const tell = useTell();
  const texts = useTexts();
  const gone = useRef(() => {});
  const [live, setLive] = useState<LiveConversation | null>(null);

  useEffect(() => {
    gone.current = () => {
      tell(texts.chats.gone, true);
      go(null);
    };
  }, [tell, texts]);
  useEffect(() => {
    const made = new LiveConversation(id, queries, () => gone.current());
    setLive(made);
    return () => made.close();
  }, [id, queries]);
  return useSyncExternalStore(live?.subscribe ?? noSubscribe, live?.snapshot ?? noSnapshot);
}

const NOTHING = { connection: 'connecting' as const, runs: new Map() };
const noSubscribe = () => () => {};
const noSnapshot = () => NOTHING;

function useUploads(id: string, withBot: boolean | undefined) {
  const queries = useQueryClient();
  const texts = useTexts();
  const tellError = useTellError();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const next = useRef(0);

  const addFiles = useCallback((files: File[]) => {
    for (const file of files) {
      const stopper = new AbortController();
      const upload = { id: next.current++, name: file.name, percent: 0, stop: () => stopper.abort() };
      setUploads((all) => [...all, upload]);
      api.upload(id, [file], withBot ?? false, ({ loaded, total }) => {
        const percent = total ? Math.floor((loaded / total) * 100) : 0;
        setUploads((all) => all.map((one) => (one.id === upload.id ? { ...one, percent } : one)));
      }, stopper.signal)
        .catch((error: unknown) => tellError(error, texts.chat.uploadFailed(file.name)))
        .finally(() => {
          setUploads((all) => all.filter((one) => one.id !== upload.id));
          for (const what of ['chat', 'bot']) void queries.invalidateQueries({ queryKey: [what, id] });
          void queries.invalidateQueries({ queryKey: ['chats'] });
        });
    }
  }, [id, withBot, queries, tellError, texts]);

  // Files that came before the conversation did.
  useEffect(() => {
    if (withBot === undefined) return;
    const files = giveFiles(id);
    if (files.length) addFiles(files);
  }, [id, withBot, addFiles]);
  return { uploads, addFiles };
}

function filesOf(chat: Chat, runs: Run[]): FileChoice[] {
  const known = new Map<string, FileChoice>();
  for (const file of chat.uploaded_files) known.set(nameOf(file.file_path), { name: nameOf(file.file_path), kind: 'upload', file });
  for (const file of chat.output_files) known.set(nameOf(file.file_path), { name: nameOf(file.file_path), kind: 'output', file });
  for (const run of runs) {
    for (const { output_file_path: path } of run.results) {
      if (path && !known.has(nameOf(path))) known.set(nameOf(path), { name: nameOf(path), kind: 'between', file: null });
    }
  }
  return [...known.values()];
}

export function Conversation({ id }: { id: string }) {
  const texts = useTexts();
  const chat = useQuery({ queryKey: ['chat', id], queryFn: ({ signal }) => api.conversation(id, signal) });
  const runs = useQuery({ queryKey: ['runs', id], queryFn: ({ signal }) => api.runs(id, signal) });
  const hasBot = useQuery({ queryKey: ['has-bot'], queryFn: api.hasBot, staleTime: Infinity });
  const bot = useQuery({ queryKey: ['bot', id], queryFn: ({ signal }) => api.history(id, signal), enabled: hasBot.data === true });
  const live = useLive(id);
  const settled = hasBot.data === false || hasBot.isError ? false : bot.isSuccess ? bot.data !== null : undefined;
  const { uploads, addFiles } = useUploads(id, settled);
  const open = useMemo(() => chat.data && runs.data && {
    id, chat: chat.data, runs: runs.data, files: filesOf(chat.data, runs.data), live, bot: bot.data ?? null, addFiles,
  }, [id, chat.data, runs.data, live, bot.data, addFiles]);

  useEffect(() => {
    if (chat.data) document.title = `${titleOf(chat.data)} · ${texts.app.name}`;
  }, [chat.data, texts]);
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      addFiles(files);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, [addFiles]);

  if (chat.isError) {
    return (
      <div className="center-page">
        <Failure error={chat.error} again={() => void chat.refetch()} />
        <Button icon="back" onClick={() => go(null)}>{texts.chats.title}</Button>
      </div>
    );
  }
  if (!open) return <p className="center-page hint" role="status">{texts.app.loading}</p>;
  return (
    <ChatContext value={open}>
      <Panes id={id} chat={open.chat} connection={live.connection} addFiles={addFiles} uploads={uploads} />
    </ChatContext>
  );
}

const views: { view: View; icon: IconName }[] = [
  { view: 'chat', icon: 'chat' }, { view: 'data', icon: 'table' }, { view: 'flow', icon: 'flow' },
];
let lastWork: View = 'flow';

function Panes({ id, chat, connection, addFiles, uploads }: {
  id: string; chat: Chat; connection: 'connecting' | 'open' | 'lost'; addFiles: (files: File[]) => void; uploads: Upload[];
}) {
  const texts = useTexts();
  const { view } = useRoute();
  const [over, setOver] = useState(false);

  if (view !== 'chat') lastWork = view;
  const work = view === 'chat' ? lastWork : view;
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const files = [...event.dataTransfer.files];
    if (files.length) addFiles(files);
  };

  return (
    <div className="conversation" data-view={view} onDrop={drop}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => { if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false); }}>
      <Head chat={chat} connection={connection} />
      <nav className="views" aria-label={texts.tabs.label}>
        {views.map(({ view: each, icon }) => (
          <a key={each} href={`#/c/${id}/${each}`} data-tab={each}
            aria-current={each === view || (each === work && view === 'chat') ? (each === view ? 'page' : 'true') : undefined}>
            <Icon name={icon} size={17} />{texts.tabs[each as 'chat' | 'data' | 'flow']}
          </a>
        ))}
      </nav>
      <section className="pane-chat" aria-label={texts.tabs.chat}><Thread uploads={uploads} /></section>
      <section className="pane-work" aria-label={texts.tabs[work as 'data' | 'flow']}>
        {work === 'data' ? <Data /> : <Flow />}
      </section>
      {over && <div className="drop-over" aria-hidden="true"><Icon name="upload" size={34} /><p>{texts.chat.drop}</p></div>}
    </div>
  );
}

function Head({ chat, connection }: { chat: Chat; connection: 'connecting' | 'open' | 'lost' }) {
  const texts = useTexts();
  const tellError = useTellError();
  const [asking, setAsking] = useState<'rename' | 'remove' | null>(null);
  const [packing, setPacking] = useState(false);
  const dump = async () => {
    setPacking(true);
    try {
      const made = await api.dump(chat.chat_id);
      await download(`/chat/downloads/${encodeURIComponent(made.dump_file)}`, made.dump_file);
    } catch (error) {
      tellError(error);
    } finally {
      setPacking(false);
    }
  };

  return (
    <header className="chat-head">
      <IconButton label={texts.chats.title} icon="back" className="to-list" onClick={() => go(null)} />
      <div className="chat-title">
        <h1>{titleOf(chat)}</h1>
        <p className="connection" data-state={connection} role="status">
          <span className="dot" aria-hidden="true" />
          {connection === 'open' ? texts.app.connected : connection === 'lost' ? texts.app.lost : texts.app.connecting}
        </p>
      </div>
      <div className="row">
        <IconButton label={texts.chats.rename} icon="pencil" onClick={() => setAsking('rename')} />
        <Button kind="quiet" icon="archive" className="wide-label" disabled={packing} onClick={() => void dump()}
          aria-label={texts.chats.dump} title={texts.chats.dump}>
          <span className="label-text">{packing ? texts.chats.dumping : texts.chats.dump}</span>
        </Button>
        <IconButton label={texts.chats.remove} icon="trash" onClick={() => setAsking('remove')} />
      </div>
      {asking === 'rename' && <Rename chat={chat} onClose={() => setAsking(null)} />}
      {asking === 'remove' && <Remove chat={chat} isOpen onClose={() => setAsking(null)} />}
    </header>
  );
}
