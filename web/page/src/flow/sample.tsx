// What a step makes of the first rows: a table beside what it was made of, with the cells that change marked.
import { useState } from 'react';
import type { CellValue, Preview, StepResult } from '../api';
import { Ledger, Warnings } from '../chat/run';
import { shown } from '../data/grid';
import { useTexts } from '../texts';

const SHOWN_ROWS = 8;
const SHOWN_COLUMNS = 40;

export function isTable(preview: StepResult['preview']): preview is Preview {
  return preview !== undefined && 'columns' in preview;
}

// Cells of `after` that differ from the same row and column before; only where rows stand in for each other.
function changedCells(before: Preview, after: Preview, ledger: StepResult): Set<string> {
  const out = new Set<string>();
  if (ledger.rows_in !== ledger.rows_out || Object.values(ledger.dropped).some((rows) => rows > 0)) return out;
  after.columns.forEach((column, c) => {
    const from = before.columns.findIndex((one) => one.name === column.name);
    after.rows.forEach((row, r) => {
      if (from < 0 || shown(before.rows[r]?.[from]) !== shown(row[c])) out.add(`${r}:${c}`);
    });
  });
  return out;
}

export function Sample({ before, result, ledger = result }: { before: Preview | null; result: StepResult; ledger?: StepResult }) {
  const texts = useTexts();
  const [side, setSide] = useState<'before' | 'after'>('after');
  const after = result.preview;
  const table = isTable(after) ? after : null;
  const changed = before && table ? changedCells(before, table, ledger) : new Set<string>();
  const shownTable = side === 'before' ? before : table;

  return (
    <div className="sample">
      <Ledger result={ledger} />
      {result.warnings.length > 0 && <Warnings warnings={result.warnings} />}
      <div className="sample-bar">
        <div className="segmented" role="group" aria-label={texts.flow.preview}>
          <button type="button" aria-pressed={side === 'before'} disabled={!before} onClick={() => setSide('before')}>{texts.flow.before}</button>
          <button type="button" aria-pressed={side === 'after'} onClick={() => setSide('after')}>{texts.flow.after}</button>
        </div>
        {changed.size > 0 && <span className="hint"><i className="swatch changed" />{texts.flow.changed(changed.size)}</span>}
      </div>
      {shownTable
        ? <SmallTable table={shownTable} changed={side === 'after' ? changed : new Set()} label={side === 'before' ? texts.flow.before : texts.flow.after} />
        : after && 'text' in after && <pre className="text-sample" tabIndex={0} aria-label={texts.flow.after}>{after.text}</pre>}
    </div>
  );
}

function SmallTable({ table, changed, label }: { table: Preview; changed: Set<string>; label: string }) {
  const columns = table.columns.slice(0, SHOWN_COLUMNS);
  return (
    <div className="small-table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead><tr>{columns.map((column) => <th key={column.name} scope="col">{column.name}</th>)}</tr></thead>
        <tbody>
          {table.rows.slice(0, SHOWN_ROWS).map((row: CellValue[], r) => (
            <tr key={r}>
              {columns.map((column, c) => (
                <td key={column.name} className={changed.has(`${r}:${c}`) ? 'changed' : ''}>{shown(row[c])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
