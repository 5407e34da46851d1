// The wall as it was: one moment of the last days at a time, all figures and
// the heat of one answer each, shown together or not at all.
import { ApiError, get } from '../lib/api.ts';
import { midnight } from '../lib/format.ts';
import type { DistrictRow, HistoryTable, Layer, MakerRow, OperatorRow, Overview } from '../lib/types.ts';
import { DAY_MS, timeOf } from './compare.ts';
import { floorStep, isKept, nextKept, REACH, STEP_MS, type Reach, type Span } from './moments.ts';

const PLAY_MS = 500; // between two steps, or as long as a moment takes
const CALM_MS = 1000; // likewise, for who wants less to move
const SETTLE_MS = 4_000; // a moment needs to be written before it can be asked for
const DAYS_KEPT = 9;
export const FINEST = 8; // resolution of the heat that is kept

/** How everything was. */
export interface Then {
  at: number; // the moment, epoch milliseconds
  overview: Overview;
  operators: OperatorRow[];
  makers: MakerRow[];
  districts: DistrictRow[];
}

export interface ThenHeat {
  at: number;
  layer: Layer;
  res: number;
  values: ReadonlyMap<string, number>;
}

/** Why a moment cannot be shown. */
export type Lack = 'missing' | 'old' | 'away';

interface Shown {
  at: number;
  then: Then | undefined;
  lack: Lack | undefined;
}

export class Travel {
  /** The moment that is wanted; null: now. */
  at = $state<number | null>(null);
  open = $state(false); // the slider is there
  reach = $state<Reach>('day');
  playing = $state(false);
  /** What is known of the newest moment that was asked for; undefined while there is none. */
  shown = $state.raw<Shown>();
  heat = $state.raw<ThenHeat>();
  slow = $state(false); // a moment takes long
  spans = $state.raw<readonly Span[]>([]);
  days = $state.raw<{ midnight: number; table: HistoryTable | undefined }>();

  #now: () => number;
  #zone = 'UTC';
  #picture: { layer: Layer; res: number } | undefined;
  #loading = false;
  #again = false;
  #tables = new Map<number, HistoryTable>();
  #spansTimer = 0;
  #playTimer = 0;
  #reached = 0; // when the newest step was shown

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The zone whose days the moments are of. */
  set zone(zone: string) {
    if (zone === this.#zone) return;
    this.#zone = zone;
    if (this.past) void this.#load();
  }

  get past(): boolean {
    return this.at !== null;
  }

  get then(): Then | undefined {
    return this.past ? this.shown?.then : undefined;
  }

  /** The moment that what is shown is of, or that is waited for. */
  get moment(): number | null {
    return this.past ? (this.shown?.at ?? this.at) : null;
  }

  get lack(): Lack | undefined {
    return this.past ? this.shown?.lack : undefined;
  }

  /** The slider's end: one step beyond the newest moment, where it is now. */
  get end(): number {
    return floorStep(this.#now()) + STEP_MS;
  }

  /** Opens the slider. */
  show(): void {
    this.open = true;
    void this.#loadSpans();
  }

  /** Begins with the moment of the address, if it names one. */
  begin(at: number | null, zone: string): void {
    this.#zone = zone;
    if (at !== null) this.go(at);
  }

  /** Goes to a moment; what is not before now is now. */
  go(at: number): void {
    const moment = floorStep(at);
    if (moment >= this.end) {
      this.toLive(false);
      return;
    }
    if (!this.open) this.show();
    if (this.end - moment > REACH.day) this.reach = 'week';
    if (this.at === null) this.shown = undefined;
    this.at = moment;
    void this.#load();
  }

  /** Goes so many steps on, or back; the end is now. */
  step(by: number): void {
    const from = this.at ?? this.end;
    this.go(Math.max(from + by * STEP_MS, this.end - REACH.week + STEP_MS));
  }

  /** Back to how it is; the slider stays if it should. */
  toLive(close = true): void {
    this.pause();
    this.at = null;
    this.shown = undefined;
    this.heat = undefined;
    this.slow = false;
    if (close) {
      this.open = false;
      clearTimeout(this.#spansTimer);
    }
  }

  play(): void {
    if (this.at === null) this.go(this.end - (this.reach === 'day' ? REACH.day : REACH.week) + STEP_MS);
    this.playing = true;
    this.#reached = Date.now();
    this.#soon();
  }

  pause(): void {
    this.playing = false;
    clearTimeout(this.#playTimer);
  }

  /** Which heat belongs to a moment; a change is loaded for the moment that is shown. */
  see(layer: Layer, res: number): void {
    if (this.#picture?.layer === layer && this.#picture.res === res) return;
    this.#picture = { layer, res };
    if (this.past) void this.#load();
  }

  stop(): void {
    this.pause();
    clearTimeout(this.#spansTimer);
  }

  async #load(): Promise<void> {
    this.#again = true;
    if (this.#loading) return; // what comes last is what is loaded next
    this.#loading = true;
    const slow = setTimeout(() => (this.slow = true), 800);
    while (this.#again && this.at !== null) {
      this.#again = false;
      await this.#loadMoment(this.at);
    }
    clearTimeout(slow);
    this.slow = false;
    this.#loading = false;
    this.#soon();
  }

  async #loadMoment(at: number): Promise<void> {
    const picture = this.#picture;
    if (this.shown?.at === at && this.shown.lack === 'missing') return; // another layer of it is missing, too
    try {
      // Where a gap is known one question tells whether it still is one.
      if (this.spans.length && !isKept(this.spans, at)) await get('/overview', { at });
      const known = this.shown?.at === at ? this.shown.then : undefined;
      const [then, heat] = await Promise.all([known ?? loadThen(at), picture && loadHeat(at, picture), this.#loadDays(at)]);
      if (this.at === null) return;
      this.heat = heat;
      this.shown = { at, then, lack: undefined };
    } catch (error) {
      if (this.at === null) return;
      this.heat = undefined;
      this.shown = { at, then: undefined, lack: lackOf(error) };
    }
  }

  /** The history of a moment's day and the one before, as far as it can be had. */
  async #loadDays(at: number): Promise<void> {
    const begin = midnight(at, this.#zone);
    if (this.days?.midnight === begin && this.days.table && at <= this.#reachOf(this.days.table)) return;
    let table = this.#tables.get(begin);
    if (!table || at > this.#reachOf(table)) {
      table = await get<HistoryTable>('/history/city', {
        from: begin - DAY_MS, to: Math.min(begin + DAY_MS, this.end), every: '5m',
      }).catch(() => undefined);
      if (table) this.#tables.set(begin, table);
      if (this.#tables.size > DAYS_KEPT) this.#tables.delete(this.#tables.keys().next().value as number);
    }
    this.days = { midnight: begin, table };
  }

  #reachOf(table: HistoryTable): number {
    return timeOf(table.rows.at(-1)?.[table.columns.indexOf('ts')]) || 0;
  }

  async #loadSpans(): Promise<void> {
    clearTimeout(this.#spansTimer);
    try {
      const answer = await get<{ spans: [string, string][] }>('/moments');
      this.spans = answer.spans.map(([from, to]) => [Date.parse(from), Date.parse(to)] as const);
    } catch {
      // what was known of them stays; a moment itself says whether it is there
    }
    if (this.lack === 'missing' && this.at !== null && isKept(this.spans, this.at)) {
      this.shown = undefined; // it has come meanwhile
      void this.#load();
    }
    if (!this.open) return;
    const wait = STEP_MS - (this.#now() % STEP_MS) + SETTLE_MS;
    this.#spansTimer = window.setTimeout(() => void this.#loadSpans(), wait);
  }

  #soon(): void {
    clearTimeout(this.#playTimer);
    if (!this.playing || this.#loading) return;
    const pace = matchMedia('(prefers-reduced-motion: reduce)').matches ? CALM_MS : PLAY_MS;
    this.#playTimer = window.setTimeout(() => {
      this.#reached = Date.now();
      // A gap is shown once, and not for hours.
      if (this.lack === 'missing' && this.at !== null) this.go(nextKept(this.spans, this.at) ?? this.end);
      else this.step(1);
    }, Math.max(0, this.#reached + pace - Date.now()));
  }
}

async function loadThen(at: number): Promise<Then> {
  const [overview, { operators }, { makers }, { districts }] = await Promise.all([
    get<Overview>('/overview', { at }),
    get<{ operators: OperatorRow[] }>('/operators', { at }),
    get<{ makers: MakerRow[] }>('/makers', { at }),
    get<{ districts: DistrictRow[] }>('/districts', { at }),
  ]);
  return { at, overview, operators, makers, districts };
}

async function loadHeat(at: number, { layer, res }: { layer: Layer; res: number }): Promise<ThenHeat> {
  const answer = await get<{ cells: [string, number][] }>('/heatmap', { at, layer, res: Math.min(res, FINEST) });
  return { at, layer, res, values: new Map(answer.cells) };
}

function lackOf(error: unknown): Lack {
  const code = error instanceof ApiError ? error.code : '';
  if (code === 'moment-missing') return 'missing';
  return code === 'moment-too-old' ? 'old' : 'away';
}

/** A history as far as it went at a moment. */
export function until(table: HistoryTable | undefined, at: number): HistoryTable | undefined {
  if (!table) return undefined;
  const ts = table.columns.indexOf('ts');
  return { ...table, rows: table.rows.filter((row) => timeOf(row[ts]) <= at) };
}
