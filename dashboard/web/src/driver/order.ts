// Which stations a driver sees, in which order, with which counts.
import type { Shape } from '../lib/states.ts';
import type { Pile, Station } from '../lib/types.ts';
import { countsSome, type Filters, type Sort } from './filters.ts';
import type { Cost } from './stop.ts';

/** Free and all piles of a station that fit the filters. */
export interface Fit {
  free: number;
  total: number;
}

/**
 * The counts of the stations found, where filters pick single piles. `free`
 * answers the query for free piles only, `any` the one for piles in any state.
 */
export function fits(free: readonly Station[], any: readonly Station[]): Map<string, Fit> {
  const out = new Map<string, Fit>();
  for (const s of any) out.set(s.id, { free: 0, total: s.match });
  for (const s of free) out.set(s.id, { free: s.match, total: Math.max(s.match, out.get(s.id)?.total ?? 0) });
  return out;
}

/** The counts to show for a station. */
export function fitOf(s: Station, f: Filters, found: ReadonlyMap<string, Fit>): Fit {
  if (!countsSome(f)) return { free: s.piles.free, total: s.piles.total };
  return found.get(s.id) ?? { free: 0, total: s.match };
}

/** The counts of a station whose piles are known one by one. */
export function fitOfPiles(piles: readonly Pile[], f: Filters): Fit {
  const fit = piles.filter((p) => (f.kind === '' || p.kind === f.kind) && p.ratedKw >= f.minKw);
  return { free: fit.filter((p) => p.state === 'free').length, total: fit.length };
}

const ROAD = 1.35; // a way by road over the straight line, in a city
const CITY_KMH = 22;
const TURN_IN_MIN = 2;

/** About how many minutes it takes to get there; rough, and said so. */
export function driveMin(distanceM: number): number {
  return TURN_IN_MIN + ((distanceM * ROAD) / 1000 / CITY_KMH) * 60;
}

/** What an order needs to know of a station. */
export interface Placed {
  station: Pick<Station, 'distanceM'>;
  shape: Shape;
  cost: Cost | null;
}

const WAIT: Record<Shape, number> = { free: 0, few: 0, full: 1, old: 2, fault: 3 };

/** Nearest first; soonest plugged in; or cheapest stop, what is not wholly known last. */
export function ordered<T extends Placed>(stations: readonly T[], sort: Sort): T[] {
  if (sort === 'near') return [...stations];
  const far = (s: T): number => s.station.distanceM ?? Infinity;
  const keys = sort === 'plug' ? [(s: T) => WAIT[s.shape], far] : [costRank, costYuan, far];
  return stations.toSorted((a, b) => {
    for (const key of keys) {
      const [x, y] = [key(a), key(b)];
      if (x !== y) return x - y;
    }
    return 0;
  });
}

const costRank = ({ cost }: Placed): number => (cost?.total ? 0 : cost?.energyYuan != null ? 1 : 2);
const costYuan = ({ cost }: Placed): number => Math.round((cost?.total?.high ?? cost?.energyYuan ?? 0) * 100);

/** When the next of these prices changes, as epoch milliseconds; Infinity if none does. */
export function nextPriceChange(stations: readonly Station[], now: number): number {
  const times = stations.map((s) => Date.parse(s.price?.until ?? '')).filter((at) => at > now);
  return Math.min(Infinity, ...times);
}
