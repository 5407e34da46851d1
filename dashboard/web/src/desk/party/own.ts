// All of a party's own objects, page by page, and which of them are shown.
import type { Box, Station } from '../../lib/types.ts';
import { millis } from '../../lib/channel.ts';
import { OLD_MS } from '../../lib/states.ts';
import type { Desk } from '../desk.svelte.ts';

const EARTH: Box = [-180, -85, 180, 85];
const PAGE = 200; // the most that a request gives
const MOST_PAGES = 100;

/** Every station of an operator, also those that are not public; `told` hears how far it has got. */
export async function ownStations(desk: Desk, operator: string, signal: AbortSignal, told: (n: number) => void): Promise<Station[]> {
  const out: Station[] = [];
  let cursor: string | null = null;
  for (let i = 0; i < MOST_PAGES; i++) {
    const answer: { stations: Station[]; next: string | null } = await desk.ask('/stations', {
      bbox: EARTH, operator, access: 'all', limit: PAGE, cursor,
    }, signal);
    out.push(...answer.stations);
    told(out.length);
    cursor = answer.next;
    if (!cursor) break;
  }
  return out;
}

export const STATION_STATES = ['free', 'full', 'fault', 'offline', 'old'] as const;
export type StationState = (typeof STATION_STATES)[number];

export function fits(s: Station, state: StationState | null, words: string, now: number): boolean {
  const text = `${s.id} ${s.name} ${s.nameEn ?? ''}`.toLowerCase();
  if (words && !words.toLowerCase().split(/\s+/).every((w) => text.includes(w))) return false;
  switch (state) {
    case 'free': return s.piles.free > 0;
    case 'full': return s.piles.free === 0 && s.piles.inUse + s.piles.reserved > 0;
    case 'fault': return s.piles.fault > 0;
    case 'offline': return s.piles.offline > 0;
    case 'old': return !(now - millis(s.updatedAt) <= OLD_MS);
    default: return true;
  }
}

/** A vehicle as lists have it. */
export interface OwnVehicle {
  vin: string;
  class: string;
  online: boolean;
  speedKmh: number | null;
  socPct: number | null;
  state: number | null;
  charge: number | null;
  alarmLevel: number | null;
  updatedAt: string | null;
}

const MOST_QUESTIONS = 40;

/** The maker's vehicles that have a position: a box with too many is asked for in quarters. */
export async function ownVehicles(desk: Desk, city: Box, signal: AbortSignal): Promise<{ vehicles: OwnVehicle[]; whole: boolean }> {
  const found = new Map<string, OwnVehicle>();
  const boxes: Box[] = [EARTH];
  let whole = true;
  for (let asked = 0; boxes.length > 0; asked++) {
    const box = boxes.shift() as Box;
    const answer = await desk.ask<{ vehicles: OwnVehicle[]; truncated?: boolean }>('/vehicles', { bbox: box }, signal);
    for (const v of answer.vehicles) found.set(v.vin, v);
    if (!answer.truncated) continue;
    if (asked + 4 * (boxes.length + 1) > MOST_QUESTIONS) {
      whole = false;
      continue;
    }
    boxes.push(...quarters(box === EARTH ? city : box));
  }
  return { vehicles: [...found.values()].sort((a, b) => (a.vin < b.vin ? -1 : 1)), whole };
}

export function quarters([w, s, e, n]: Box): Box[] {
  const [x, y] = [(w + e) / 2, (s + n) / 2];
  return [[w, s, x, y], [x, s, e, y], [w, y, x, n], [x, y, e, n]];
}
