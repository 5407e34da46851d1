// Sentences about a station: parking, and its piles by kind and power.
import { kilowatts, yuan } from '../lib/format.ts';
import type { Parking, Pile } from '../lib/types.ts';
import type { Cost, Range } from './stop.ts';
import type { Say, TextKey } from './texts.ts';

const PARKING: Record<number, TextKey> = {
  0: 'parkingFree', 1: 'parkingPaid', 2: 'parkingLimited', 3: 'parkingReduced',
};

/** What is known of parking; what is not known is to be asked on site, never free. */
export function parkingText(p: Parking | null, t: Say): string {
  const word = p ? PARKING[p.type] : undefined;
  if (!p || !word) return p?.text || t('parkingAsk');
  if (p.text?.includes(t(word))) return p.text;
  const said = p.text ? [p.text] : figures(p, t);
  return [t(word), ...said].join(' · ');
}

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
function hourly(p: Parking): string {
  return yuan(p.yuanPerHour ?? 0).slice(1).replace('.00', '');
}

function freeTime(p: Parking, t: Say): string {
  const minutes = p.freeMinutes ?? 0;
  return minutes % 60 ? t('freeMinutes', { n: minutes }) : t('freeHours', { n: minutes / 60 });
}

function figures(p: Parking, t: Say): string[] {
  const out: string[] = [];
  if ((p.freeMinutes ?? 0) > 0) out.push(freeTime(p, t));
  if (p.type !== 0 && (p.yuanPerHour ?? 0) > 0) out.push(t('perHour', { n: hourly(p) }));
  return out;
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
  const kwh = energy(c.kwh);
  const time = duration(c.chargeMin, t);
  if (c.total) return `${t('rowCost', { kwh, yuan: yuanRange(c.total, t) })} · ${time}`;
  if (c.energyYuan === null) return `${t('rowCostUnknown', { kwh })} · ${time}`;
  return `${t('rowCostParking', { kwh, yuan: yuan(c.energyYuan) })} · ${time}`;
}

/** A pile's state as drivers tell them apart: occupied is not charging. */
export function pileWord(p: Pile): TextKey {
  if (p.state === 'inUse') return p.status === 3 ? 'pile_charging' : 'pile_occupied';
  return `pile_${p.state}`;
}

export interface PileGroup {
  key: string;
  title: string;
  piles: Pile[];
}

/** Piles by kind and rated power, the strongest first. */
export function groupsOf(piles: readonly Pile[], t: Say): PileGroup[] {
  const groups = new Map<string, Pile[]>(); // Map.groupBy is too new for many phones
  for (const p of piles) {
    const key = `${p.kind} ${p.ratedKw}`;
    groups.set(key, [...(groups.get(key) ?? []), p]);
  }
  return [...groups]
    .map(([key, list]) => ({ key, list, first: list[0] as Pile }))
    .sort((a, b) => b.first.ratedKw - a.first.ratedKw || (a.key < b.key ? -1 : 1))
    .map(({ key, list, first }) => ({
      key,
      piles: list,
      title: t('group', {
        kind: t(first.kind),
        kw: kilowatts(first.ratedKw),
        a: list.filter((p) => p.state === 'free').length,
        b: list.length,
      }),
    }));
}
