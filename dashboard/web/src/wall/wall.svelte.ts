// What the wall shows: the newest frames of its feeds, the clock, and the
// curve of power since the page opened.
import { Live, type Feed, type Status } from '../lib/live.ts';
import type { DistrictRow, MakerRow, OperatorRow, Overview } from '../lib/types.ts';
import { LiveCurve } from './curve.ts';

const LATE_MS = 15_000; // data older than this is shown grey, whatever the connection says
const HICCUP_MS = 2_500; // without a connection, data older than this is shown grey

export class Wall {
  readonly live: Live;
  readonly curve = new LiveCurve();
  overview = $state.raw<Overview>();
  operators = $state.raw<OperatorRow[]>([]);
  makers = $state.raw<MakerRow[]>([]);
  districts = $state.raw<DistrictRow[]>([]);
  status = $state.raw<Status>({ open: false, at: 0 });
  /** The platform's time, moving on each half second. */
  now = $state(Date.now());
  waited = $state(false);

  constructor(url: string) {
    this.live = new Live(url);
  }

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
    this.#rows('operators', (rows) => (this.operators = rows as OperatorRow[]));
    this.#rows('makers', (rows) => (this.makers = rows as MakerRow[]));
    this.#rows('districts', (rows) => (this.districts = rows as DistrictRow[]));
    live.sub({ feed: 'overview' }, (channel) => {
      this.overview = channel.data as unknown as Overview;
      this.curve.add(channel.at, this.overview.powerKw);
    });
    const unwatch = live.watch((status) => (this.status = status));
    const tick = setInterval(() => (this.now = live.now()), 500);
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

  #rows(feed: Feed['feed'] & ('operators' | 'makers' | 'districts'), show: (rows: unknown[]) => void): void {
    this.live.sub({ feed }, (channel) => show((channel.data[feed] as unknown[] | undefined) ?? []));
  }
}
