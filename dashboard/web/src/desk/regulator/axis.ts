// Ticks of a time axis at round hours of the city's clock.
import { clock, day, midnight } from '../../lib/format.ts';
import type { Lang } from '../../lib/i18n.ts';

const HOUR_MS = 3_600_000;
const STEPS_H = [0.25, 0.5, 1, 2, 3, 4, 6, 12, 24, 48];

export interface Tick {
  at: number;
  text: string;
}

/** Ticks between `from` and `to`, at most `most` of them; midnights name the day. */
export function ticks(from: number, to: number, most: number, zone: string, lang: Lang): Tick[] {
  const step = (STEPS_H.find((h) => (to - from) / (h * HOUR_MS) <= most) ?? 168) * HOUR_MS;
  const out: Tick[] = [];
  for (let at = midnight(from, zone); at <= to; at += step) {
    if (at < from) continue;
    const text = clock(at, zone);
    out.push({ at, text: text === '00:00' && to - from > 26 * HOUR_MS ? shortDay(at, zone, lang) : text });
  }
  return out;
}

function shortDay(at: number, zone: string, lang: Lang): string {
  return new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', { timeZone: zone, month: 'short', day: 'numeric' })
    .format(at);
}

/** A moment as a reader of a chart needs it: with the day where more than one is shown. */
export function moment(at: number, span: number, zone: string, lang: Lang): string {
  const time = clock(at, zone, span < 2 * HOUR_MS);
  return span > 26 * HOUR_MS ? `${day(at, zone, lang)} ${time}` : time;
}
