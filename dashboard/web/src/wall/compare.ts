// Now against the same time yesterday, from five-minute rows of the history.
import type { HistoryTable, Overview, PileCounts } from '../lib/types.ts';
import { SLOT_MS } from './curve.ts';

export const DAY_MS = 86_400_000;

type Row = HistoryTable['rows'][number];

/** The row of the five minutes that hold `at`, or the ones before; null where the history has a gap. */
export function rowAt(table: HistoryTable, at: number): Row | null {
  const ts = table.columns.indexOf('ts');
  let best: Row | null = null;
  let from = at - 2 * SLOT_MS;
  for (const row of table.rows) {
    const time = timeOf(row[ts]);
    if (time <= at && time > from) [best, from] = [row, time];
  }
  return best;
}

export function timeOf(cell: string | number | null | undefined): number {
  return typeof cell === 'number' ? cell : Date.parse(String(cell));
}

/** A number of a row by its column; null where it is not known. */
export function cell(table: HistoryTable, row: Row | null, column: string): number | null {
  const value = row?.[table.columns.indexOf(column)];
  return typeof value === 'number' ? value : null;
}

/** A row of totals as counts of piles; null if one is not known. */
export function pilesOf(table: HistoryTable, row: Row | null): PileCounts | null {
  const n = (column: string): number => cell(table, row, column) ?? NaN;
  const piles: PileCounts = {
    total: n('pilesTotal'), free: n('pilesFree'), inUse: n('pilesInUse'), charging: n('pilesCharging'),
    reserved: n('pilesReserved'), fault: n('pilesFault'), offline: n('pilesOffline'),
  };
  return Object.values(piles).every(Number.isFinite) ? piles : null;
}

/** The city's figures at a time of the history; null where it has a gap. */
export function overviewAt(table: HistoryTable, at: number, now: Overview): Overview | null {
  const row = rowAt(table, at);
  const piles = pilesOf(table, row);
  if (!row || !piles) return null;
  const n = (column: string): number => cell(table, row, column) ?? 0;
  return {
    ...now,
    piles,
    powerKw: n('powerKw'),
    vehicles: {
      total: n('vehiclesTotal'), online: n('vehiclesOnline'), driving: n('vehiclesDriving'),
      charging: n('vehiclesCharging'), alarm: n('vehiclesAlarm'),
    },
  };
}

/** Energy of the rows that end after `from` and not after `to`; null without any. */
export function energyBetween(table: HistoryTable, from: number, to: number): number | null {
  const ts = table.columns.indexOf('ts');
  const values = table.rows.flatMap((row) => {
    const at = timeOf(row[ts]);
    const kwh = cell(table, row, 'energyKwh');
    return at > from && at <= to && kwh !== null ? [kwh] : [];
  });
  return values.length ? values.reduce((a, b) => a + b, 0) : null;
}

/** The change against a value before, as "+2.6%"; null where there is nothing to compare with. */
export function change(now: number, before: number | null): string | null {
  if (before === null) return null;
  if (before === 0) return now === 0 ? '±0%' : null;
  const share = (100 * (now - before)) / before;
  if (Math.abs(share) < 0.05) return '±0%';
  const digits = Math.abs(share) < 99.95 ? 1 : 0;
  return `${share > 0 ? '+' : '−'}${Math.abs(share).toFixed(digits)}%`;
}
