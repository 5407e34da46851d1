// Moments of the past: the five-minute grid, what of it is kept, and how a moment is said.
import { clock, midnight } from '../lib/format.ts';
import type { Lang } from '../lib/i18n.ts';

export const STEP_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How far back the slider goes. */
export const REACH = { day: DAY_MS, week: 7 * DAY_MS } as const;
export type Reach = keyof typeof REACH;

/** Moments without a gap, both ends included, epoch milliseconds. */
export type Span = readonly [from: number, to: number];

/** The newest moment of the grid that is not after `at`. */
export function floorStep(at: number): number {
  return Math.floor(at / STEP_MS) * STEP_MS;
}

/** A moment as the address has it: "2026-11-24T00:15Z". */
export function momentText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}

/** The moment that an address names; null for none, for what is none, and for the future. */
export function momentOf(text: string | null, now: number): number | null {
  const at = /^\d{4}-\d\d-\d\dT/.test(text ?? '') ? Date.parse(text as string) : NaN;
  return Number.isFinite(at) && at <= now ? floorStep(at) : null;
}

/** Whether a moment is kept, as far as is known. */
export function isKept(spans: readonly Span[], at: number): boolean {
  return spans.some(([from, to]) => at >= from && at <= to);
}

/** The first moment that is kept after `at`; null for none. */
export function nextKept(spans: readonly Span[], at: number): number | null {
  for (const [from, to] of spans) {
    if (from > at) return from;
    if (to > at) return floorStep(at) + STEP_MS;
  }
  return null;
}

/** The parts of `from`…`to` that are kept, as shares of it from 0 to 1; a moment is as wide as a step. */
export function shares(spans: readonly Span[], from: number, to: number): { left: number; width: number }[] {
  const share = (at: number): number => Math.min(1, Math.max(0, (at - from) / (to - from)));
  return spans
    .map(([a, b]) => ({ left: share(a - STEP_MS / 2), right: share(b + STEP_MS / 2) }))
    .filter(({ left, right }) => right > left)
    .map(({ left, right }) => ({ left, width: right - left }));
}

export interface Mark {
  place: number; // 0 … 1
  text: string; // '' for a mark without a word
  brief: string; // where there is little room
  day: boolean; // a day begins here
}

/** Marks of hours, or of days, on a slider from `from` to `to`. */
export function marksOf(from: number, to: number, reach: Reach, zone: string, lang: Lang): Mark[] {
  const out: Mark[] = [];
  const first = midnight(from, zone);
  const each = reach === 'day' ? HOUR_MS : DAY_MS / 4;
  for (let at = first; at <= to; at += each) {
    if (at < from) continue;
    const hour = Number(clock(at, zone).slice(0, 2));
    const day = hour === 0;
    const said = reach === 'day' ? hour % 3 === 0 : day;
    const text = day ? dayText(at, zone, lang) : said ? clock(at, zone) : '';
    const brief = day ? dayOfMonth(at, zone, lang) : hour % 6 === 0 ? text : '';
    out.push({ place: (at - from) / (to - from), text, brief, day });
  }
  return out;
}

function dayOfMonth(at: number, zone: string, lang: Lang): string {
  const n = new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric' }).format(at);
  return lang === 'zh' ? `${n}日` : n;
}

function yearOf(at: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, year: 'numeric' }).format(at);
}

function dayText(at: number, zone: string, lang: Lang, year = false): string {
  const of = year ? yearOf(at, zone) : '';
  const parts = new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', {
    timeZone: zone, month: lang === 'zh' ? 'numeric' : 'short', day: 'numeric', weekday: 'short',
  }).formatToParts(at);
  const part = (type: string): string => parts.find((p) => p.type === type)?.value ?? '';
  return lang === 'zh'
    ? `${of && `${of}年`}${part('month')}月${part('day')}日 ${part('weekday')}`
    : `${part('weekday')} ${part('day')} ${part('month')}${of && ` ${of}`}`;
}

/** A moment in words: "昨天 08:15", "08:15 yesterday", and the date where it is longer ago. */
export function whenText(at: number, now: number, zone: string, lang: Lang): string {
  const time = clock(at, zone);
  const days = Math.round((midnight(now, zone) - midnight(at, zone)) / DAY_MS);
  const words = lang === 'zh' ? ['今天', '昨天'] : ['today', 'yesterday'];
  const day = words[days] ?? dayText(at, zone, lang, yearOf(at, zone) !== yearOf(now, zone));
  return lang === 'zh' ? `${day} ${time}` : days < 2 ? `${time} ${day}` : `${time} on ${day}`;
}
