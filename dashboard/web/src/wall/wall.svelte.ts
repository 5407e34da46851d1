// What the wall shows: the newest frames of its feeds, the clock, the day's
// history, where the faults are, and with a token alarms and grades.
import { ApiError, get } from '../lib/api.ts';
import { midnight } from '../lib/format.ts';
import { Live, type Feed, type Status } from '../lib/live.ts';
import { keepToken, token } from '../lib/session.ts';
import type { Alarm, AlarmCounts, DistrictRow, HistoryTable, MakerRow, OperatorRow, Overview } from '../lib/types.ts';
import { DAY_MS } from './compare.ts';
import { LiveCurve, SLOT_MS } from './curve.ts';
import type { First } from './first.ts';
import { loadGrades, type Grading } from './grades.ts';
import type { FaultList } from './faults.ts';

const LATE_MS = 15_000; // data older than this is shown grey, whatever the connection says
const HICCUP_MS = 2_500; // without a connection, data older than this is shown grey
const HISTORY_AGAIN_MS = 30_000; // between tries while the history is away
const SETTLE_MS = 8_000; // a row needs to be written before it can be read
const FAULTS_MS = 20_000;
const GRADES_MS = 300_000;
const MOST_FAULTS = 5_000;

export class Wall {
  readonly live: Live;
  readonly curve = new LiveCurve();
  overview = $state.raw<Overview>();
  operators = $state.raw<OperatorRow[]>([]);
  makers = $state.raw<MakerRow[]>([]);
  districts = $state.raw<DistrictRow[]>([]);
  status = $state.raw<Status>({ open: false, at: 0 });
  faults = $state.raw<FaultList>();
  /** The history of yesterday and today; undefined before it came, and while it is away at the start. */
  days = $state.raw<HistoryTable>();
  away = $state(false);
  /** Open alarms by id with their counts; undefined for who may not see them. */
  alarms = $state.raw<{ counts: AlarmCounts; items: ReadonlyMap<string, Alarm> }>();
  grades = $state.raw<Grading>();
  known = $state(token() !== null); // a token is shown
  wrong = $state(false); // a token was shown that the platform does not know
  /** The platform's time, moving on each half second. */
  now = $state(Date.now());
  waited = $state(false);
  #endAlarms: (() => void) | undefined;
  #first = 0; // when what the page brought with it was so

  constructor(url: string, first: First | null) {
    this.live = new Live(url);
    if (!first) return;
    this.overview = first.overview;
    this.operators = first.operators;
    this.#first = first.at;
    this.live.clock.note(first.at, Date.now());
    this.now = this.live.now();
  }

  /** When what is shown was so; 0 before anything is shown. */
  get at(): number {
    return this.status.at || this.#first;
  }

  get age(): number {
    return this.at ? Math.max(0, this.now - this.at) : NaN;
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
    live.unauthorized = () => {
      this.show(null);
      this.wrong = true;
    };
    this.#private();
    const unwatch = live.watch((status) => (this.status = status));
    const tick = setInterval(() => (this.now = live.now()), 500);
    const patience = setTimeout(() => (this.waited = true), 3000);
    const faults = every(FAULTS_MS, () => this.#loadFaults());
    const grades = every(GRADES_MS, () => this.#loadGrades());
    const wake = (): void => live.wake();
    addEventListener('online', wake);
    live.connect();
    return () => {
      for (const timer of [tick, faults, grades]) clearInterval(timer);
      clearTimeout(patience);
      removeEventListener('online', wake);
      unwatch();
      live.close();
    };
  }

  /** Shows a token from now on, or none. */
  show(value: string | null): void {
    keepToken(value);
    this.known = value !== null;
    this.wrong = false;
    this.#private();
    this.live.again();
    void this.#loadGrades();
    void this.#loadFaults();
  }

  /** Loads the history of two days of `zone`, and again after each five minutes; returns its end. */
  remember(zone: string): () => void {
    let timer = 0;
    let gone = false;
    const load = async (): Promise<void> => {
      const from = midnight(this.live.now(), zone) - DAY_MS;
      try {
        const table = await get<HistoryTable>('/history/city', { from, every: '5m' });
        if (!gone) [this.days, this.away] = [table, false];
      } catch {
        this.away = true;
      }
      const wait = this.away ? HISTORY_AGAIN_MS : SLOT_MS - (this.live.now() % SLOT_MS) + SETTLE_MS;
      if (!gone) timer = window.setTimeout(() => void load(), wait);
    };
    void load();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }

  #private(): void {
    this.#endAlarms?.();
    this.#endAlarms = undefined;
    this.alarms = undefined;
    this.grades = undefined;
    if (!this.known) return;
    let counts: AlarmCounts | undefined;
    this.#endAlarms = this.live.sub({ feed: 'alarms' }, (channel) => {
      counts = (channel.data.counts as AlarmCounts | undefined) ?? counts;
      if (counts) this.alarms = { counts, items: new Map(channel.items as Map<string, Alarm>) };
    }, () => (this.alarms = undefined));
  }

  async #loadFaults(): Promise<void> {
    try {
      this.faults = await get<FaultList>('/rank/stations', {
        by: 'fault', limit: MOST_FAULTS, access: this.known ? 'all' : undefined,
      });
    } catch {
      // what was known of them stays; the header says how old the data is
    }
  }

  async #loadGrades(): Promise<void> {
    if (!this.known) return;
    try {
      this.grades = await loadGrades();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.live.unauthorized();
    }
  }

  #rows(feed: Feed['feed'] & ('operators' | 'makers' | 'districts'), show: (rows: unknown[]) => void): void {
    this.live.sub({ feed }, (channel) => show((channel.data[feed] as unknown[] | undefined) ?? []));
  }
}

function every(ms: number, run: () => Promise<void>): ReturnType<typeof setInterval> {
  void run();
  return setInterval(() => void run(), ms);
}
