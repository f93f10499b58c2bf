// The frame: conversations on the left, the one that is open on the right.
import { useEffect, useRef, useState, type DragEvent } from 'react';
import { onKeyNeeded } from './api';
import { Conversation } from './chat/conversation';
import { Conversations } from './chat/list';
import { takeFiles } from './chat/pending';
import { useCreate } from './hooks';
import { Button, Dialog, Icon } from './parts/ui';
import { useRoute } from './route';
import { useTexts } from './texts';

export function App() {
  const texts = useTexts();
  const route = useRoute();

  return (
    <div className={`app ${route.chat ? 'with-chat' : ''}`}>
      <a className="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}>{texts.app.skip}</a>
      <Conversations open={route.chat} />
      <main id="main" tabIndex={-1}>
        {route.chat ? <Conversation key={route.chat} id={route.chat} /> : <Welcome />}
      </main>
      <KeyDialog />
    </div>
  );
}

function Welcome() {
  const texts = useTexts();
  const create = useCreate();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const begin = (files: File[]) => create.mutate(undefined, { onSuccess: (made) => takeFiles(made.chat_id, files) });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const files = [...event.dataTransfer.files];
    if (files.length) begin(files);
  };

  useEffect(() => {
    document.title = texts.app.name;
  }, [texts]);

  return (
    <div className={`welcome ${over ? 'over' : ''}`} onDrop={drop} onDragLeave={() => setOver(false)}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}>
      <div className="welcome-card">
        <span className="welcome-mark"><Icon name="upload" size={30} /></span>
        <h1>{texts.welcome.title}</h1>
        <p>{texts.welcome.text}</p>
        <div className="row center">
          <Button kind="main" icon="upload" onClick={() => input.current?.click()}>{texts.welcome.choose}</Button>
          <Button icon="chat" disabled={create.isPending} onClick={() => create.mutate()}>{texts.welcome.start}</Button>
        </div>
        <input ref={input} type="file" multiple hidden
          onChange={(event) => { if (event.target.files?.length) begin([...event.target.files]); }} />
        <ul className="promises">
          {texts.welcome.promises.map((promise) => <li key={promise}><Icon name="check" size={16} />{promise}</li>)}
        </ul>
      </div>
    </div>
  );
}

function KeyDialog() {
  const texts = useTexts();
  const [question, setQuestion] = useState<{ wrong: boolean; answer: (key: string) => void } | null>(null);

  useEffect(() => onKeyNeeded((wrong) => new Promise((answer) => setQuestion({ wrong, answer }))), []);
  if (!question) return null;
  return (
    <Dialog title={texts.key.title} onClose={() => {}}>
      <form onSubmit={(event) => {
        event.preventDefault();
        const key = String(new FormData(event.currentTarget).get('key')).trim();
        if (!key) return;
        setQuestion(null);
        question.answer(key);
      }}>
        {question.wrong && <p className="field-error" role="alert">{texts.key.wrong}</p>}
        <label className="field">
          <span className="label">{texts.key.label}</span>
          <input name="key" type="password" autoComplete="off" data-autofocus required />
        </label>
        <p className="hint">{texts.key.note}</p>
        <div className="row end"><Button kind="main" type="submit">{texts.key.save}</Button></div>
      </form>
    </Dialog>
  );
}
