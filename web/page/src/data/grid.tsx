// A table of any length: only what is in view is in the page, and rows come in blocks as they are scrolled to. Browsers end
// elements at some 17 million pixels, so beyond MAX_HEIGHT the scroll bar stands for the rows in proportion.
import { useQueries } from '@tanstack/react-query';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { api, type CellValue, type Column, type Preview } from '../api';
import { useTexts } from '../texts';

export const PAGE_ROWS = 200;
const ROW = 30;
const HEAD = 48;
const MAX_HEIGHT = 15_000_000;
const MIN_WIDTH = 88;
const MAX_WIDTH = 320;
const DIGIT = 7.6;
const SPARE_ROWS = 4;
const SETTLE_MS = 60; // Blocks that are only scrolled past are not asked for.

export function shown(value: CellValue | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

const isNumber = (type: string) => type === 'integer' || type === 'number';

// As wide as the widest of the first cells, measured in the table's own font.
function widthsOf(columns: Column[], rows: CellValue[][]): number[] {
  const pen = document.createElement('canvas').getContext('2d');
  const size = 0.87 * parseFloat(getComputedStyle(document.documentElement).fontSize); // As .grid has it.
  const family = getComputedStyle(document.body).fontFamily;
  const measure = (text: string, weight: number) => {
    if (!pen) return text.length * DIGIT;
    pen.font = `${weight} ${size}px ${family}`;
    return pen.measureText(text.slice(0, 80)).width;
  };
  return columns.map((column, c) => {
    let widest = measure(column.name, 600) + 2;
    for (const row of rows.slice(0, 60)) widest = Math.max(widest, measure(shown(row[c]), 400));
    return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, widest + 28)));
  });
}

interface Place { top: number; left: number; width: number; height: number }

export function Grid({ id, name, sheet, first, onColumn }: {
  id: string; name: string; sheet: string; first: Preview; onColumn: (column: string) => void;
}) {
  const texts = useTexts();
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<Place>({ top: 0, left: 0, width: 800, height: 500 });
  const [cursor, setCursor] = useState<{ row: number; column: number } | null>(null);
  const total = first.total_rows;
  const widths = useMemo(() => widthsOf(first.columns, first.rows), [first]);
  const lefts = useMemo(() => {
    const out = [0];
    for (const width of widths) out.push((out.at(-1) ?? 0) + width);
    return out;
  }, [widths]);
  const gutter = String(total).length * DIGIT + 20;

  // ---- what is in view ----
  const real = total * ROW;
  const height = Math.min(real, MAX_HEIGHT);
  const room = Math.max(place.height - HEAD, ROW);
  const ratio = height > room ? Math.min(place.top, height - room) / (height - room) : 0;
  const offset = real > height ? ratio * (real - room) : place.top; // Pixels of rows above the view.
  const from = Math.max(0, Math.min(Math.floor(offset / ROW) - SPARE_ROWS, total));
  const to = Math.min(total, Math.ceil((offset + room) / ROW) + SPARE_ROWS);
  const shift = place.top - offset; // Where row 0 would be.
  const fromColumn = Math.max(0, lefts.findIndex((left) => left > place.left - 200) - 1);
  const past = lefts.findIndex((left) => left > place.left + place.width + 200);
  const toColumn = past < 0 ? first.columns.length : Math.min(past, first.columns.length);

  // ---- their rows ----
  const [wanted, setWanted] = useState<[number, number]>([0, 0]);
  const pageFrom = Math.floor(from / PAGE_ROWS);
  const pageTo = Math.floor(Math.max(to - 1, 0) / PAGE_ROWS);
  useEffect(() => {
    const timer = setTimeout(() => setWanted([pageFrom, pageTo]), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [pageFrom, pageTo]);
  const pages = useMemo(() => {
    const out: number[] = [];
    for (let page = wanted[0]; page <= wanted[1]; page++) if (page > 0) out.push(page);
    return out;
  }, [wanted]);
  const loaded = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['rows', id, name, sheet, page],
      queryFn: ({ signal }: { signal: AbortSignal }) => api.rows(id, name, sheet, page * PAGE_ROWS, PAGE_ROWS, signal),
      staleTime: Infinity,
      gcTime: 60_000,
    })),
  });
  const rowAt = (row: number): CellValue[] | undefined => {
    const page = Math.floor(row / PAGE_ROWS);
    const rows = page === 0 ? first.rows : loaded[pages.indexOf(page)]?.data?.rows;
    return rows?.[row - page * PAGE_ROWS];
  };

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setPlace({
      top: element.scrollTop, left: element.scrollLeft, width: element.clientWidth, height: element.clientHeight,
    });
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, []);

  // ---- by keyboard ----
  const bring = (row: number, column: number) => {
    const element = box.current;
    if (!element) return;
    const rowTop = row * ROW;
    let target = offset;
    if (rowTop < offset) target = rowTop;
    else if (rowTop + ROW > offset + room) target = rowTop + ROW - room;
    if (target !== offset) {
      element.scrollTop = real > height ? (target / (real - room)) * (height - room) : target;
    }
    const left = lefts[column] ?? 0;
    const right = lefts[column + 1] ?? left;
    if (left < element.scrollLeft) element.scrollLeft = left;
    else if (right + gutter > element.scrollLeft + element.clientWidth) element.scrollLeft = right + gutter - element.clientWidth;
  };
  const keys = (event: KeyboardEvent) => {
    const perPage = Math.max(1, Math.floor(room / ROW) - 1);
    const at = cursor ?? { row: Math.ceil(offset / ROW), column: 0 };
    const lastRow = total - 1;
    const lastColumn = first.columns.length - 1;
    const moves: Record<string, () => { row: number; column: number }> = {
      ArrowDown: () => ({ ...at, row: cursor ? at.row + 1 : at.row }),
      ArrowUp: () => ({ ...at, row: at.row - 1 }),
      ArrowRight: () => ({ ...at, column: at.column + 1 }),
      ArrowLeft: () => ({ ...at, column: at.column - 1 }),
      PageDown: () => ({ ...at, row: at.row + perPage }),
      PageUp: () => ({ ...at, row: at.row - perPage }),
      Home: () => (event.ctrlKey ? { row: 0, column: 0 } : { ...at, column: 0 }),
      End: () => (event.ctrlKey ? { row: lastRow, column: lastColumn } : { ...at, column: lastColumn }),
    };
    const move = moves[event.key];
    if (!move || total === 0) return;
    event.preventDefault();
    const next = move();
    const row = Math.max(0, Math.min(lastRow, next.row));
    const column = Math.max(0, Math.min(lastColumn, next.column));
    setCursor({ row, column });
    bring(row, column);
  };

  const columns = first.columns.slice(fromColumn, toColumn).map((column, i) => ({ column, index: fromColumn + i }));
  const rows = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const cellId = (row: number, column: number) => `cell-${row}-${column}`;
  const inView = cursor && cursor.row >= from && cursor.row < to && cursor.column >= fromColumn && cursor.column < toColumn;

  return (
    <div className="grid" ref={box} role="grid" tabIndex={0} aria-label={texts.data.table(name)}
      aria-rowcount={total + 1} aria-colcount={first.columns.length + 1} onKeyDown={keys}
      aria-activedescendant={inView ? cellId(cursor.row, cursor.column) : undefined}
      onScroll={({ currentTarget: el }) => setPlace({
        top: el.scrollTop, left: el.scrollLeft, width: el.clientWidth, height: el.clientHeight,
      })}>
      <div role="rowgroup" className="grid-space" style={{ height: height + HEAD, width: gutter + (lefts.at(-1) ?? 0) }}>
        <div className="grid-row head" role="row" aria-rowindex={1} style={{ height: HEAD }}>
          <span className="gutter" role="columnheader" aria-colindex={1} style={{ width: gutter }}><span className="sr">#</span></span>
          {columns.map(({ column, index }) => (
            <span key={index} role="columnheader" aria-colindex={index + 2} className="grid-cell"
              style={{ left: gutter + (lefts[index] ?? 0), width: widths[index] }}>
              <button type="button" tabIndex={-1} title={column.name} onClick={() => onColumn(column.name)}>
                <b>{column.name}</b>
                <small>{texts.data.types[column.type] ?? column.type}</small>
              </button>
            </span>
          ))}
        </div>
        {rows.map((row) => {
          const cells = rowAt(row);
          return (
            <div key={row} className={`grid-row ${row % 2 ? 'odd' : ''}`} role="row" aria-rowindex={row + 2}
              style={{ transform: `translateY(${shift + row * ROW + HEAD}px)`, height: ROW }}>
              <span className="gutter" role="rowheader" aria-colindex={1} style={{ width: gutter }}>{row + 1}</span>
              {columns.map(({ column, index }) => {
                const text = shown(cells?.[index]);
                const here = cursor?.row === row && cursor.column === index;
                return (
                  <span key={index} id={cellId(row, index)} role="gridcell" aria-colindex={index + 2} aria-selected={here}
                    className={`grid-cell ${isNumber(column.type) ? 'number' : ''} ${cells && text === '' ? 'blank' : ''}`}
                    title={text.length > 24 ? text : undefined} onClick={() => setCursor({ row, column: index })}
                    style={{ left: gutter + (lefts[index] ?? 0), width: widths[index] }}>
                    {cells ? text : '·'}
                  </span>
                );
              })}
            </div>
          );
        })}
      </div>
      {total === 0 && <p className="hint center">{texts.data.empty}</p>}
    </div>
  );
}
