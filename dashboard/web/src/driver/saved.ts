// Favourites and stations seen, kept on this device and nowhere else.
import { keep, recall } from '../lib/i18n.ts';

const MOST_FAVOURITES = 20;
const MOST_SEEN = 8;

function ids(name: string): string[] {
  try {
    const list: unknown = JSON.parse(recall(name) ?? '[]');
    return Array.isArray(list) ? list.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

const write = (name: string, list: readonly string[]): void =>
  keep(name, list.length ? JSON.stringify(list) : null);

export const favourites = (): string[] => ids('favourites');
export const seen = (): string[] => ids('seen');

/** Adds a favourite in front, or takes it away; returns the new list. */
export function toggleFavourite(id: string): string[] {
  const list = favourites();
  const next = list.includes(id) ? list.filter((f) => f !== id) : [id, ...list].slice(0, MOST_FAVOURITES);
  write('favourites', next);
  return next;
}

/** Notes that a station was opened, newest first. */
export function noteSeen(id: string): void {
  write('seen', [id, ...seen().filter((s) => s !== id)].slice(0, MOST_SEEN));
}

/** What the page keeps on the device; the help says so. */
const KEPT = ['favourites', 'seen', 'near', 'stop', 'app', 'lang', 'theme', 'last'] as const;

/** Forgets everything that was kept, with the answers kept for a bad network. */
export async function forgetAll(): Promise<void> {
  for (const name of KEPT) keep(name, null);
  if (!('caches' in window)) return;
  for (const name of await caches.keys()) if (name.startsWith('dianchi-answers')) await caches.delete(name);
}
