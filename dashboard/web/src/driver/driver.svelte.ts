// What the driver's page shows: the stations found, kept fresh by the live
// feed, and the station that is open.
import { ApiError, get } from '../lib/api.ts';
import { millis } from '../lib/channel.ts';
import type { City } from '../lib/config.ts';
import { boxAround, distanceM, splitBox, tileBox } from '../lib/geo.ts';
import { keep, recall } from '../lib/i18n.ts';
import { Live, type Feed, type StationAnswer, type Status } from '../lib/live.ts';
import { shapeOf, type Shape } from '../lib/states.ts';
import type { Box, LonLat, OperatorRow, Station, StationBrief, StationDetail } from '../lib/types.ts';
import { ViewFeed, type Touched } from '../lib/viewfeed.ts';
import { countsSome, narrows, NO_FILTERS, stationParams, type Filters } from './filters.ts';
import { driveMin, fitOf, fits, nextPriceChange, ordered, type Fit } from './order.ts';
import { favourites, seen, toggleFavourite } from './saved.ts';
import { keepSnapshot, type Snapshot } from './snapshot.ts';
import { briefSteps, costOf, stopOf, type Cost, type Stop } from './stop.ts';

const FOUND = 50; // stations asked for; the list shows ten at a time
const RADII = [5_000, 20_000, 50_000]; // metres, until something is found
const EACH_MS = 30_000; // between queries when nothing calls for one
const ALONE_MS = 10_000; // between queries while the socket is away
const LEAST_MS = 5_000; // between queries that changes call for
const KEEP_MS = 15_000; // between states kept for a bad network
const COARSE_MS = 10_000; // between looks at the ages of what is on the map only
const LIST_REACH_M = 3_000; // the live feed covers this much around the start, wherever the map is

/** A station as it is shown. */
export interface Shown {
  station: Station;
  fit: Fit;
  ageMs: number;
  shape: Shape;
  cost: Cost | null; // null: nothing was asked about its price
  driveMin: number | null;
}

/** Stations as answered, with the counts of the piles that fit. */
export interface Found {
  stations: Station[];
  fits: ReadonlyMap<string, Fit>;
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
  restored = $state(0); // epoch milliseconds of the last known state, while nothing newer came
  lostLong = $state(false); // for longer than a hiccup
  heardAt = $state(0); // epoch milliseconds by the platform's clock of the newest data
  stop = $state.raw<Stop>(stopOf(recall('stop')));
  favourites = $state.raw<readonly string[]>(favourites());
  city: City | undefined;
  #found = $state.raw<Station[]>([]);
  #fits = $state.raw<ReadonlyMap<string, Fit>>(new Map());
  #beat = $state(0); // counts the live feed's changes
  #origin: LonLat | undefined;
  #view: Box | undefined;
  #asking = 0;
  #askedAt = 0;
  #keptAt = 0;
  #next: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string) {
    this.live = new Live(url);
    this.feed = new ViewFeed<StationBrief>(this.live, (touched) => this.#changed(touched));
  }

  /** The stations found, in order, with the newest counts. */
  shown = $derived.by<Shown[]>(() => {
    void this.#beat;
    return ordered(this.#found.map((s) => this.#show(s, this.now)), this.filters.sort);
  });

  #coarse = $derived(Math.floor(this.now / COARSE_MS) * COARSE_MS);

  /** What the map shows: what was found, and without filters whatever else is in view. */
  pins = $derived.by<Pick<Shown, 'station' | 'fit' | 'shape'>[]>(() => {
    void this.#beat;
    const found = ordered(this.#found.map((s) => this.#show(s, this.#coarse)), this.filters.sort);
    if (narrows(this.filters)) return found;
    const listed = new Set(this.#found.map((s) => s.id));
    const others = [...this.feed.items.values()].filter((s) => !listed.has(s.id) && Number.isFinite(s.lon) && s.piles.total > 0);
    return [...found, ...others.map((s) => this.#place(s))];
  });

  #show(found: Station, now: number): Shown {
    const station = { ...found, ...this.feed.items.get(found.id) };
    return this.showing(station, fitOf(station, this.filters, this.#fits), now);
  }

  /** A station as it is shown, with what a stop there costs. */
  showing(station: Station, fit: Fit, now = this.now): Shown {
    const ageMs = now - millis(station.updatedAt);
    const { price, distanceM: far, piles } = station;
    const steps = price && briefSteps(price);
    return {
      station, fit, ageMs, shape: shapeOf(ageMs, fit.free, fit.total, station.piles),
      cost: piles.total === 0 ? null : costOf(station, steps, now - (now % 60_000), this.stop, this.filters.kind),
      driveMin: far === null || far === undefined ? null : driveMin(far),
    };
  }

  /** What only stands on the map: what is known of it says less. */
  #place(brief: StationBrief): Pick<Shown, 'station' | 'fit' | 'shape'> {
    const { free, total } = brief.piles;
    const station = { access: 'public', match: 0, price: null, parking: null, ...brief } as const;
    const ageMs = this.#coarse - millis(brief.updatedAt);
    return { station, fit: { free, total }, shape: shapeOf(ageMs, free, total, brief.piles) };
  }

  operatorOf(slug: string): OperatorRow | undefined {
    return this.operators.find((o) => o.id === slug);
  }

  /** Starts clock and connection; returns their end. */
  start(): () => void {
    const unwatch = this.live.watch((status) => {
      const opened = status.open && !this.status.open;
      this.status = status;
      this.heardAt = Math.max(this.heardAt, status.at);
      if (opened) this.ask();
    });
    let lostFor = this.restored ? 2 : 0;
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

  wish(stop: Stop): void {
    this.stop = stop;
    keep('stop', JSON.stringify(stop));
  }

  favour(id: string): void {
    this.favourites = toggleFavourite(id);
    if (this.filters.saved) this.ask();
  }

  /** Shows the last known state until something newer comes. */
  restore(last: Snapshot): void {
    if (this.answered) return;
    this.restored = this.heardAt = last.at;
    this.#found = last.stations;
    if (this.operators.length === 0) this.operators = last.operators;
  }

  /** Asks for the stations now, and again when it is time. */
  ask(): void {
    clearTimeout(this.#next);
    const origin = this.#origin;
    if (!origin) return;
    const number = ++this.#asking;
    this.#askedAt = Date.now();
    const asked = this.filters.saved ? this.#saved(origin) : this.find(origin, this.filters);
    asked.then(
      (found) => {
        if (number !== this.#asking) return;
        this.#found = found.stations;
        this.#fits = found.fits;
        this.failed = false;
        this.answered = true;
        this.restored = 0;
        this.#keep(origin);
        const now = this.live.now();
        const price = nextPriceChange(found.stations, now) + 1500 - now;
        this.#later(Math.min(this.status.open ? EACH_MS : ALONE_MS, price));
      },
      () => {
        if (number !== this.#asking) return;
        this.failed = true;
        this.#later(LEAST_MS);
      },
    );
  }

  /** The stations around a point that have piles, farther out until there are some. */
  async find(origin: LonLat, f: Filters, radii: readonly number[] = RADII): Promise<Found> {
    let stations: Station[] = [];
    for (const radius of radii) {
      stations = (await this.#query(f, origin, radius, FOUND)).stations.filter((s) => s.piles.total > 0);
      if (stations.length >= 3) break;
    }
    if (!countsSome(f) || stations.length === 0) return { stations, fits: new Map() };
    const reach = Math.ceil(Math.max(...stations.map((s) => s.distanceM ?? 0))) + 1;
    const other = (await this.#query({ ...f, free: !f.free }, origin, Math.min(50_000, reach), 200)).stations;
    return { stations, fits: f.free ? fits(stations, other) : fits(other, stations) };
  }

  /** Favourites, nearest first, then stations seen. */
  async #saved(origin: LonLat): Promise<Found> {
    const marked = favourites();
    const wanted = [...marked, ...seen().filter((id) => !marked.includes(id))];
    const answers = await Promise.all(wanted.map((id) => this.#one(id)));
    const stations = answers.flatMap((s) => (s ? [{ ...s, distanceM: distanceM(origin, [s.lon, s.lat]) }] : []));
    const rank = (s: Station): number => (marked.includes(s.id) ? 0 : 1);
    stations.sort((a, b) => rank(a) - rank(b) || a.distanceM - b.distanceM);
    return { stations, fits: new Map() };
  }

  async #one(id: string): Promise<Station | null> {
    try {
      return (await get<{ station: StationDetail }>(`/stations/${encodeURIComponent(id)}`)).station;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null; // it is gone
      throw error;
    }
  }

  #keep(origin: LonLat): void {
    if (!this.city || narrows(this.filters) || Date.now() - this.#keptAt < KEEP_MS) return;
    this.#keptAt = Date.now();
    const stations = this.#found.map((s) => ({ ...s, ...this.feed.items.get(s.id) }));
    keepSnapshot({ at: this.heardAt || this.live.now(), origin, city: this.city, operators: this.operators, stations });
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
    this.heardAt = Math.max(this.heardAt, millis(answer.at));
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
