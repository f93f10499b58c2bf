// Steps as a person reads them: a title each, and what they are told to do in a few words.
import type { Arguments, StepRequest } from '../api';
import { useTexts, valueLabel } from '../texts';
import type { Texts } from '../texts/en';

interface Condition { column?: string; operator?: string; value?: unknown }
interface Rule { column_name?: string; column?: string; normalization_type?: string; type?: string }

const list = (value: unknown) => (Array.isArray(value) ? value.map(String).join(', ') : String(value));
const valueText = (texts: Texts, operator: string, value: unknown) => (
  Array.isArray(value) ? value.join(operator === 'between' ? ' – ' : ', ') : value === undefined ? '' : texts.quoted(String(value)));
const FEW = 4;

export function summary(texts: Texts, args: Arguments): string {
  const parts: string[] = [];
  if (Array.isArray(args.conditions)) {
    const said = (args.conditions as Condition[]).map(({ column = '…', operator = 'equals', value }) =>
      `${column} ${valueLabel(texts, operator)} ${valueText(texts, operator, value)}`.trim());
    parts.push(said.join(args.logic === 'OR' ? ' / ' : ' · '));
  }
  if (Array.isArray(args.normalizations)) {
    parts.push((args.normalizations as Rule[]).map((rule) =>
      `${rule.column_name ?? rule.column ?? '…'}: ${valueLabel(texts, rule.normalization_type ?? rule.type ?? '…')}`).join(' · '));
  }
  if (Array.isArray(args.columns)) parts.push(list(args.columns));
  if (args.mapping && typeof args.mapping === 'object') {
    const pairs = Object.entries(args.mapping as Record<string, unknown>).map(([to, from]) => {
      const source = typeof from === 'string' ? from : ((from as { source?: string } | null)?.source ?? '…');
      return source === to ? to : `${source} → ${to}`;
    });
    parts.push(pairs.slice(0, FEW).join(', ') + (pairs.length > FEW ? ' …' : ''));
  }
  if (args.bind_file) parts.push(`${String(args.bind_file)}: ${list(args.bind_columns ?? '…')}`);
  if (args.remove_duplicates === true) parts.push(texts.args.remove_duplicates ?? '');
  if (args.table_name) parts.push(String(args.table_name));
  if (args.database_type) parts.push(valueLabel(texts, String(args.database_type)));
  if (typeof args.template === 'string') parts.push(args.template.length > 60 ? `${args.template.slice(0, 60)}…` : args.template);
  if (args.output_format) parts.push(valueLabel(texts, String(args.output_format)));
  return parts.filter(Boolean).join(' — ');
}

export const opTitle = (texts: Texts, operation: string) => texts.ops[operation] ?? operation;

export function StepsText({ steps }: { steps: (StepRequest & { description?: string })[] }) {
  const texts = useTexts();
  return (
    <ol className="steps-text">
      {steps.map((step, i) => (
        <li key={i}>
          <strong>{opTitle(texts, step.operation)}</strong>
          <span className="hint">{summary(texts, step.arguments ?? {}) || step.description}</span>
        </li>
      ))}
    </ol>
  );
}
