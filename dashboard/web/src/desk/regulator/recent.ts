// What was looked at lately, in this tab only: VINs do not stay on the machine.
import type { Hit } from './search.ts';

const KEY = 'dianchi.desk.seen';
const MOST = 8;

export function seen(): Hit[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return Array.isArray(kept) ? (kept as Hit[]).filter((h) => typeof h?.href === 'string' && h.href.startsWith('#/')) : [];
  } catch {
    return [];
  }
}

export function remember({ kind, id, name, href }: Hit): void {
  const others = seen().filter((h) => h.href !== href);
  try {
    sessionStorage.setItem(KEY, JSON.stringify([{ kind, id, name, href }, ...others].slice(0, MOST)));
  } catch {
    // storage is forbidden: nothing is remembered
  }
}

export function forgetSeen(): Hit[] {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // nothing was kept
  }
  return [];
}
