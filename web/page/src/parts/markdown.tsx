// The markdown that replies are written in: headings, lists, bold, emphasis, code, tables. All of it becomes elements,
// never HTML, so a reply cannot put anything else into the page.
import { Fragment, type ReactNode } from 'react';

const INLINE = /((?<!\\)`[^`]+`|(?<!\\)\*\*(?:\\.|[^*\\])+\*\*|(?<![\w*\\])\*[^*\s][^*]*\*|(?<!\w)_[^_\s][^_]*_(?!\w))/;
const plain = (text: string) => text.replace(/\\([*`[\]<>\\])/g, '$1'); // A mark that stands for itself comes with a backslash.

function inline(text: string): ReactNode {
  return text.split(INLINE).map((part, i) => {
    if (i % 2 === 0) return <Fragment key={i}>{plain(part)}</Fragment>;
    if (part.startsWith('`')) return <code key={i}>{part.slice(1, -1)}</code>;
    if (part.startsWith('**')) return <strong key={i}>{plain(part.slice(2, -2))}</strong>;
    return <em key={i}>{part.slice(1, -1)}</em>;
  });
}

const ITEM = /^\s*(?:[-*•]|\d+[.)])\s+/;
const cellsOf = (line: string) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());

// Items that are further in than the first one belong to the one before them.
function List({ lines }: { lines: string[] }) {
  const depth = (line: string) => line.search(/\S/);
  const items: { text: string; below: string[] }[] = [];

  for (const line of lines) {
    const last = items.at(-1);
    if (last && depth(line) > depth(lines[0] ?? '')) last.below.push(line);
    else items.push({ text: line.replace(ITEM, ''), below: [] });
  }
  const list = items.map(({ text, below }, k) => <li key={k}>{inline(text)}{below.length > 0 && <List lines={below} />}</li>);
  return /^\s*\d/.test(lines[0] ?? '') ? <ol>{list}</ol> : <ul>{list}</ul>;
}

export function Markdown({ text }: { text: string }) {
  const lines = text.split('\n');
  const out: ReactNode[] = [];

  for (let i = 0; i < lines.length;) {
    const line = lines[i] ?? '';
    const take = (test: (line: string) => boolean) => {
      const from = i;
      while (i < lines.length && test(lines[i] ?? '')) i++;
      return lines.slice(from, i);
    };
    if (!line.trim()) {
      i++;
    } else if (line.startsWith('```')) {
      i++;
      const code = take((l) => !l.startsWith('```'));
      i++;
      out.push(<pre key={i} tabIndex={0}>{code.join('\n')}</pre>);
    } else if (/^#{1,6}\s/.test(line)) {
      i++;
      out.push(<p key={i} className="heading"><strong>{inline(line.replace(/^#+\s/, ''))}</strong></p>);
    } else if (line.trim().startsWith('|')) {
      const [head, ...rest] = take((l) => l.trim().startsWith('|'));
      const rows = rest.filter((row) => !/^[\s|:-]+$/.test(row));
      out.push(
        <table key={i}>
          <thead><tr>{cellsOf(head ?? '').map((cell, c) => <th key={c}>{inline(cell)}</th>)}</tr></thead>
          <tbody>{rows.map((row, r) => <tr key={r}>{cellsOf(row).map((cell, c) => <td key={c}>{inline(cell)}</td>)}</tr>)}</tbody>
        </table>,
      );
    } else if (ITEM.test(line)) {
      out.push(<List key={i} lines={take((l) => ITEM.test(l))} />);
    } else {
      const text = take((l) => l.trim() !== '' && !ITEM.test(l) && !/^(#{1,6}\s|```|\s*\|)/.test(l));
      out.push(<p key={i}>{text.map((l, k) => <Fragment key={k}>{k > 0 && <br />}{inline(l)}</Fragment>)}</p>);
    }
  }
  return <div className="markdown">{out}</div>;
}
