// What somebody typed into the one search box, and the places to look for it.

const VIN = /^[A-HJ-NPR-Z0-9]{17}$/;
const GLOBAL_ID = /^([a-z][a-z0-9-]{1,31}):([A-Za-z0-9._-]{1,64})$/;
const ALARM = /^A[0-9a-z]{1,16}$/;
const PILE_END = /[-_.][A-Za-z0-9]{1,4}$/;

/** One kind of thing that a text may be, in the order they are tried. */
export type Guess =
  | { kind: 'vehicle'; vin: string }
  | { kind: 'object'; id: string } // of a pile or a station: an id does not say which
  | { kind: 'party'; slug: string }
  | { kind: 'alarm'; id: string }
  | { kind: 'stations'; text: string; pile?: string }; // by name, address or id; `pile` is the whole bare id

/** What a text may be; nothing for an empty one. */
export function guesses(typed: string, parties: readonly { id: string; name: string; nameEn?: string | null }[]): Guess[] {
  const text = typed.trim().replace(/\s+/g, ' ');
  if (!text) return [];
  const out: Guess[] = [];
  const vin = text.toUpperCase().replace(/[\s-]/g, '');
  if (VIN.test(vin)) out.push({ kind: 'vehicle', vin });
  if (GLOBAL_ID.test(text)) return [...out, { kind: 'object', id: text }];
  if (ALARM.test(text)) out.push({ kind: 'alarm', id: text });
  const lower = text.toLowerCase();
  for (const p of parties) {
    const names = [p.id, p.name, p.nameEn ?? ''].map((n) => n.toLowerCase());
    if (names.some((n) => n.includes(lower))) out.push({ kind: 'party', slug: p.id });
  }
  if (text.length > 128) return out;
  out.push({ kind: 'stations', text });
  const station = text.replace(PILE_END, '');
  if (station !== text && !/\s/.test(text) && station.length >= 3) {
    out.push({ kind: 'stations', text: station, pile: text });
  }
  return out;
}

/** Whether `id` is a global id of a pile whose own id is `pile`. */
export function isPile(id: string, pile: string): boolean {
  return id.slice(id.indexOf(':') + 1) === pile;
}
