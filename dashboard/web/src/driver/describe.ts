// Phrases of a row: parking, amounts, and the whole stop.
import { yuan } from '../lib/format.ts';
import type { Parking } from '../lib/types.ts';
import type { Cost, Range } from './stop.ts';
import type { Say, TextKey } from './texts.ts';

/** Parking in one short phrase, for a row of the list; the operator's own words stand in the detail. */
export function parkingPhrase(p: Parking | null, t: Say): string {
  if (p?.type === 1 && (p.yuanPerHour ?? 0) > 0) return t('rowParkingPerHour', { n: hourly(p) });
  if (p?.type === 2 && (p.freeMinutes ?? 0) > 0) return t('rowParking', { what: freeTime(p, t) });
  return t(PHRASE[p?.type ?? 255] ?? 'rowParkingAsk');
}

const PHRASE: Record<number, TextKey> = {
  0: 'rowParkingFree', 1: 'rowParkingPaid', 2: 'rowParkingLimited', 3: 'rowParkingReduced',
};

/** Yuan an hour without needless digits. */
export function hourly(p: Parking): string {
  return yuan(p.yuanPerHour ?? 0).slice(1).replace('.00', '');
}

export function freeTime(p: Parking, t: Say): string {
  const minutes = p.freeMinutes ?? 0;
  return minutes % 60 ? t('freeMinutes', { n: minutes }) : t('freeHours', { n: minutes / 60 });
}

/** Minutes rounded up: "35 min", from two hours on "2 h 5 min". */
export function duration(minutes: number, t: Say): string {
  const all = Math.ceil(minutes - 1e-6);
  if (all < 120) return t('minutes', { n: all });
  return t('hoursMinutes', { h: Math.floor(all / 60), n: all % 60 });
}

/** An amount of energy without needless digits. */
export function energy(kwh: number): string {
  return `${Number(kwh.toFixed(kwh < 10 ? 1 : 0))}\u00a0kWh`;
}

/** An amount, or the least and most it may be. */
export function yuanRange({ low, high }: Range, t: Say): string {
  const [a, b] = [yuan(low), yuan(high)];
  return a === b ? a : t('yuanRange', { a, b: b.slice(1) });
}

/** A whole stop in one phrase; what is not known is said to be unknown, never ¥0. */
export function costPhrase(c: Cost, t: Say): string {
  const values = { kwh: energy(c.kwh), time: duration(c.chargeMin, t) };
  if (c.total) return t('rowCost', { ...values, yuan: yuanRange(c.total, t) });
  if (c.energyYuan === null) return t('rowCostUnknown', values);
  return t('rowCostParking', { ...values, yuan: yuan(c.energyYuan) });
}
