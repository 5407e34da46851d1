// Asks the platform for everything that a text may be.
import { ApiError } from '../../lib/api.ts';
import { nameOf, type Lang } from '../../lib/i18n.ts';
import type { Pile, Station, StationDetail } from '../../lib/types.ts';
import type { Desk } from '../desk.svelte.ts';
import { hrefOf } from '../route.ts';
import { guesses, isPile, type Guess } from './find.ts';
import { alarmHref, pileHref, stationHref, vehicleHref } from './objects.ts';

export interface Hit {
  kind: 'pile' | 'station' | 'vehicle' | 'party' | 'alarm';
  id: string;
  name: string;
  href: string;
  piles?: { free: number; total: number };
}

export interface Named {
  id: string;
  name: string;
  nameEn?: string | null;
}

export interface Found {
  hits: Hit[];
  more: boolean; // stations were left out
}

export const MOST = 20; // stations of a text

const none = (error: unknown): null => {
  if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return null;
  throw error;
};

export async function search(desk: Desk, typed: string, parties: readonly Named[], signal: AbortSignal): Promise<Found> {
  const found = await Promise.all(guesses(typed, parties).map((g) => look(desk, g, parties, signal)));
  const hits = new Map<string, Hit>();
  for (const hit of found.flatMap((f) => f.hits)) hits.set(`${hit.kind} ${hit.id}`, hit);
  return { hits: [...hits.values()], more: found.some((f) => f.more) };
}

async function look(desk: Desk, guess: Guess, parties: readonly Named[], signal: AbortSignal): Promise<Found> {
  const one = (hit: Hit | null): Found => ({ hits: hit ? [hit] : [], more: false });
  switch (guess.kind) {
    case 'vehicle': {
      const { vin } = guess;
      const answer = await desk.ask<object>(`/vehicles/${vin}`, {}, signal).catch(none);
      return one(answer && { kind: 'vehicle', id: vin, name: vin, href: vehicleHref(vin) });
    }
    case 'object': {
      const path = encodeURIComponent(guess.id);
      const [pile, station] = await Promise.all([
        desk.ask<{ pile: Pile }>(`/piles/${path}`, {}, signal).catch(none),
        desk.ask<{ station: StationDetail }>(`/stations/${path}`, {}, signal).catch(none),
      ]);
      const hits: Hit[] = [];
      if (station) hits.push(stationHit(station.station, desk.lang));
      if (pile) hits.push({ kind: 'pile', id: guess.id, name: guess.id, href: pileHref(guess.id) });
      return { hits, more: false };
    }
    case 'party': {
      const party = parties.find((p) => p.id === guess.slug);
      return one(party ? {
        kind: 'party', id: party.id, name: nameOf(party, desk.lang), href: hrefOf('/parties', { party: party.id }),
      } : null);
    }
    case 'alarm':
      return one({ kind: 'alarm', id: guess.id, name: guess.id, href: alarmHref(guess.id) });
    case 'stations':
      return stations(desk, guess.text, guess.pile, signal);
  }
}

async function stations(desk: Desk, text: string, pile: string | undefined, signal: AbortSignal): Promise<Found> {
  const params = { bbox: desk.city.bounds, q: text, access: 'all', limit: MOST };
  const answer = await desk.ask<{ stations: Station[]; next: string | null }>('/stations', params, signal).catch(none);
  if (!answer) return { hits: [], more: false };
  if (pile === undefined) {
    return { hits: answer.stations.map((s) => stationHit(s, desk.lang)), more: answer.next !== null };
  }
  const details = await Promise.all(answer.stations.map((s) =>
    desk.ask<{ station: StationDetail }>(`/stations/${encodeURIComponent(s.id)}`, {}, signal).catch(none)));
  const hits = details.flatMap((d) => d?.station.pileList ?? [])
    .filter((p) => isPile(p.id, pile))
    .map((p): Hit => ({ kind: 'pile', id: p.id, name: p.id, href: pileHref(p.id) }));
  return { hits, more: answer.next !== null };
}

function stationHit(s: Station, lang: Lang): Hit {
  return { kind: 'station', id: s.id, name: nameOf(s, lang), href: stationHref(s.id), piles: s.piles };
}
