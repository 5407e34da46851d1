// The client of the live feeds: subscriptions that survive the connection,
// queries over the same socket, and the platform's clock.
import { applyFrame, millis, type Change, type Channel, type Frame } from './channel.ts';
import { ServerClock } from './clock.ts';
import { token } from './session.ts';
import type { Box, Station } from './types.ts';

export interface Feed {
  feed:
    | 'overview' | 'operators' | 'makers' | 'districts' | 'stations' | 'station' | 'heatmap' | 'vehicles' | 'alarms'
    | 'tail';
  bbox?: Box;
  layer?: string;
  res?: number;
  station?: string;
  party?: string;
}

/** Called after each frame of a channel of the subscription. */
export type Listener = (channel: Channel, change: Change, name: string) => void;

export interface StationAnswer {
  at: number;
  stations: Station[];
}

export interface Status {
  open: boolean;
  at: number; // epoch milliseconds by the platform's clock of the newest data; 0 before any
}

/** What a Live needs of its surroundings; tests replace it. */
export interface Surroundings {
  socket(url: string): WebSocket;
  now(): number;
  random(): number;
  setTimer(run: () => void, ms: number): unknown;
  clearTimer(timer: unknown): void;
  token(): string | null; // null: a driver
}

const browser: Surroundings = {
  socket: (url) => new WebSocket(url),
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (timer) => clearTimeout(timer as number),
  token,
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 8_000; // then the socket is asked whether it lives
const TOO_FAST = 4429; // the close code of who asked too fast for too long
const TOKEN_UNKNOWN = 4401; // the close code of who shows a wrong token, or one that was removed
const ANSWER_MS = 6_000; // a query without an answer for so long has failed

interface Subscription {
  id: string;
  feed: Feed;
  listener: Listener;
  refused: ((code: string) => void) | undefined;
  channels: Set<string>;
}

interface Query {
  resolve(answer: StationAnswer): void;
  reject(error: Error): void;
  timer: unknown;
}

/** How long to wait before try number `tries` (from 0): doubling, with jitter down to a half. */
export function waitBefore(tries: number, random: number): number {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
  return Math.round(most * (0.5 + random / 2));
}

/**
 * How long the platform asks to be left alone, in ms: as the reason of its close frame says (1012, "… retry in N s"), and
 * spread over the second after that. Undefined when it says nothing.
 */
export function waitTold(event: { code?: number; reason?: string } | undefined, random: number): number | undefined {
  if (event?.code === TOO_FAST) return LONGEST_WAIT_MS;
  const told = /\bretry in (\d{1,4}) s\b/.exec(event?.reason ?? '');
  return told ? Math.round((Number(told[1]) + random) * 1000) : undefined;
}

export class Live {
  readonly clock = new ServerClock();
  #url: string;
  #env: Surroundings;
  #socket: WebSocket | undefined;
  #open = false;
  #at = 0;
  #tries = 0;
  #retry: unknown;
  #silence: unknown;
  #numbers = 0;
  #subscriptions = new Map<string, Subscription>();
  #channels = new Map<string, Channel>();
  #queries = new Map<string, Query>();
  #watchers = new Set<(status: Status) => void>();
  #told: Status = { open: false, at: 0 };
  /** Called when the platform does not know the token; connecting goes on with whatever token there is then. */
  unauthorized: () => void = () => undefined;

  constructor(url: string, env: Partial<Surroundings> = {}) {
    this.#url = url;
    this.#env = { ...browser, ...env };
  }

  /** Connects, and connects again whenever the connection is lost, until close(). */
  connect(): void {
    this.#env.clearTimer(this.#retry);
    const socket = this.#env.socket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(String(event.data));
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      if ((event as CloseEvent | undefined)?.code === TOKEN_UNKNOWN) this.unauthorized();
      this.#lost(waitTold(event as CloseEvent | undefined, this.#env.random()));
    };
  }

  /** Connects anew, so that another token holds for what comes from now on. */
  again(): void {
    const socket = this.#socket;
    if (!socket) return;
    socket.onclose = null;
    socket.close();
    this.#env.clearTimer(this.#silence);
    this.#open = false;
    this.#tries = 0;
    this.#failQueries();
    this.#channels.clear();
    this.connect();
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#env.clearTimer(this.#retry);
    this.#env.clearTimer(this.#silence);
    this.#failQueries();
    socket?.close();
  }

  /** Tries at once instead of waiting: the page is seen again, or the network is back. */
  wake(): void {
    if (this.#open || !this.#socket) return;
    this.#tries = 0;
    this.#socket.onclose = null;
    this.#socket.close();
    this.connect();
  }

  /** Calls `watch` now and whenever the connection or the data's time changes; returns its end. */
  watch(watch: (status: Status) => void): () => void {
    this.#watchers.add(watch);
    watch(this.status);
    return () => this.#watchers.delete(watch);
  }

  get status(): Status {
    return { open: this.#open, at: this.#at };
  }

  /** Milliseconds by the platform's clock. */
  now(): number {
    return this.clock.at(this.#env.now());
  }

  /** Subscribes; returns the end of it. `refused` gets the code if the platform declines. */
  sub(feed: Feed, listener: Listener, refused?: (code: string) => void): () => void {
    const id = `s${++this.#numbers}`;
    this.#subscriptions.set(id, { id, feed, listener, refused, channels: new Set() });
    if (this.#open) this.#send({ op: 'sub', id, ...feed });
    return () => this.#unsub(id);
  }

  /** Asks for stations over the socket; rejects when it is not open or does not answer. */
  query(params: Record<string, unknown>): Promise<StationAnswer> {
    if (!this.#open) return Promise.reject(new Error('not connected'));
    const id = `q${++this.#numbers}`;
    return new Promise((resolve, reject) => {
      const timer = this.#env.setTimer(() => {
        this.#queries.delete(id);
        reject(new Error('no answer'));
      }, ANSWER_MS);
      this.#queries.set(id, { resolve, reject, timer });
      this.#send({ op: 'query', id, ...params });
    });
  }

  #opened(): void {
    this.#open = true;
    this.#tries = 0;
    const shown = this.#env.token();
    if (shown) this.#send({ op: 'auth', token: shown });
    for (const s of this.#subscriptions.values()) {
      const rev: Record<string, string> = {};
      for (const name of s.channels) {
        const channel = this.#channels.get(name);
        if (channel) rev[name] = channel.rev;
      }
      this.#send({ op: 'sub', id: s.id, ...s.feed, ...(Object.keys(rev).length ? { rev } : {}) });
    }
    this.#listen();
    this.#tell();
  }

  #lost(told?: number): void {
    this.#open = false;
    this.#env.clearTimer(this.#silence);
    this.#failQueries();
    const wait = told ?? waitBefore(this.#tries++, this.#env.random());
    this.#retry = this.#env.setTimer(() => this.connect(), wait);
    this.#tell();
  }

  #received(text: string): void {
    const message = JSON.parse(text) as Record<string, unknown>;
    const at = millis(message.at as string | undefined);
    if (Number.isFinite(at)) {
      this.clock.note(at, this.#env.now());
      this.#at = Math.max(this.#at, at);
    }
    if (typeof message.ch === 'string') this.#frame(message as unknown as Frame);
    else if (message.op === 'sub') this.#answered(message);
    else if (message.op === 'query') this.#found(message, at);
    this.#listen();
    this.#tell();
  }

  #frame(frame: Frame): void {
    const result = applyFrame(this.#channels.get(frame.ch), frame);
    if (!result) return;
    this.#channels.set(frame.ch, result[0]);
    for (const s of this.#subscriptions.values()) {
      if (s.channels.has(frame.ch)) s.listener(result[0], result[1], frame.ch);
    }
  }

  #answered(message: Record<string, unknown>): void {
    const s = this.#subscriptions.get(String(message.id));
    if (!s) return;
    const error = message.error as { code?: string } | undefined;
    if (error) {
      s.refused?.(error.code ?? 'internal');
      return;
    }
    const before = s.channels;
    s.channels = new Set(message.channels as string[]);
    for (const name of s.channels) {
      const known = this.#channels.get(name);
      if (known && !before.has(name)) s.listener(known, { whole: true, changed: [], removed: [] }, name);
    }
    this.#forget(before);
  }

  #found(message: Record<string, unknown>, at: number): void {
    const query = this.#queries.get(String(message.id));
    if (!query) return;
    this.#queries.delete(String(message.id));
    this.#env.clearTimer(query.timer);
    const data = message.data as { stations?: Station[] } | undefined;
    if (data) query.resolve({ at, stations: data.stations ?? [] });
    else query.reject(new Error((message.error as { code?: string } | undefined)?.code ?? 'internal'));
  }

  #unsub(id: string): void {
    const s = this.#subscriptions.get(id);
    if (!s) return;
    this.#subscriptions.delete(id);
    if (this.#open) this.#send({ op: 'unsub', id });
    this.#forget(s.channels);
  }

  /** Drops channels that no subscription names any more. */
  #forget(names: Set<string>): void {
    for (const name of names) {
      const used = [...this.#subscriptions.values()].some((s) => s.channels.has(name));
      if (!used) this.#channels.delete(name);
    }
  }

  /** Starts the time of silence anew; at its end one query shows whether the socket lives. */
  #listen(): void {
    this.#env.clearTimer(this.#silence);
    this.#silence = this.#env.setTimer(() => {
      const socket = this.#socket;
      this.query({ near: [0, 0], radiusM: 1, limit: 1 }).catch((error: Error) => {
        if (error.message !== 'no answer' || this.#socket !== socket) return;
        socket?.close();
        if (socket) socket.onclose = null;
        this.#lost();
      });
    }, SILENCE_MS);
  }

  #failQueries(): void {
    for (const query of this.#queries.values()) {
      this.#env.clearTimer(query.timer);
      query.reject(new Error('connection lost'));
    }
    this.#queries.clear();
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #tell(): void {
    const { open, at } = this.status;
    if (open === this.#told.open && at === this.#told.at) return;
    this.#told = { open, at };
    for (const watch of this.#watchers) watch(this.status);
  }
}
