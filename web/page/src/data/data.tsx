// The data: every file of the conversation as a table that scrolls, or column by column.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, download, fileUrl, type StoredFile } from '../api';
import { useChat, type FileChoice } from '../chat/context';
import { Warnings } from '../chat/run';
import { setDraft } from '../flow/steps';
import { Button, Failure, useTellError } from '../parts/ui';
import { go, useRoute } from '../route';
import { useFormat, useTexts } from '../texts';
import { Columns } from './columns';
import { Grid, PAGE_ROWS } from './grid';

const TEXT_BYTES = 128 * 1024;
const isText = (name: string) => /\.(json|jsonl|sql|txt)$/i.test(name);

export function Data() {
  const texts = useTexts();
  const format = useFormat();
  const { id, files } = useChat();
  const route = useRoute();
  const tellError = useTellError();
  const newest = files.findLast((file) => file.kind === 'output') ?? files.findLast((file) => file.kind === 'upload');
  const [followed, setFollowed] = useState(newest?.name);
  const current = files.find((file) => file.name === route.file) ?? files.find((file) => file.name === followed) ?? newest;
  const box = useRef<HTMLDivElement>(null);
  const groups: [FileChoice['kind'], string][] = [
    ['upload', texts.data.uploads], ['output', texts.data.outputs], ['between', texts.data.between],
  ];

  // What a run brings is shown at once, but never takes a table away from who works in it.
  useEffect(() => {
    if (!box.current?.contains(document.activeElement)) setFollowed(newest?.name);
  }, [newest?.name]);
  if (!current) return <p className="hint center-page">{texts.data.none}</p>;
  return (
    <div className="data" ref={box}>
      <div className="data-head">
        <div className="file-pick">
          <select aria-label={texts.data.file} value={current.name} onChange={(event) => go(id, 'data', event.target.value)}>
            {groups.map(([kind, label]) => {
              const own = files.filter((file) => file.kind === kind);
              return own.length > 0 && (
                <optgroup key={kind} label={label}>
                  {own.map((file) => <option key={file.name} value={file.name}>{file.name}</option>)}
                </optgroup>
              );
            })}
          </select>
        </div>
        <div className="row">
          {!isText(current.name) && (
            <Button kind="quiet" icon="flow" onClick={() => { setDraft(id, { input: current.name }); go(id, 'flow'); }}>
              {texts.data.use}
            </Button>
          )}
          <Button icon="download" onClick={() => {
            download(fileUrl(id, current.name), current.name).catch((error: unknown) => tellError(error));
          }}>
            {texts.data.download}{current.file ? ` (${format.size(current.file.size)})` : ''}
          </Button>
        </div>
      </div>
      {isText(current.name)
        ? <TextFile key={current.name} id={id} name={current.name} />
        : <TableFile key={current.name} id={id} name={current.name} file={current.file} />}
    </div>
  );
}

function TextFile({ id, name }: { id: string; name: string }) {
  const texts = useTexts();
  const text = useQuery({
    queryKey: ['text', id, name],
    queryFn: ({ signal }) => api.text(id, name, TEXT_BYTES, signal),
    staleTime: Infinity,
  });

  if (text.isError) return <Failure error={text.error} again={() => void text.refetch()} />;
  if (!text.data) return <p className="hint" role="status">{texts.app.loading}</p>;
  return (
    <>
      {text.data.cut && <p className="hint">{texts.data.cut}</p>}
      <pre className="text-file" tabIndex={0} aria-label={name}>{text.data.text}</pre>
    </>
  );
}

function TableFile({ id, name, file }: { id: string; name: string; file: StoredFile | null }) {
  const texts = useTexts();
  const [sheet, setSheet] = useState('');
  const [view, setView] = useState<'rows' | 'columns'>('rows');
  const [focus, setFocus] = useState<string | null>(null);
  const preview = useQuery({
    queryKey: ['preview', id, name, sheet],
    queryFn: ({ signal }) => api.preview(id, name, sheet, 0, PAGE_ROWS, signal),
    staleTime: Infinity,
  });
  const sheets = useMemo(() => preview.data?.sheets.map((one) => one.name) ?? file?.sheets ?? [], [preview.data, file]);
  const shown = sheet || (preview.data?.sheets.find((one) => one.state === 'visible')?.name ?? sheets[0] ?? '');

  useEffect(() => setFocus(null), [sheet]);
  return (
    <>
      <div className="data-bar">
        {preview.data && (
          <span className="hint">
            {texts.data.rows(preview.data.total_rows)} · {texts.data.columns(preview.data.columns.length)}
          </span>
        )}
        <span className="spacer" />
        <div className="segmented" role="group" aria-label={texts.data.view}>
          <button type="button" aria-pressed={view === 'rows'} onClick={() => setView('rows')}>{texts.data.viewRows}</button>
          <button type="button" aria-pressed={view === 'columns'} onClick={() => setView('columns')}>{texts.data.viewColumns}</button>
        </div>
      </div>
      {preview.isError && <Failure error={preview.error} again={() => void preview.refetch()} />}
      {preview.data && preview.data.warnings.length > 0 && <Warnings warnings={preview.data.warnings} />}
      {preview.isPending && <p className="hint" role="status">{texts.app.loading}</p>}
      {preview.data && view === 'rows' && (
        <Grid key={sheet} id={id} name={name} sheet={sheet} first={preview.data}
          onColumn={(column) => { setFocus(column); setView('columns'); }} />
      )}
      {preview.data && view === 'columns' && <Columns id={id} name={name} sheet={sheet} focus={focus} />}
      {sheets.length > 1 && (
        <div className="sheet-tabs" role="group" aria-label={texts.data.sheets}>
          {sheets.map((one) => (
            <button key={one} type="button" aria-pressed={one === shown} onClick={() => setSheet(one)}>{one}</button>
          ))}
        </div>
      )}
    </>
  );
}
