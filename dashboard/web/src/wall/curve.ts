// The day's power: five-minute rows of the history, and what was seen live.
import type { HistoryTable, TariffBand } from '../lib/types.ts';

export const SLOT_MS = 5 * 60_000;
export const SLOTS = 24 * 12 + 1; // both midnights

/** A day's values at each five minutes; null where nothing is known. */
export type Day = (number | null)[];

export function emptyDay(): Day {
  return new Array<number | null>(SLOTS).fill(null);
}

const FINE_MS = 10_000; // between two points of what was seen live
const FINE_MOST = 720; // two hours of them

/** Keeps what was seen since the page opened: a value each ten seconds, two hours of them. */
export class LiveCurve {
  #points = new Map<number, number>();

  add(at: number, value: number): void {
    if (!Number.isFinite(at) || !Number.isFinite(value)) return;
    this.#points.set(Math.floor(at / FINE_MS), value);
    for (const slot of this.#points.keys()) {
      if (this.#points.size <= FINE_MOST) break;
      this.#points.delete(slot);
    }
  }

  /** What was seen after `from`, oldest first, as [epoch milliseconds, value]. */
  since(from: number): [at: number, value: number][] {
    return [...this.#points].map(([slot, v]): [number, number] => [slot * FINE_MS, v]).filter(([at]) => at > from);
  }
}

/** The last time of a day with a value, from its `midnight`; 0 without any. */
export function lastOf(day: Day, midnight: number): number {
  const last = day.findLastIndex((v) => v !== null);
  return last < 0 ? 0 : midnight + last * SLOT_MS;
}

/** A column of a history answer as the day that begins at `midnight`. */
export function dayOf(table: HistoryTable, column: string, midnight: number): Day {
  const day = emptyDay();
  const [ts, value] = [table.columns.indexOf('ts'), table.columns.indexOf(column)];
  if (ts < 0 || value < 0) return day;
  for (const row of table.rows) {
    const at = row[ts];
    const slot = (typeof at === 'number' ? at : Date.parse(String(at))) - midnight;
    const v = row[value];
    if (slot >= 0 && slot < SLOTS * SLOT_MS && typeof v === 'number') day[Math.round(slot / SLOT_MS)] = v;
  }
  return day;
}

export interface DayEnergy {
  kwh: number;
  from: number; // start of the first five minutes counted
}

/** Energy since midnight: the sum of the rows that end after it; null without any. */
export function energyOf(table: HistoryTable, midnight: number): DayEnergy | null {
  const [ts, value] = [table.columns.indexOf('ts'), table.columns.indexOf('energyKwh')];
  if (ts < 0 || value < 0) return null;
  const sum: DayEnergy = { kwh: 0, from: Infinity };
  for (const row of table.rows) {
    const at = typeof row[ts] === 'number' ? row[ts] : Date.parse(String(row[ts]));
    const v = row[value];
    if (at <= midnight || typeof v !== 'number') continue;
    sum.kwh += v;
    sum.from = Math.min(sum.from, at - SLOT_MS);
  }
  return sum.from === Infinity ? null : sum;
}

export type BandKind = 'peak' | 'flat' | 'valley';

export interface DayBand {
  from: number; // hours since midnight
  to: number;
  kind: BandKind;
}

/** The bands of a day as hours, cut at midnight: dearest is peak, cheapest valley, the rest flat. */
export function dayBands(bands: readonly TariffBand[]): DayBand[] {
  const price = (b: TariffBand): number => b.energyYuanPerKwh + b.serviceYuanPerKwh;
  const prices = bands.map(price);
  const [dear, cheap] = [Math.max(...prices), Math.min(...prices)];
  if (dear === cheap) return [];
  return bands
    .flatMap((b) => {
      const kind: BandKind = price(b) === dear ? 'peak' : price(b) === cheap ? 'valley' : 'flat';
      const [from, to] = [hours(b.from), hours(b.to)];
      if (to > from) return [{ from, to, kind }];
      return [{ from, to: 24, kind }, { from: 0, to, kind }].filter((p) => p.to > p.from);
    })
    .sort((a, b) => a.from - b.from);
}

function hours(text: string): number {
  const [h = 0, m = 0] = text.split(':').map(Number);
  return h + m / 60;
}
