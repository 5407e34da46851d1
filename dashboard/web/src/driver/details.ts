// Sentences about an open station: parking, and its piles by kind and power.
import { kilowatts } from '../lib/format.ts';
import type { Parking, Pile } from '../lib/types.ts';
import { freeTime, hourly } from './describe.ts';
import type { MoreKey, SayMore } from './moretexts.ts';
import type { Say } from './texts.ts';

const PARKING: Record<number, MoreKey> = {
  0: 'parkingFree', 1: 'parkingPaid', 2: 'parkingLimited', 3: 'parkingReduced',
};

/** What is known of parking; what is not known is to be asked on site, never free. */
export function parkingText(p: Parking | null, m: SayMore, t: Say): string {
  const word = p ? PARKING[p.type] : undefined;
  if (!p || !word) return p?.text || m('parkingAsk');
  if (p.text?.includes(m(word))) return p.text;
  const said = p.text ? [p.text] : figures(p, m, t);
  return [m(word), ...said].join(' · ');
}

function figures(p: Parking, m: SayMore, t: Say): string[] {
  const out: string[] = [];
  if ((p.freeMinutes ?? 0) > 0) out.push(freeTime(p, t));
  if (p.type !== 0 && (p.yuanPerHour ?? 0) > 0) out.push(m('perHour', { n: hourly(p) }));
  return out;
}

/** A pile's state as drivers tell them apart: occupied is not charging. */
export function pileWord(p: Pile): MoreKey {
  if (p.state === 'inUse') return p.status === 3 ? 'pile_charging' : 'pile_occupied';
  return `pile_${p.state}`;
}

export interface PileGroup {
  key: string;
  title: string;
  piles: Pile[];
}

/** Piles by kind and rated power, the strongest first. */
export function groupsOf(piles: readonly Pile[], m: SayMore): PileGroup[] {
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
      title: m('group', {
        kind: m(first.kind),
        kw: kilowatts(first.ratedKw),
        a: list.filter((p) => p.state === 'free').length,
        b: list.length,
      }),
    }));
}
