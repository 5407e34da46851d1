// The last known state, kept on the device: painted at once when the page
// opens, and all there is on a bad network. Always shown with its time.
import type { City } from '../lib/config.ts';
import { keep, recall } from '../lib/i18n.ts';
import type { LonLat, OperatorRow, Station } from '../lib/types.ts';

export interface Snapshot {
  version: 1;
  at: number; // epoch milliseconds by the platform's clock
  origin: LonLat;
  city: City;
  operators: OperatorRow[];
  stations: Station[];
}

const MOST = 30; // stations; about 20 kB
const OLDEST_MS = 48 * 3_600_000; // older counts help nobody

export function keepSnapshot(s: Omit<Snapshot, 'version'>): void {
  keep('last', JSON.stringify({ version: 1, ...s, stations: s.stations.slice(0, MOST) } satisfies Snapshot));
}

export function lastSnapshot(now: number): Snapshot | null {
  return readSnapshot(recall('last'), now);
}

/** What was kept; null if it cannot be read or is too old to help. */
export function readSnapshot(text: string | null, now: number): Snapshot | null {
  try {
    const s = JSON.parse(text ?? 'null') as Snapshot | null;
    if (s?.version !== 1 || !Array.isArray(s.stations) || !s.city?.zone || !Array.isArray(s.origin)) return null;
    return now - s.at <= OLDEST_MS ? s : null;
  } catch {
    return null;
  }
}
