// The columns of a file: what each holds, how much of it is blank, and how its values are spread.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { api, type ColumnProfile, type Top } from '../api';
import { Failure } from '../parts/ui';
import { useFormat, useTexts } from '../texts';

export function Columns({ id, name, sheet, focus }: { id: string; name: string; sheet: string; focus: string | null }) {
  const texts = useTexts();
  const profile = useQuery({
    queryKey: ['profile', id, name, sheet],
    queryFn: ({ signal }) => api.profile(id, name, sheet, signal),
    staleTime: Infinity,
  });
  const focused = useRef<HTMLLIElement>(null);

  useEffect(() => {
    focused.current?.scrollIntoView({ block: 'nearest' });
    focused.current?.focus();
  }, [focus, profile.data]);
  if (profile.isError) return <Failure error={profile.error} again={() => void profile.refetch()} />;
  if (!profile.data) return <p className="hint" role="status">{texts.app.loading}</p>;
  const { rows, column_names: names, profile: columns } = profile.data;
  return (
    <ul className="columns" tabIndex={0} aria-label={texts.data.viewColumns}>
      {names.map((column) => (
        <li key={column} ref={column === focus ? focused : undefined} tabIndex={-1} className={column === focus ? 'focus' : ''}>
          {columns[column] && <Card name={column} rows={rows} column={columns[column]} />}
        </li>
      ))}
    </ul>
  );
}

function Card({ name, rows, column }: { name: string; rows: number; column: ColumnProfile }) {
  const texts = useTexts();
  const format = useFormat();
  const share = rows ? column.blanks / rows : 0;
  const text = (value: string | number) => (typeof value === 'number' ? format.short(value) : value);

  return (
    <>
      <header>
        <h2>{name}</h2>
        <span className="type">{texts.data.types[column.type] ?? column.type}</span>
      </header>
      <p className="facts">
        {texts.data.distinct(column.distinct, column.distinct_exact)}
        {' · '}
        {share ? texts.data.blanks(format.percent(share)) : texts.data.noBlanks}
      </p>
      <div className="share" aria-hidden="true"><span style={{ width: `${(1 - share) * 100}%` }} /></div>
      {column.histogram && <Histogram name={name} bins={column.histogram} />}
      {column.histogram && column.min !== undefined && column.max !== undefined && (
        <p className="range"><span>{text(column.min)}</span><span>{text(column.max)}</span></p>
      )}
      {column.mean !== undefined && column.median !== undefined && (
        <p className="facts">{texts.data.mean} {format.short(column.mean)} · {texts.data.median} {format.short(column.median)}</p>
      )}
      {column.top && column.top.length > 0 && <Tops top={column.top} />}
      {!column.histogram && !column.top?.length && column.samples.length > 0 && (
        <p className="facts samples"><span className="label">{texts.data.samples}</span> {column.samples.map((sample) => <q key={sample}>{sample}</q>)}</p>
      )}
    </>
  );
}

function Histogram({ name, bins }: { name: string; bins: number[] }) {
  const texts = useTexts();
  const most = Math.max(...bins, 1);

  return (
    <svg className="histogram" viewBox={`0 0 ${bins.length * 10} 40`} preserveAspectRatio="none" role="img"
      aria-label={texts.data.spread(name)}>
      {bins.map((count, i) => {
        const height = count ? Math.max((count / most) * 38, 1.5) : 0;
        return <rect key={i} x={i * 10 + 0.75} y={40 - height} width={8.5} height={height} rx={1} />;
      })}
    </svg>
  );
}

const SHOWN_TOPS = 5;

function Tops({ top }: { top: Top[] }) {
  const texts = useTexts();
  const most = top[0]?.count ?? 1;

  return (
    <ul className="tops" aria-label={texts.data.frequent}>
      {top.slice(0, SHOWN_TOPS).map(({ value, count }) => (
        <li key={value}>
          <span className="top-bar" aria-hidden="true" style={{ width: `${(count / most) * 100}%` }} />
          <span className="top-value">{value}</span>
          <span className="top-count">{count.toLocaleString(texts.locale)}</span>
        </li>
      ))}
    </ul>
  );
}
