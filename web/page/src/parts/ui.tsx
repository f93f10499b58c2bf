// Small parts that all views use: icons, buttons, dialogs, notes that pass.
import {
  createContext, useCallback, useContext, useId, useLayoutEffect, useMemo, useRef, useState,
  type ButtonHTMLAttributes, type ReactNode,
} from 'react';
import { ApiError } from '../api';
import { useTexts } from '../texts';

const paths = {
  plus: 'M12 5v14M5 12h14',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4',
  trash: 'M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5',
  pencil: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
  download: 'M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14',
  upload: 'M12 16V5M7.5 9.5 12 5l4.5 4.5M5 20h14',
  archive: 'M4 5h16v4H4zM6 9v10h12V9M10 13h4',
  send: 'M5 12h13M13 6l6 6-6 6',
  clip: 'M19 11.5l-7.2 7.2a4.6 4.6 0 0 1-6.5-6.5l7.9-7.9a3 3 0 0 1 4.3 4.3l-7.8 7.8a1.5 1.5 0 0 1-2.1-2.1l7-7',
  up: 'M12 19V6M6.5 11 12 5.5 17.5 11',
  down: 'M12 5v13M6.5 13 12 18.5 17.5 13',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z',
  power: 'M12 4v8M7 7.5a7 7 0 1 0 10 0',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M15 5l-7 7 7 7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.2',
  play: 'M7 5l12 7-12 7z',
  table: 'M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9',
  flow: 'M5 5h6v5H5zM13 14h6v5h-6zM8 10v6.5h5',
  chat: 'M4 5h16v11H10l-4 4v-4H4z',
  terminal: 'M4 5h16v14H4zM7.5 9l3 3-3 3M12.5 15h4',
  bookmark: 'M7 4h10v16l-5-4-5 4z',
  again: 'M19 12a7 7 0 1 1-2-5M19 4v4h-4',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor"
      strokeWidth="1.8" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: 'main' | 'plain' | 'quiet' | 'danger';
  icon?: IconName;
}

export function Button({ kind = 'plain', icon, children, className = '', ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button ${kind} ${className}`} {...rest}>
      {icon && <Icon name={icon} size={16} />}
      {children}
    </button>
  );
}

// A button that is only a picture: its name is read out and shown on pointing at it.
export function IconButton({ label, icon, className = '', ...rest }:
{ label: string; icon: IconName } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

// The browser's own dialog keeps the focus inside, closes on Escape and gives the focus back.
export function Dialog({ title, onClose, children, wide = false }:
{ title: string; onClose: () => void; children: ReactNode; wide?: boolean }) {
  const texts = useTexts();
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();

  // Before it leaves the page: only then does the browser give the focus back.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal(); // Which gives the focus to the first control; the one that is meant is marked.
    dialog?.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => dialog?.close();
  }, []);

  return (
    <dialog ref={ref} className={wide ? 'wide' : ''} aria-labelledby={id}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onClick={(event) => { if (event.target === ref.current) onClose(); }}>
      <div className="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton label={texts.app.close} icon="close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

// ---- notes ----

interface Note { id: number; text: string; bad: boolean }
type Tell = (text: string, bad?: boolean) => void;
const NoteContext = createContext<Tell>(() => {});
const NOTE_MS = 6000;

export function NotesProvider({ children }: { children: ReactNode }) {
  const texts = useTexts();
  const [notes, setNotes] = useState<Note[]>([]);
  const next = useRef(0);
  const drop = useCallback((id: number) => setNotes((all) => all.filter((note) => note.id !== id)), []);
  const tell = useCallback<Tell>((text, bad = false) => {
    const id = next.current++;
    setNotes((all) => [...all.slice(-2), { id, text, bad }]);
    if (!bad) setTimeout(() => drop(id), NOTE_MS);
  }, [drop]);

  return (
    <NoteContext value={tell}>
      {children}
      <div className="notes" role="status" aria-live="polite">
        {notes.map((note) => (
          <div key={note.id} className={`note ${note.bad ? 'bad' : ''}`}>
            <Icon name={note.bad ? 'alert' : 'check'} />
            <span>{note.text}</span>
            <IconButton label={texts.app.close} icon="close" onClick={() => drop(note.id)} />
          </div>
        ))}
      </div>
    </NoteContext>
  );
}

export function useTell() {
  return useContext(NoteContext);
}

// What went wrong, in the server's words where it has some.
export function useTellError() {
  const tell = useTell();
  const texts = useTexts();
  return useMemo(() => (error: unknown, about = '') => {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    const said = error instanceof ApiError && error.message ? error.message : texts.app.offline;
    tell(about ? `${about}: ${said}` : said, true);
  }, [tell, texts]);
}

export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const texts = useTexts();
  return (
    <div className="failure" role="alert">
      <Icon name="alert" />
      <p>{error instanceof ApiError && error.message ? error.message : texts.app.offline}</p>
      {again && <Button onClick={again} icon="again">{texts.app.retry}</Button>}
    </div>
  );
}

export function Badge({ status, children }: { status: string; children: ReactNode }) {
  return <span className={`badge ${status}`}>{children}</span>;
}
