// Numbers, ages and hours as people read them.
import type { Lang } from './i18n.ts';

const NBSP = '\u00a0'; // keeps a number and its unit on one line
const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A whole number with thousands grouped; both languages write it so. */
export function int(n: number): string {
  return grouped.format(n);
}

/** Kilowatts as megawatts: one digit below 100 MW, none above. */
export function megawatts(kw: number): string {
  const mw = kw / 1000;
  return Math.abs(mw) < 99.95 ? mw.toFixed(1) : int(mw);
}

/** Kilowatt-hours as megawatt-hours: one digit below 10 MWh, none above. */
export function megawattHours(kwh: number): string {
  const mwh = kwh / 1000;
  return Math.abs(mwh) < 9.95 ? mwh.toFixed(1) : int(mwh);
}

/** A share in per cent with one digit; a dash where there is nothing to share. */
export function percent(part: number, total: number, digits = 1): string {
  return total > 0 ? `${((100 * part) / total).toFixed(digits)}%` : '–';
}

export function yuan(n: number): string {
  return `¥${(Math.round(n * 100 + 1e-6) / 100).toFixed(2)}`;
}

/** A rated power without needless digits; a dash where none is known, as of a station without piles. */
export function kilowatts(kw: number | null | undefined): string {
  if (typeof kw !== 'number') return '–';
  return `${Number.isInteger(kw) ? kw : kw.toFixed(1)}${NBSP}kW`;
}

export function distance(metres: number, lang: Lang): string {
  const [m, km] = lang === 'zh' ? ['米', '公里'] : ['m', 'km'];
  if (metres < 995) return `${Math.round(metres / 10) * 10}${NBSP}${m}`;
  return `${(metres / 1000).toFixed(metres < 99_500 ? 1 : 0)}${NBSP}${km}`;
}

const AGES = {
  zh: { now: '刚刚', ago: '前', s: '秒', min: '分钟', h: '小时', d: '天' },
  en: { now: 'just now', ago: ' ago', s: 's', min: 'min', h: 'h', d: 'd' },
};

/** How long ago something was: "刚刚", "9 秒前", "9 s ago". */
export function age(ms: number, lang: Lang): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const words = AGES[lang];
  const say = (n: number, unit: 's' | 'min' | 'h' | 'd'): string => `${Math.floor(n)} ${words[unit]}${words.ago}`;
  if (seconds < 2) return words.now;
  if (seconds < 120) return say(seconds, 's');
  if (seconds < 2 * 3600) return say(seconds / 60, 'min');
  if (seconds < 48 * 3600) return say(seconds / 3600, 'h');
  return say(seconds / 86_400, 'd');
}

/** How long something lasts, in at most two units: "5 分钟", "23 小时 50 分钟", "23 h 50 min". */
export function duration(ms: number, lang: Lang): string {
  const words = AGES[lang];
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} ${words.s}`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} ${words.min}`;
  const hours = Math.floor(minutes / 60);
  const [whole, rest, unit, part] = hours < 48
    ? [hours, minutes % 60, words.h, words.min] : [Math.floor(hours / 24), hours % 24, words.d, words.h];
  return rest ? `${whole} ${unit} ${rest} ${part}` : `${whole} ${unit}`;
}

/** Hours and minutes, with seconds if asked, in the city's zone. */
export function clock(at: number, zone: string, seconds = false): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(seconds ? { second: '2-digit' } : {}),
  }).format(at);
}

/** The day in the reader's language, in the city's zone. */
export function day(at: number, zone: string, lang: Lang): string {
  return new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', {
    timeZone: zone,
    month: lang === 'zh' ? 'long' : 'short',
    day: 'numeric',
    weekday: lang === 'zh' ? 'long' : 'short',
  }).format(at);
}

/** Midnight before `at` in a zone, as epoch milliseconds. */
export function midnight(at: number, zone: string): number {
  const [h = 0, m = 0, s = 0] = clock(at, zone, true).split(':').map(Number);
  return Math.floor(at / 1000) * 1000 - ((h * 60 + m) * 60 + s) * 1000;
}
