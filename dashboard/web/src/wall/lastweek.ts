// An operator's score a week ago, from the five-minute rows of its quality by
// the formula that the platform gives for today.
import { get } from '../lib/api.ts';
import type { HistoryTable } from '../lib/types.ts';
import { DAY_MS } from './compare.ts';
import type { Component, Graded } from './grades.ts';

/** The score of the same 24 hours a week ago; null without enough of a history. */
export async function scoreLastWeek(party: Graded, now: number): Promise<number | null> {
  try {
    const to = now - 7 * DAY_MS;
    const table = await get<HistoryTable>(`/history/quality/${party.id}`, { from: to - DAY_MS, to, every: '1h' });
    return scoreOf(party.grade.components, table);
  } catch {
    return null;
  }
}

const LEAST_ROWS = 12; // hours of the day that must be there

export function scoreOf(components: readonly Component[], table: HistoryTable): number | null {
  if (table.rows.length < LEAST_ROWS) return null;
  const sum = (name: string): number => {
    const i = table.columns.indexOf(name);
    return table.rows.reduce((all, row) => all + (typeof row[i] === 'number' ? row[i] : 0), 0);
  };
  const share = (part: number, whole: number): number | null => (whole > 0 ? (100 * part) / whole : null);
  const received = sum('received');
  const values: Record<string, number | null> = {
    missing: share(Math.max(0, sum('missing') - sum('history')), sum('expected')),
    timeliness: share(received - sum('rejected') - sum('late'), received - sum('rejected')),
    accuracy: share(sum('kept') - sum('flagged'), sum('kept')),
    rejected: share(sum('rejected'), received),
    online: share(sum('online'), sum('objects')),
  };
  let [points, weights] = [0, 0];
  for (const c of components) {
    const value = values[c.id];
    if (c.weight === 0 || value === undefined || value === null) {
      if (c.needed) return null;
      continue;
    }
    const place = (value - c.nonePct) / (c.fullPct - c.nonePct);
    points += c.weight * 100 * Math.min(1, Math.max(0, place));
    weights += c.weight;
  }
  return weights > 0 ? points / weights : null;
}
