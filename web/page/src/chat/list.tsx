// The conversations: find, open, rename, delete, restore. Theme and language have their place below them.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useRef, useState } from 'react';
import { api, ApiError, type Summary } from '../api';
import { useCreate } from '../hooks';
import { Badge, Button, Dialog, Failure, Icon, IconButton, useTell, useTellError } from '../parts/ui';
import { setPrefs, usePrefs, type Language, type Theme } from '../prefs';
import { go } from '../route';
import { languages, useFormat, useTexts } from '../texts';

export const titleOf = (chat: { name: string | null; participant_name: string }) => chat.name || chat.participant_name;

export function Conversations({ open }: { open: string | null }) {
  const texts = useTexts();
  const create = useCreate();
  const [search, setSearch] = useState('');
  const [renaming, setRenaming] = useState<Summary | null>(null);
  const [removing, setRemoving] = useState<Summary | null>(null);
  const q = useDeferredValue(search.trim());
  const chats = useQuery({
    queryKey: ['chats', q],
    queryFn: ({ signal }) => api.conversations(q, signal),
    placeholderData: keepPreviousData,
  });
  const list = chats.data?.list ?? [];
  const hidden = (chats.data?.total ?? 0) - list.length;

  return (
    <aside className="sidebar" aria-label={texts.chats.title}>
      <header className="brand">
        <a href="#/" className="wordmark"><Mark />{texts.app.name}</a>
        <IconButton label={texts.chats.fresh} icon="plus" className="strong" disabled={create.isPending}
          onClick={() => create.mutate()} />
      </header>
      <label className="search">
        <Icon name="search" size={16} />
        <input type="search" value={search} placeholder={texts.chats.search} aria-label={texts.chats.search}
          onChange={(event) => setSearch(event.target.value)} />
      </label>
      <nav className="chats" aria-label={texts.chats.title}>
        {chats.isError && <Failure error={chats.error} again={() => void chats.refetch()} />}
        {chats.isSuccess && list.length === 0 && <p className="hint">{q ? texts.chats.nothing : texts.chats.none}</p>}
        <ul>
          {list.map((chat) => (
            <Item key={chat.chat_id} chat={chat} current={chat.chat_id === open}
              onRename={() => setRenaming(chat)} onRemove={() => setRemoving(chat)} />
          ))}
        </ul>
        {hidden > 0 && <p className="hint">{texts.chats.more(hidden)}</p>}
      </nav>
      <footer>
        <Restore />
        <Preferences />
      </footer>
      {renaming && <Rename chat={renaming} onClose={() => setRenaming(null)} />}
      {removing && <Remove chat={removing} isOpen={removing.chat_id === open} onClose={() => setRemoving(null)} />}
    </aside>
  );
}

function Mark() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="mark-ground" />
      <path d="M8 10h16M8 16h11M8 22h6" className="mark-lines" />
      <path d="m20 19 4 3-4 3" className="mark-arrow" />
    </svg>
  );
}

function Item({ chat, current, onRename, onRemove }:
{ chat: Summary; current: boolean; onRename: () => void; onRemove: () => void }) {
  const texts = useTexts();
  const format = useFormat();
  const title = titleOf(chat);

  return (
    <li className={current ? 'current' : ''}>
      <a href={`#/c/${chat.chat_id}/chat`} aria-current={current ? 'page' : undefined}>
        <span className="chat-name">{title}</span>
        <span className="chat-facts">
          <Badge status={chat.status}>{texts.chats.statuses[chat.status] ?? chat.status}</Badge>
          <span>{texts.chats.files(chat.file_count)}</span>
          <time dateTime={chat.updated_at} title={format.full(chat.updated_at)}>{format.when(chat.updated_at)}</time>
        </span>
      </a>
      <span className="chat-actions">
        <IconButton label={`${texts.chats.rename}: ${title}`} icon="pencil" onClick={onRename} />
        <IconButton label={`${texts.chats.remove}: ${title}`} icon="trash" onClick={onRemove} />
      </span>
    </li>
  );
}

export function Rename({ chat, onClose }: { chat: { chat_id: string; name: string | null; participant_name: string }; onClose: () => void }) {
  const texts = useTexts();
  const queries = useQueryClient();
  const tellError = useTellError();
  const rename = useMutation({
    mutationFn: (name: string) => api.rename(chat.chat_id, name),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['chats'] });
      void queries.invalidateQueries({ queryKey: ['chat', chat.chat_id] });
      onClose();
    },
    onError: (error) => tellError(error),
  });

  return (
    <Dialog title={texts.chats.renameTitle} onClose={onClose}>
      <form onSubmit={(event) => {
        event.preventDefault();
        rename.mutate(String(new FormData(event.currentTarget).get('name')).trim());
      }}>
        <label className="field">
          <span className="label">{texts.chats.name}</span>
          <input name="name" defaultValue={chat.name ?? ''} placeholder={chat.participant_name} maxLength={200} data-autofocus />
        </label>
        <div className="row end">
          <Button onClick={onClose}>{texts.app.cancel}</Button>
          <Button kind="main" type="submit" disabled={rename.isPending}>{texts.chats.save}</Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Remove({ chat, isOpen, onClose }:
{ chat: { chat_id: string; name: string | null; participant_name: string }; isOpen: boolean; onClose: () => void }) {
  const texts = useTexts();
  const queries = useQueryClient();
  const tell = useTell();
  const tellError = useTellError();
  const remove = useMutation({
    mutationFn: () => api.remove(chat.chat_id),
    onSuccess: () => {
      onClose();
      if (isOpen) go(null);
      queries.removeQueries({ queryKey: ['chat', chat.chat_id] });
      void queries.invalidateQueries({ queryKey: ['chats'] });
      tell(texts.chats.removed);
    },
    onError: (error) => tellError(error),
  });

  return (
    <Dialog title={texts.chats.removeTitle(titleOf(chat))} onClose={onClose}>
      <p>{texts.chats.removeText}</p>
      <div className="row end">
        <Button onClick={onClose} data-autofocus>{texts.app.cancel}</Button>
        <Button kind="danger" icon="trash" disabled={remove.isPending} onClick={() => remove.mutate()}>{texts.chats.remove}</Button>
      </div>
    </Dialog>
  );
}

function Restore() {
  const texts = useTexts();
  const queries = useQueryClient();
  const tell = useTell();
  const tellError = useTellError();
  const input = useRef<HTMLInputElement>(null);
  const [doubled, setDoubled] = useState<File | null>(null);
  const restore = useMutation({
    mutationFn: ({ file, mode }: { file: File; mode: 'refuse' | 'replace' | 'copy' }) => api.restore(file, mode),
    onSuccess: (chat) => {
      setDoubled(null);
      void queries.invalidateQueries();
      tell(texts.chats.restored);
      go(chat.chat_id);
    },
    onError: (error, { file, mode }) => {
      if (mode === 'refuse' && error instanceof ApiError && error.status === 409) setDoubled(file);
      else tellError(error);
    },
  });

  return (
    <>
      <Button kind="quiet" icon="archive" disabled={restore.isPending} onClick={() => input.current?.click()}>
        {texts.chats.restore}
      </Button>
      <input ref={input} type="file" hidden accept=".gz,.tgz,.zip,.tar" aria-label={texts.chats.restore}
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) restore.mutate({ file, mode: 'refuse' });
          event.target.value = '';
        }} />
      {doubled && (
        <Dialog title={texts.chats.existsTitle} onClose={() => setDoubled(null)}>
          <p>{texts.chats.existsText}</p>
          <div className="row end">
            <Button onClick={() => setDoubled(null)}>{texts.app.cancel}</Button>
            <Button kind="danger" onClick={() => restore.mutate({ file: doubled, mode: 'replace' })}>{texts.chats.replace}</Button>
            <Button kind="main" onClick={() => restore.mutate({ file: doubled, mode: 'copy' })}>{texts.chats.copy}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Preferences() {
  const texts = useTexts();
  const { theme, language } = usePrefs();

  return (
    <div className="prefs">
      <label>
        <span className="sr">{texts.app.theme}</span>
        <select value={theme} onChange={(event) => setPrefs({ theme: event.target.value as Theme })}>
          {Object.entries(texts.app.themes).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
        </select>
      </label>
      <label>
        <span className="sr">{texts.app.languageLabel}</span>
        <select value={language} onChange={(event) => setPrefs({ language: event.target.value as Language })}>
          {Object.entries(languages).map(([value, all]) => <option key={value} value={value} lang={value}>{all.language}</option>)}
        </select>
      </label>
    </div>
  );
}
