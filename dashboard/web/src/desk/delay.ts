import type { DelayRange } from './types.ts';

/** From this many seconds on delays are counted in classes so wide that a point within one says nothing. */
const WIDE_FROM_S = 300;

/** A quantile of delays: a number of seconds, or what is certain where that is little. Without reports it is a dash. */
export function delayText(seconds: number | null, range: DelayRange | null, unit = ' s', digits = 0): string {
  if (seconds === null) return '–';
  const text = (v: number): string => String(v);
  if (range && range[1] === null) return `> ${text(range[0])}${unit}`;
  if (range && range[0] >= WIDE_FROM_S) return `${text(range[0])}–${text(range[1] as number)}${unit}`;
  return `${seconds.toFixed(Math.max(digits, seconds < 10 ? 2 : 0))}${unit}`;
}
