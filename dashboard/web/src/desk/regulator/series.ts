// Rows of a history answer as what a chart draws: lines that break where
// nothing was said, and stretches of one state.
import { millis } from '../../lib/channel.ts';
import type { HistoryTable } from '../../lib/types.ts';

/** The platform calls an object offline after so long a silence: no line goes over it. */
export const SILENT_MS = 300_000;

const WIDTHS: readonly (readonly [every: string, ms: number])[] = [
  ['1m', 60_000], ['2m', 120_000], ['5m', 300_000], ['10m', 600_000], ['15m', 900_000], ['30m', 1_800_000],
  ['1h', 3_600_000], ['2h', 7_200_000], ['6h', 21_600_000], ['24h', 86_400_000],
];

/** One window of time. */
export interface Every {
  every: string; // as the platform takes it
  ms: number; // its width; 0 for every report
}

const RAW_MS = 30_000; // reports come no faster (docs/quality.md), so a narrower window shows nothing more

/** The window for a chart of `spanMs` that is `width` points wide: about one row for two points. */
export function everyFor(spanMs: number, width: number): Every {
  const per = (2 * spanMs) / Math.max(width, 1);
  if (per <= RAW_MS) return { every: 'raw', ms: 0 };
  const [every, ms] = WIDTHS.find(([, w]) => w >= per) ?? WIDTHS[WIDTHS.length - 1]!;
  return { every, ms };
}

/** One column against time. */
export interface Trace {
  times: number[]; // epoch milliseconds; with a window, its beginning
  values: (string | number | null)[];
}

export function trace(table: HistoryTable, column: string): Trace {
  const ts = table.columns.indexOf('ts');
  const at = table.columns.indexOf(column);
  const times = table.rows.map((row) => millis(row[ts]));
  return { times, values: at < 0 ? times.map(() => null) : table.rows.map((row) => row[at] ?? null) };
}

export type Point = [at: number, value: number];

/**
 * The lines of a column: a null, or more than `gapMs` without a row, begins a
 * new one.
 */
export function lines({ times, values }: Trace, gapMs: number): Point[][] {
  const out: Point[][] = [];
  let before = -Infinity;
  let line: Point[] | undefined;
  times.forEach((at, i) => {
    const value = values[i];
    if (typeof value !== 'number' || at - before > gapMs) line = undefined;
    if (typeof value === 'number') {
      if (!line) out.push((line = []));
      line.push([at, value]);
      before = at;
    }
  });
  return out;
}

/** The lines that have something to draw: points that are numbers, and no line without one. */
export function drawable(all: readonly (readonly Point[])[]): Point[][] {
  return all
    .map((line) => line.filter(([at, v]) => Number.isFinite(at) && Number.isFinite(v)))
    .filter((line) => line.length > 0);
}

/** The SVG path of lines, a dot for a line of one point; null when there is nothing to draw. */
export function pathOf(all: readonly (readonly Point[])[], x: (at: number) => number, y: (v: number) => number): string | null {
  const path = drawable(all).map((line) => {
    const text = line.map(([at, v]) => `${x(at).toFixed(1)} ${y(v).toFixed(1)}`).join('L');
    return line.length === 1 ? `M${text}h.01` : `M${text}`;
  });
  return path.join('') || null;
}

/** How long nothing may be said before a chart of windows `ms` wide shows a gap. */
export function gapOf(ms: number): number {
  return Math.max(SILENT_MS, 2 * ms);
}

/** A time in which a state held. */
export interface Stretch {
  from: number;
  to: number;
  state: string;
}

/**
 * The stretches of a column of states up to `end`. Each value holds until the
 * next row, or as long as `gapMs` when none comes.
 */
export function stretches({ times, values }: Trace, stateOf: (v: unknown) => string | null, gapMs: number, end: number):
  Stretch[] {
  const out: Stretch[] = [];
  times.forEach((from, i) => {
    const state = stateOf(values[i]);
    if (state === null) return;
    const next = times[i + 1] ?? end;
    const to = Math.min(next - from > gapMs ? from + gapMs : next, end);
    const last = out[out.length - 1];
    if (last && last.state === state && from - last.to <= 0) last.to = to;
    else out.push({ from, to, state });
  });
  return out;
}

/** The longest times without a row between `from` and `to`, as [from, to], the longest first. */
export function gaps({ times }: Trace, gapMs: number, from: number, to: number): [number, number][] {
  const edges = [from, ...times.filter((t) => t >= from && t <= to), to];
  const out: [number, number][] = [];
  for (let i = 1; i < edges.length; i++) {
    const [a, b] = [edges[i - 1]!, edges[i]!];
    if (b - a > gapMs) out.push([a, b]);
  }
  return out.sort((x, y) => y[1] - y[0] - (x[1] - x[0]));
}

/** A round scale that holds `low`…`high`: its ends and its steps. */
export function scaleOf(low: number, high: number, steps = 4): { from: number; to: number; step: number } {
  if (!(high > low)) [low, high] = [Math.min(low, 0), Math.max(high, low + 1, 1)];
  const raw = (high - low) / steps;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((m) => m * unit >= raw * 0.9999) ?? 10) * unit;
  return { from: Math.floor(low / step + 1e-9) * step, to: Math.ceil(high / step - 1e-9) * step, step };
}

/** Index of the row nearest to `at`; -1 of none. */
export function nearest(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (times[mid]! < at) low = mid + 1;
    else high = mid;
  }
  if (low > 0 && (low === times.length || at - times[low - 1]! <= times[low]! - at)) low--;
  return times.length ? low : -1;
}
