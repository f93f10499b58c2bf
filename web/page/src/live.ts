// What happens in a conversation while it happens: one WebSocket, which comes back by itself and asks for what it missed.
import type { QueryClient } from '@tanstack/react-query';
import { askForKey, heldKey } from './api';

export type Connection = 'connecting' | 'open' | 'lost';

export interface StepProgress {
  step: number;
  progress: number;
  status: string;
  rows: number;
  total: number | null;
  etaMs: number | null;
  rate: number | null; // Rows a second, since the first frame.
  since: number;
  sinceRows: number;
}

export interface Live {
  connection: Connection;
  runs: ReadonlyMap<string, ReadonlyMap<number, StepProgress>>;
}

interface Frame {
  type: string;
  seq?: number;
  run_id?: string;
  step?: number;
  progress?: number;
  status?: string;
  rows_done?: number;
  rows_total?: number;
  eta_ms?: number;
}

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
const REFRESH_MS = 120;
const CLOSED_UNKNOWN = 4404;
const CLOSED_KEY = 4401;

export class LiveConversation {
  private state: Live = { connection: 'connecting', runs: new Map() };
  private listeners = new Set<() => void>();
  private socket: WebSocket | null = null;
  private seq: number | null = null;
  private wait = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refreshTimer: ReturnType<typeof setTimeout> | undefined;
  private done = false;

  constructor(
    readonly id: string,
    private readonly queries: QueryClient,
    private readonly onGone: () => void,
  ) {
    this.connect();
    window.addEventListener('online', this.again);
    document.addEventListener('visibilitychange', this.again);
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  snapshot = () => this.state;

  close() {
    this.done = true;
    clearTimeout(this.timer);
    clearTimeout(this.refreshTimer);
    window.removeEventListener('online', this.again);
    document.removeEventListener('visibilitychange', this.again);
    this.socket?.close();
  }

  private set(change: Partial<Live>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  private again = () => {
    if (this.socket || this.done || document.hidden) return;
    clearTimeout(this.timer);
    this.connect();
  };

  private connect() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const since = this.seq === null ? '' : `?since=${this.seq}`;
    const key = heldKey();
    const socket = new WebSocket(`${scheme}://${location.host}/chat/${this.id}${since}`, key ? ['sheetflow', `bearer.${key}`] : []);

    this.socket = socket;
    socket.onmessage = (event) => {
      if (typeof event.data === 'string') this.take(JSON.parse(event.data) as Frame);
    };
    socket.onclose = (event) => {
      this.socket = null;
      if (this.done) return;
      if (event.code === CLOSED_UNKNOWN) {
        this.onGone();
        return;
      }
      this.set({ connection: 'lost' });
      if (event.code === CLOSED_KEY) {
        void askForKey(key !== '').then(this.again);
        return;
      }
      this.timer = setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    };
  }

  private take(frame: Frame) {
    if (frame.type === 'connected') {
      this.wait = FIRST_WAIT_MS;
      this.seq ??= frame.seq ?? 0;
      this.set({ connection: 'open' });
      this.refresh(); // What was loaded before may be older than the connection.
      return;
    }
    if (frame.seq !== undefined && (this.seq === null || frame.seq > this.seq)) this.seq = frame.seq;
    if (frame.type === 'progress') this.progress(frame);
    else if (frame.seq !== undefined) this.refresh();
  }

  private progress(frame: Frame) {
    const { run_id: run, step } = frame;
    if (!run || step === undefined) return;
    const runs = new Map(this.state.runs);
    const steps = new Map(runs.get(run));
    const before = steps.get(step);
    const now = performance.now();
    const rows = frame.rows_done ?? 0;
    const since = before && rows >= before.rows ? before.since : now;
    const sinceRows = before && rows >= before.rows ? before.sinceRows : rows;
    const seconds = (now - since) / 1000;

    steps.set(step, {
      step,
      progress: frame.progress ?? 0,
      status: frame.status ?? 'running',
      rows,
      total: frame.rows_total ?? null,
      etaMs: frame.eta_ms ?? null,
      rate: seconds > 0.2 ? (rows - sinceRows) / seconds : (before?.rate ?? null),
      since,
      sinceRows,
    });
    runs.set(run, steps);
    this.set({ runs });
  }

  // Many frames at once ask for one refresh.
  private refresh() {
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = undefined;
      for (const what of ['chat', 'runs', 'bot']) void this.queries.invalidateQueries({ queryKey: [what, this.id] });
      void this.queries.invalidateQueries({ queryKey: ['chats'] });
    }, REFRESH_MS);
  }
}
