// What the driver's page shows: the stations found, kept fresh by the live
// feed, and the station that is open.
import { get } from '../lib/api.ts';
import { millis } from '../lib/channel.ts';
import { boxAround, splitBox, tileBox } from '../lib/geo.ts';
import { Live, type Feed, type StationAnswer, type Status } from '../lib/live.ts';
import { shapeOf, type Shape } from '../lib/states.ts';
import type { Box, LonLat, OperatorRow, Station, StationBrief } from '../lib/types.ts';
import { ViewFeed, type Touched } from '../lib/viewfeed.ts';
import { countsSome, narrows, NO_FILTERS, stationParams, type Filters } from './filters.ts';
import { fitOf, fits, nextPriceChange, ordered, type Fit } from './order.ts';

const FOUND = 50; // stations asked for; the list shows ten at a time
const RADII = [5_000, 20_000, 50_000]; // metres, until something is found
const EACH_MS = 30_000; // between queries when nothing calls for one
const LEAST_MS = 5_000; // between queries that changes call for
const LIST_REACH_M = 3_000; // the live feed covers this much around the start, wherever the map is

/** A station as it is shown. */
export interface Shown {
  station: Station;
  fit: Fit;
  ageMs: number;
  shape: Shape;
}

export class Driver {
  readonly live: Live;
  readonly feed: ViewFeed<StationBrief>;
  filters = $state.raw<Filters>(NO_FILTERS);
  operators = $state.raw<OperatorRow[]>([]);
  status = $state.raw<Status>({ open: false, at: 0 });
  now = $state(Date.now());
  failed = $state(false);
  answered = $state(false);
  lostLong = $state(false); // for longer than a hiccup
  #found = $state.raw<Station[]>([]);
  #fits = $state.raw<ReadonlyMap<string, Fit>>(new Map());
  #beat = $state(0); // counts the live feed's changes
  #origin: LonLat | undefined;
  #view: Box | undefined;
  #asking = 0;
  #askedAt = 0;
  #next: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string) {
    this.live = new Live(url);
    this.feed = new ViewFeed<StationBrief>(this.live, (touched) => this.#changed(touched));
  }

  /** The stations found, in order, with the newest counts. */
  shown = $derived.by<Shown[]>(() => {
    void this.#beat;
    return ordered(this.#found, this.filters.sort).map((s) => this.#show(s));
  });

  /** What the map shows: what was found, and without filters whatever else is in view. */
  pins = $derived.by<Shown[]>(() => {
    if (narrows(this.filters)) return this.shown;
    const listed = new Set(this.#found.map((s) => s.id));
    const others = [...this.feed.items.values()].filter((s) => !listed.has(s.id) && Number.isFinite(s.lon));
    const blank = { access: 'public', match: 0, price: null, parking: null } as const;
    return [...this.shown, ...others.map((s) => this.#show({ ...blank, ...s }))];
  });

  #show(found: Station): Shown {
    const station = { ...found, ...this.feed.items.get(found.id) };
    const fit = fitOf(station, this.filters, this.#fits);
    const ageMs = this.now - millis(station.updatedAt);
    return { station, fit, ageMs, shape: shapeOf(ageMs, fit.free, fit.total, station.piles) };
  }

  operatorOf(slug: string): OperatorRow | undefined {
    return this.operators.find((o) => o.id === slug);
  }

  /** Starts clock and connection; returns their end. */
  start(): () => void {
    const unwatch = this.live.watch((status) => {
      const opened = status.open && !this.status.open;
      this.status = status;
      if (opened) this.ask();
    });
    let lostFor = 0;
    const tick = setInterval(() => {
      this.now = this.live.now();
      lostFor = this.status.open ? 0 : lostFor + 1;
      this.lostLong = lostFor >= 3;
    }, 1000);
    const wake = (): void => {
      if (document.visibilityState === 'visible') this.live.wake();
    };
    addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    this.live.connect();
    void this.#loadOperators();
    return () => {
      clearInterval(tick);
      clearTimeout(this.#next);
      removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
      unwatch();
      this.feed.stop();
      this.live.close();
    };
  }

  goTo(origin: LonLat): void {
    this.#origin = origin;
    this.answered = false;
    this.#subscribe();
    this.ask();
  }

  setFilters(filters: Filters): void {
    this.filters = filters;
    this.ask();
  }

  /** The map shows another part of the city. */
  setView(view: Box): void {
    this.#view = view;
    this.#subscribe();
  }

  /** Asks for the stations now, and again when it is time. */
  ask(): void {
    clearTimeout(this.#next);
    const origin = this.#origin;
    if (!origin) return;
    const number = ++this.#asking;
    this.#askedAt = Date.now();
    this.#find(origin, this.filters).then(
      ([found, counts]) => {
        if (number !== this.#asking) return;
        this.#found = found;
        this.#fits = counts;
        this.failed = false;
        this.answered = true;
        this.#later(Math.min(EACH_MS, nextPriceChange(found, this.live.now()) + 1500 - this.live.now()));
      },
      () => {
        if (number !== this.#asking) return;
        this.failed = true;
        this.#later(LEAST_MS);
      },
    );
  }

  async #find(origin: LonLat, f: Filters): Promise<[Station[], Map<string, Fit>]> {
    let found: Station[] = [];
    for (const radius of RADII) {
      found = (await this.#query(f, origin, radius, FOUND)).stations;
      if (found.length >= 3) break;
    }
    if (!countsSome(f) || found.length === 0) return [found, new Map()];
    const reach = Math.ceil(Math.max(...found.map((s) => s.distanceM ?? 0))) + 1;
    const other = (await this.#query({ ...f, free: !f.free }, origin, Math.min(50_000, reach), 200)).stations;
    return [found, f.free ? fits(found, other) : fits(other, found)];
  }

  /** Over the socket while it is open, else over HTTP. */
  async #query(f: Filters, near: LonLat, radiusM: number, limit: number): Promise<StationAnswer> {
    const params = stationParams(f, near, radiusM, limit);
    if (this.status.open) {
      try {
        return await this.live.query({ ...params, free: f.free, open: f.open });
      } catch {
        // the socket went away: HTTP may still answer
      }
    }
    const answer = await get<{ at: string; stations: Station[] }>('/stations', params);
    return { at: millis(answer.at), stations: answer.stations };
  }

  #subscribe(): void {
    const boxes: Box[] = [];
    if (this.#view) boxes.push(...splitBox(tileBox(this.#view)));
    if (this.#origin) boxes.push(...splitBox(tileBox(boxAround(this.#origin, LIST_REACH_M))));
    const round = (v: number): number => Math.round(v * 1e6) / 1e6;
    this.feed.show(boxes.slice(0, 8).map((box): Feed => ({ feed: 'stations', bbox: box.map(round) as Box })));
  }

  #changed(touched: Touched): void {
    this.#beat++;
    // The feed counts all piles; where some are picked, or the full ones left out, ask again.
    const picks = countsSome(this.filters) || this.filters.free;
    if (!picks || !touched || !this.#found.some((s) => touched.has(s.id))) return;
    this.#later(Math.max(0, this.#askedAt + LEAST_MS - Date.now()));
  }

  #later(ms: number): void {
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.ask(), ms);
  }

  async #loadOperators(): Promise<void> {
    try {
      this.operators = (await get<{ operators: OperatorRow[] }>('/operators')).operators;
    } catch {
      setTimeout(() => void this.#loadOperators(), LEAST_MS);
    }
  }
}
