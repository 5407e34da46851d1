// Which stations a driver sees, in which order, with which counts.
import type { Station } from '../lib/types.ts';
import type { Filters } from './filters.ts';
import { countsSome } from './filters.ts';

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

/** Nearest first as answered, or cheapest first with unknown prices last. */
export function ordered(stations: readonly Station[], sort: Filters['sort']): Station[] {
  if (sort === 'near') return [...stations];
  const price = (s: Station): number => s.price?.nowYuanPerKwh ?? Infinity;
  const far = (s: Station): number => s.distanceM ?? Infinity;
  return stations.toSorted((a, b) => (price(a) === price(b) ? far(a) - far(b) : price(a) - price(b)));
}

/** When the next of these prices changes, as epoch milliseconds; Infinity if none does. */
export function nextPriceChange(stations: readonly Station[], now: number): number {
  const times = stations.map((s) => Date.parse(s.price?.until ?? '')).filter((at) => at > now);
  return Math.min(Infinity, ...times);
}
