// What every view of the desk is given: who asks, the language, the clock, the
// feeds, and requests that carry the token.
import { ApiError, get, liveURL, post, request, type Params } from '../lib/api.ts';
import { UNNAMED, type City } from '../lib/config.ts';
import type { Lang } from '../lib/i18n.ts';
import { Live, type Status } from '../lib/live.ts';
import type { Theme } from '../lib/theme.ts';
import type { Overview } from '../lib/types.ts';
import { hrefOf, type Query } from './route.ts';
import type { Session } from './session.ts';

const LATE_MS = 15_000; // data older than this is said to be old, whatever the connection says
const HICCUP_MS = 2_500; // the same without a connection

export class Desk {
  readonly session: Session;
  readonly live: Live;
  lang = $state<Lang>('zh');
  theme = $state<Theme>('light');
  city = $state.raw<City>(UNNAMED);
  overview = $state.raw<Overview>();
  status = $state.raw<Status>({ open: false, at: 0 });
  /** The platform's time, moving on each second. */
  now = $state(Date.now());
  waited = $state(false);
  /** Called when the platform knows the token no longer. */
  ended: () => void = () => {};

  constructor(session: Session) {
    this.session = session;
    this.live = new Live(liveURL());
  }

  /** Milliseconds since the newest data; NaN before any. */
  get age(): number {
    return this.status.at ? Math.max(0, this.now - this.status.at) : NaN;
  }

  /** Whether what is shown may no longer be how things are. */
  get stale(): boolean {
    if (this.status.at === 0) return this.waited;
    return this.age > (this.status.open ? LATE_MS : HICCUP_MS);
  }

  /** Starts feeds and clock; returns their end. */
  start(): () => void {
    const { live } = this;
    live.unauthorized = () => this.ended();
    live.sub({ feed: 'overview' }, (channel) => (this.overview = channel.data as unknown as Overview));
    const unwatch = live.watch((status) => (this.status = status));
    const tick = setInterval(() => (this.now = live.now()), 1000);
    const patience = setTimeout(() => (this.waited = true), 3000);
    const wake = (): void => live.wake();
    addEventListener('online', wake);
    live.connect();
    return () => {
      clearInterval(tick);
      clearTimeout(patience);
      removeEventListener('online', wake);
      unwatch();
      live.close();
    };
  }

  /** GETs `path` under /api/v1 with the token; throws ApiError. */
  async ask<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
    return this.#watched(get<T>(path, params, signal));
  }

  /** POSTs JSON to `path` under /api/v1 with the token; throws ApiError. */
  async post<T>(path: string, body: unknown): Promise<T> {
    return this.#watched(post<T>(path, body));
  }

  /** Saves the answer to `path` in the form `accept`, such as text/csv, as a file. */
  async download(path: string, params: Params, accept: string, name: string): Promise<void> {
    const answer = await this.#watched(request(path, params, { accept }));
    save(await answer.blob(), name);
  }

  /** Goes to a view; `replace` leaves no step for the way back. */
  go(path: string, query: Query = {}, replace = false): void {
    const href = hrefOf(path, query);
    if (!replace) {
      location.hash = href;
      return;
    }
    history.replaceState(null, '', href);
    dispatchEvent(new HashChangeEvent('hashchange'));
  }

  async #watched<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'token-unknown') this.ended();
      throw error;
    }
  }
}

/** Gives the reader a file. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
