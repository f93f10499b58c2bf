// The HTTP API as the page uses it: one function to ask, the shapes of the answers, and one for each thing done.

const meta = document.querySelector<HTMLMetaElement>('meta[name="sheetflow-api"]')?.content ?? '';
export const API = meta.startsWith('/') ? meta : '/api/v1';

export interface Column { name: string; type: string }
export type CellValue = string | number | boolean | null;

export interface Warning { kind: string; message: string; count: number; places?: string[] }

export interface StoredFile {
  file_path: string;
  download_url: string;
  filename: string;
  size: number;
  format: string;
  sheets?: string[];
  rows?: number;
  columns?: number;
  column_names?: string[];
  role?: string;
  run_id?: string;
  created_at: string;
}

export interface Message {
  message_id: string;
  message_type: 'user' | 'system' | 'file_upload' | 'step_result' | 'error' | 'progress';
  content: string;
  metadata: Record<string, unknown>;
  created_at: string;
}

export interface Summary {
  chat_id: string;
  participant_name: string;
  name: string | null;
  status: string;
  metadata: Record<string, unknown>;
  created_at: string;
  updated_at: string;
  message_count: number;
  step_count: number;
  file_count: number;
}

export interface Conversation {
  chat_id: string;
  participant_name: string;
  name: string | null;
  status: string;
  messages: Message[];
  uploaded_files: StoredFile[];
  output_files: StoredFile[];
  metadata: Record<string, unknown>;
  created_at: string;
}

export type Arguments = Record<string, unknown>;
export interface StepRequest { operation: string; arguments: Arguments; input_file?: string }

export interface RunStep {
  step_id: string;
  operation: string;
  arguments: Arguments;
  input_file: string | null;
  output_file: string | null;
  status: 'pending' | 'running' | 'completed' | 'failed' | 'skipped' | 'cancelled';
  progress: number;
  error_message: string | null;
  rows_in: number;
  rows_out: number;
  warnings: Warning[];
}

export interface Preview {
  columns: Column[];
  rows: CellValue[][];
  total_rows: number;
  sheets: { name: string; state: string }[];
  warnings: Warning[];
}

export interface StepResult {
  step: number;
  operation: string;
  output_file_path?: string | null;
  rows_in: number;
  rows_out: number;
  dropped: Record<string, number>;
  warnings: Warning[];
  duration_ms: number;
  statistics?: Record<string, unknown>;
  preview?: Preview | { text: string };
}

export interface RunError {
  code: string;
  text: string;
  argument?: string;
  column?: string;
  row?: number;
  suggestions?: string[];
  available?: string[];
}

export interface Run {
  run_id: string;
  status: 'pending' | 'running' | 'completed' | 'failed' | 'cancelled';
  progress: number;
  input_file: string;
  steps: RunStep[];
  results: StepResult[];
  error: RunError | null;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
}

export interface Top { value: string; count: number }
export interface ColumnProfile {
  type: string;
  blanks: number;
  distinct: number;
  distinct_exact: boolean;
  min?: string | number;
  max?: string | number;
  mean?: number;
  median?: number;
  std?: number;
  samples: string[];
  histogram?: number[];
  top?: Top[];
}
export interface Profile {
  rows: number;
  column_names: string[];
  profile: Record<string, ColumnProfile>;
}

export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  allOf?: { if: Schema; then: Schema }[];
  const?: string;
  deprecated?: boolean;
  'x-column'?: boolean;
  'x-file'?: boolean;
}

export interface Operation {
  name: string;
  summary: string;
  kind: 'table' | 'text' | 'result';
  formats: string[];
  default_format: string | null;
  says?: string[];
  schema: Schema;
}

export interface Suggestion {
  steps: (StepRequest & { description?: string })[];
  requires_confirmation?: boolean;
  input_file?: string; // Where it is not the file that came last.
  remark?: string; // What is said beside the steps, in markdown.
}
export interface BotReply {
  bot_response: string;
  suggested_workflow?: Suggestion | null;
  requires_file?: boolean;
}
export interface BotHistory {
  chat_id: string;
  current_state: string;
  suggested_workflow?: Suggestion | null;
  messages: Message[];
}

interface Envelope<T> { data: T; message: string; total: number; status_code: number }

export interface ErrorDetails {
  argument?: string;
  column?: string;
  step?: number;
  suggestions?: string[];
  available_columns?: string[];
  accepted?: string[];
  results?: StepResult[];
  run_id?: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly type = '',
    readonly details: ErrorDetails = {},
  ) {
    super(message);
  }
}

// ---- the key, where the server wants one: kept for this tab only ----

const KEY = 'sheetflow.key';

export function heldKey(): string {
  return sessionStorage.getItem(KEY) ?? '';
}

type Asker = (wrong: boolean) => Promise<string>;
let asker: Asker | null = null;
let asking: Promise<string> | null = null;

// The page's way to ask for a key; several requests that are refused at once share one question.
export function onKeyNeeded(ask: Asker) {
  asker = ask;
}

export function askForKey(wrong: boolean): Promise<string> {
  if (!asker) return Promise.reject(new ApiError(401, 'unauthorized'));
  asking ??= asker(wrong).then((key) => {
    sessionStorage.setItem(KEY, key);
    return key;
  }).finally(() => {
    asking = null;
  });
  return asking;
}

export function keyHeaders(): Record<string, string> {
  const key = heldKey();
  return key ? { authorization: `Bearer ${key}` } : {};
}

// ---- asking ----

async function toError(reply: Response): Promise<ApiError> {
  try {
    const body = (await reply.json()) as Envelope<{ error_type: string; details: ErrorDetails }>;
    return new ApiError(reply.status, body.message, body.data?.error_type, body.data?.details ?? {});
  } catch {
    return new ApiError(reply.status, `${reply.status} ${reply.statusText}`);
  }
}

async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  for (;;) {
    const used = heldKey();
    const headers: Record<string, string> = { accept: 'application/json', ...keyHeaders() };
    if (body !== undefined && !(body instanceof FormData)) headers['content-type'] = 'application/json';
    const reply = await fetch(API + path, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : body instanceof FormData ? body : JSON.stringify(body),
    });
    if (reply.status !== 401) return reply;
    if (heldKey() === used) await askForKey(used !== '');
  }
}

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Envelope<T>> {
  const reply = await send(method, path, body, signal);
  if (!reply.ok) throw await toError(reply);
  return (await reply.json()) as Envelope<T>;
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask<T>('GET', path, undefined, signal)).data;
}

export interface Progress { loaded: number; total: number }

// fetch() does not tell how much of a body has been sent; XMLHttpRequest does.
function sendForm<T>(path: string, form: FormData, onProgress: (p: Progress) => void, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open('POST', API + path);
    for (const [name, value] of Object.entries(keyHeaders())) x.setRequestHeader(name, value);
    x.upload.onprogress = (event) => onProgress({ loaded: event.loaded, total: event.total });
    x.onload = () => {
      let body: Envelope<unknown> | null = null;
      try {
        body = JSON.parse(x.responseText) as Envelope<unknown>;
      } catch {
        // Told below.
      }
      const failure = body?.data as { error_type?: string; details?: ErrorDetails } | undefined;
      if (body && x.status < 300) resolve(body.data as T);
      else reject(new ApiError(x.status, body?.message ?? `${x.status} ${x.statusText}`, failure?.error_type, failure?.details));
    };
    x.onerror = () => reject(new ApiError(0, ''));
    x.onabort = () => reject(new DOMException('', 'AbortError'));
    signal.addEventListener('abort', () => x.abort());
    x.send(form);
  });
}

// ---- what can be asked ----

const chat = (id: string) => `/chat/workflows/${id}`;
const bot = (id: string) => `/chat/bot/conversations/${id}`;

export const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
export const fileUrl = (id: string, name: string) => `${chat(id)}/files/${encodeURIComponent(name)}`;

export const api = {
  operations: (signal?: AbortSignal) =>
    get<{ operations: Operation[] }>('/operations', signal).then((data) => data.operations),

  conversations: async (q: string, signal?: AbortSignal) => {
    const found = await ask<{ conversations: Summary[] }>('GET',
      `/chat/workflows?limit=200${q ? `&q=${encodeURIComponent(q)}` : ''}`, undefined, signal);
    return { list: found.data.conversations, total: found.total };
  },
  conversation: (id: string, signal?: AbortSignal) => get<Conversation>(chat(id), signal),
  runs: (id: string, signal?: AbortSignal) => get<{ runs: Run[] }>(`${chat(id)}/runs`, signal).then((data) => data.runs),
  create: (withBot: boolean) =>
    ask<{ chat_id: string }>('POST', withBot ? '/chat/bot/conversations' : '/chat/workflows', {}).then((r) => r.data),
  rename: (id: string, name: string) => ask('PATCH', chat(id), { name }),
  remove: (id: string) => ask('DELETE', chat(id)),
  dump: (id: string) => ask<{ dump_file: string; download_url: string }>('POST', `${chat(id)}/dump`).then((r) => r.data),
  restore: (file: File, mode: 'refuse' | 'replace' | 'copy') => {
    const form = new FormData();
    form.append('mode', mode);
    form.append('dump_file', file);
    return ask<Conversation>('POST', '/chat/workflows/restore', form).then((r) => r.data);
  },

  upload: (id: string, files: File[], withBot: boolean, onProgress: (p: Progress) => void, signal: AbortSignal) => {
    const form = new FormData();
    for (const file of files) form.append('file', file, file.name);
    return sendForm<StoredFile & { bot_response?: string }>(withBot ? `${bot(id)}/upload` : `${chat(id)}/upload`,
      form, onProgress, signal);
  },
  preview: (id: string, name: string, sheet: string, offset: number, limit: number, signal?: AbortSignal) =>
    get<Preview>(`${fileUrl(id, name)}/preview?offset=${offset}&limit=${limit}${sheetPart(sheet)}`, signal),
  rows: (id: string, name: string, sheet: string, offset: number, limit: number, signal?: AbortSignal) =>
    get<{ rows: CellValue[][] }>(
      `${fileUrl(id, name)}/preview?rows_only=1&offset=${offset}&limit=${limit}${sheetPart(sheet)}`, signal),
  profile: (id: string, name: string, sheet: string, signal?: AbortSignal) =>
    get<Profile>(`${fileUrl(id, name)}/profile?${sheetPart(sheet).slice(1)}`, signal),
  // The beginning of a text file, and whether that is all of it.
  text: async (id: string, name: string, bytes: number, signal?: AbortSignal) => {
    const reply = await fetch(API + fileUrl(id, name), {
      headers: { range: `bytes=0-${bytes - 1}`, ...keyHeaders() }, signal,
    });
    if (!reply.ok) throw await toError(reply);
    const total = Number(reply.headers.get('content-range')?.split('/')[1] ?? 0);
    return { text: await reply.text(), cut: total > bytes };
  },

  execute: (id: string, steps: StepRequest[], more: { input_file?: string; resume?: string }) =>
    ask<{ run_id: string }>('POST', `${chat(id)}/execute`, { steps, async: true, ...more }).then((r) => r.data),
  tryOut: (id: string, steps: StepRequest[], input_file: string, sample: number, signal?: AbortSignal) =>
    ask<{ results: StepResult[] }>('POST', `${chat(id)}/execute`, { steps, input_file, dry_run: true, sample }, signal)
      .then((r) => r.data.results),
  cancel: (id: string, run: string) => ask('POST', `${chat(id)}/runs/${run}/cancel`),

  hasBot: async () => {
    const reply = await send('GET', '/chat/bot/operations');
    if (reply.ok) return true;
    if (reply.status === 404) return false;
    throw await toError(reply);
  },
  // Null: this conversation has no bot.
  history: async (id: string, signal?: AbortSignal): Promise<BotHistory | null> => {
    const reply = await send('GET', `${bot(id)}/history`, undefined, signal);
    if (reply.status === 404) return null;
    if (!reply.ok) throw await toError(reply);
    return ((await reply.json()) as Envelope<BotHistory>).data;
  },
  say: (id: string, message: string) => ask<BotReply>('POST', `${bot(id)}/message`, { message }).then((r) => r.data),
  confirm: (id: string, confirmed: boolean, steps?: StepRequest[]) =>
    ask<BotReply & { job_id?: string }>('POST', `${bot(id)}/confirm`,
      { confirmed, ...(steps ? { modified_workflow: { steps } } : {}) }).then((r) => r.data),
};

function sheetPart(sheet: string) {
  return sheet ? `&sheet=${encodeURIComponent(sheet)}` : '';
}

// A link cannot carry a key, so with one the server is asked for a link that needs none.
export async function download(path: string, name: string): Promise<void> {
  const link = document.createElement('a');
  link.download = name;
  link.href = heldKey() ? (await ask<{ url: string }>('POST', '/links', { url: `${location.origin}${API}${path}` })).data.url : API + path;
  link.click();
}

export function save(text: string, name: string, type = 'application/json') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
