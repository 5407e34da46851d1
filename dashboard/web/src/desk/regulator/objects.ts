// Addresses of the pages of objects, and what is asked for about them.
import type { Desk } from '../desk.svelte.ts';
import { hrefOf, pathOf } from '../route.ts';
import type { Alarm } from './alarmlist.ts';

export const pileHref = (id: string): string => hrefOf(pathOf('piles', id));
export const stationHref = (id: string): string => hrefOf(pathOf('stations', id));
export const vehicleHref = (vin: string): string => hrefOf(pathOf('vehicles', vin));
export const alarmHref = (id: string): string => hrefOf('/alarms', { id, state: 'all' });
export const definitionHref = (id: string): string => hrefOf('/definitions', { at: id });

/** The page of what an alarm is about; null where there is none. */
export function objectHref(a: Pick<Alarm, 'kind' | 'object'>): string | null {
  if (!a.object) return null;
  if (a.kind === 'pile') return pileHref(a.object);
  if (a.kind === 'station') return stationHref(a.object);
  if (a.kind === 'vehicle') return vehicleHref(a.object);
  return a.kind === 'party' ? hrefOf('/parties', { party: a.object }) : null;
}

/** The slug of a global id. */
export const partyOf = (id: string): string => id.slice(0, id.indexOf(':'));

/** Open alarms of one party's object, or of a station and its piles. */
export async function alarmsOf(desk: Desk, party: string, object: string, signal: AbortSignal): Promise<Alarm[]> {
  const answer = await desk.ask<{ alarms: Alarm[] }>('/alarms', { party, limit: 1000 }, signal);
  return answer.alarms.filter((a) => a.object === object || a.station === object);
}
