// When a watched station is worth a word.

export type News = 'freed' | 'filled';

/** What a change from one count of free piles to the next is worth saying; null before there is a first. */
export function newsOf(before: number | null, now: number): News | null {
  if (before === null || (before > 0) === (now > 0)) return null;
  return now > 0 ? 'freed' : 'filled';
}
