// Whose data a party's view shows: its own, or the one that a regulator named.
import type { Desk } from '../desk.svelte.ts';

export function partyOf(desk: Desk, query: URLSearchParams): string {
  return desk.session.party?.id ?? query.get('party') ?? '';
}
