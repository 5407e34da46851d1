// The way of a vehicle, from the rows of its history.
import { distanceM } from '../../lib/geo.ts';
import type { Box, HistoryTable, LonLat } from '../../lib/types.ts';
import { gapOf, nearest, trace } from './series.ts';

export interface Track {
  parts: LonLat[][]; // unbroken pieces
  times: number[]; // of the positions, in order
  places: LonLat[];
  km: number; // along the pieces
}

/** Positions that repeat the one before are one point; a long silence breaks the line. */
export function trackOf(table: HistoryTable, everyMs: number): Track {
  const lon = trace(table, 'lon');
  const lat = trace(table, 'lat').values;
  const out: Track = { parts: [], times: [], places: [], km: 0 };
  const gap = gapOf(everyMs);
  let last: LonLat | undefined;
  let before = -Infinity;
  lon.times.forEach((at, i) => {
    const [x, y] = [lon.values[i], lat[i]];
    if (typeof x !== 'number' || typeof y !== 'number') return;
    const place: LonLat = [x, y];
    if (at - before > gap || !last) out.parts.push([place]);
    else if (last[0] !== x || last[1] !== y) {
      out.parts[out.parts.length - 1]!.push(place);
      out.km += distanceM(last, place) / 1000;
    }
    out.times.push(at);
    out.places.push(place);
    [last, before] = [place, at];
  });
  return out;
}

/** Where the vehicle was at a moment: the position nearest in time, no further than a silence away. */
export function placeAt(track: Track, at: number | null, everyMs: number): LonLat | null {
  if (at === null) return null;
  const i = nearest(track.times, at);
  const time = track.times[i];
  return time !== undefined && Math.abs(time - at) <= gapOf(everyMs) ? (track.places[i] ?? null) : null;
}

const LEAST = 0.02; // degrees; a place is shown with its surroundings

/** A box that holds all places; null of none. */
export function boxOf(places: readonly LonLat[]): Box | null {
  if (places.length === 0) return null;
  let [w, s, e, n] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of places) [w, s, e, n] = [Math.min(w, x), Math.min(s, y), Math.max(e, x), Math.max(n, y)];
  const [dx, dy] = [Math.max(0, LEAST - (e - w) / 2), Math.max(0, LEAST - (n - s) / 2)];
  return [w - dx, s - dy, e + dx, n + dy];
}
