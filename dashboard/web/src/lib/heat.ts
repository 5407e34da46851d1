// Colours of the heat layers: value^0.62 over the 99.6th percentile, six
// steps whose lightness rises, so that they stay in order in grey.

export const HEAT = ['#13262e', '#17474f', '#2a7a70', '#7fa653', '#f5b544', '#ff7d4d'] as const;

/** Where on 0…1 each colour stands. */
export const STOPS = [0, 0.12, 0.3, 0.5, 0.7, 0.95] as const;

const POWER = 0.62;
const QUANTILE = 0.996;

/** The value that the brightest colour stands for: round, and at least 1. */
export function top(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).filter((v) => v > 0).sort();
  if (sorted.length === 0) return 1;
  const at = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * QUANTILE))] ?? 1;
  return Math.max(1, roundUp(at));
}

/** The next 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten. */
function roundUp(v: number): number {
  const unit = 10 ** Math.floor(Math.log10(v));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * unit).find((m) => m >= v * 0.9999) ?? v;
}

/** Keeps the top while the new one is near, so that colours do not flicker. */
export function steadyTop(before: number, now: number): number {
  return before > 0 && now <= before && now >= before * 0.6 ? before : now;
}

/** The place of a value on 0…1. */
export function intensity(value: number, most: number): number {
  return value <= 0 ? 0 : Math.min(1, (value / most) ** POWER);
}

/** The value at a place on 0…1, for the legend. */
export function valueAt(place: number, most: number): number {
  return most * place ** (1 / POWER);
}

/** The colour at a place on 0…1, as #rrggbb. */
export function colour(place: number): string {
  let i = STOPS.findIndex((stop) => place <= stop);
  if (i < 0) return HEAT[HEAT.length - 1] as string;
  if (i === 0) i = 1;
  const [from = 0, to = 1] = [STOPS[i - 1], STOPS[i]];
  return mix(HEAT[i - 1] as string, HEAT[i] as string, (place - from) / (to - from));
}

function mix(a: string, b: string, share: number): string {
  const part = (hex: string, i: number): number => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  const one = (i: number): string =>
    Math.round(part(a, i) + (part(b, i) - part(a, i)) * share).toString(16).padStart(2, '0');
  return `#${one(0)}${one(1)}${one(2)}`;
}
