// Watching one station and its neighbours while the page is open: tells when
// a pile becomes free, and on the way there when the last one is taken.
import { boxAround, splitBox, tileBox } from '../lib/geo.ts';
import type { Box, LonLat, Station, StationBrief } from '../lib/types.ts';
import { ViewFeed } from '../lib/viewfeed.ts';
import type { Driver, Shown } from './driver.svelte.ts';
import { newsOf, type News } from './news.ts';
import { fitOf } from './order.ts';

const REACH_M = 3_000; // neighbours are looked for this far around the target
const EACH_MS = 30_000;
const LEAST_MS = 3_000;

export class Watch {
  readonly id: string;
  target = $state.raw<Shown>();
  /** The nearest others with a free pile, at most three. */
  others = $state.raw<Shown[]>([]);
  news = $state.raw<{ what: News; at: number }>();
  #driver: Driver;
  #at: LonLat;
  #station: Station;
  #told: (news: News, watch: Watch) => void;
  #feed: ViewFeed<StationBrief>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAt = 0;
  #over = false;

  constructor(driver: Driver, station: Station, told: (news: News, watch: Watch) => void) {
    this.#driver = driver;
    this.#station = station;
    this.id = station.id;
    this.#at = [station.lon, station.lat];
    this.#told = told;
    this.#feed = new ViewFeed<StationBrief>(driver.live, (touched) => {
      if (!touched || touched.has(this.id) || this.others.some((o) => touched.has(o.station.id))) {
        this.#later(Math.max(0, this.#askedAt + LEAST_MS - Date.now()));
      }
    });
    const boxes: Box[] = splitBox(tileBox(boxAround(this.#at, 500)));
    const round = (v: number): number => Math.round(v * 1e6) / 1e6;
    this.#feed.show(boxes.slice(0, 4).map((box) => ({ feed: 'stations', bbox: box.map(round) as Box })));
    void this.#ask();
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#feed.stop();
  }

  async #ask(): Promise<void> {
    this.#askedAt = Date.now();
    try {
      // The driver's filters of piles hold here, too: a free pile that does not fit is none.
      const f = { ...this.#driver.filters, q: '', operator: '', maxYuan: 0, parking: false, free: false, saved: false };
      const { stations, fits } = await this.#driver.find(this.#at, f, [REACH_M]);
      if (this.#over) return;
      const shown = stations.map((s) => this.#driver.showing(s, fitOf(s, f, fits)));
      this.#see(shown.find((s) => s.station.id === this.id));
      this.others = shown.filter((s) => s.station.id !== this.id && isFree(s)).slice(0, 3);
    } catch {
      // the next try is on its way; the page says when the connection is lost
    }
    if (!this.#over) this.#later(EACH_MS);
  }

  #see(now: Shown | undefined): void {
    if (!now) return;
    const before = this.target ? countOf(this.target) : null;
    const far = this.#station.distanceM;
    this.target = { ...now, station: { ...now.station, ...(far === undefined ? {} : { distanceM: far }) } };
    const what = newsOf(before, countOf(now));
    if (!what) return;
    this.news = { what, at: Date.now() };
    this.#told(what, this);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), ms);
  }
}

const isFree = (s: Shown): boolean => s.shape === 'free' || s.shape === 'few';
const countOf = (s: Shown): number => (s.shape === 'old' ? 0 : s.fit.free);
