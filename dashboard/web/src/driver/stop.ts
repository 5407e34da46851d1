// What a whole stop costs: energy at the price of each band that the charge
// runs through, and parking for as long as the car stands there.
import { clock } from '../lib/format.ts';
import type { Parking, Price, TariffBand } from '../lib/types.ts';
import type { Filters } from './filters.ts';

/** What the driver wants of a stop, and what the car can take. */
export interface Stop {
  by: 'kwh' | 'soc';
  kwh: number; // wanted, where `by` is kwh
  batteryKwh: number; // size of the battery
  fromPct: number;
  toPct: number;
  carKw: number; // what the car draws on average where the pile gives as much
  stayMin: number; // how long the car stays; at least as long as it charges
}

export const USUAL_STOP: Stop = {
  by: 'kwh', kwh: 30, batteryKwh: 60, fromPct: 20, toPct: 80, carKw: 60, stayMin: 0,
};

const AC_KW = 7; // what most cars' own chargers draw
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const DAY_MIN = 24 * 60;

/** The energy wanted, in kWh. */
export function wantedKwh(stop: Stop): number {
  if (stop.by === 'kwh') return stop.kwh;
  return Math.max(0, (stop.batteryKwh * (stop.toPct - stop.fromPct)) / 100);
}

/** The mean power of a charge at a station's strongest pile. */
export function meanKw(maxKw: number | null, stop: Stop, kind: Filters['kind'] = ''): number {
  const most = maxKw && maxKw > 0 ? maxKw : AC_KW;
  return Math.min(most, stop.carKw, kind === 'ac' ? AC_KW : Infinity);
}

/** A price that holds up to `until`; null: not known. */
export interface Step {
  until: number; // epoch milliseconds
  yuanPerKwh: number | null;
}

/** What the list knows: the price now and the next one. */
export function briefSteps(price: Price): Step[] {
  const until = price.until ? Date.parse(price.until) : Infinity;
  if (!Number.isFinite(until)) return [{ until: Infinity, yuanPerKwh: price.nowYuanPerKwh }];
  return [
    { until, yuanPerKwh: price.nowYuanPerKwh },
    { until: Infinity, yuanPerKwh: price.nextYuanPerKwh },
  ];
}

const minutes = (text: string): number => {
  const [h = NaN, m = NaN] = text.split(':').map(Number);
  return h * 60 + m;
};

/** The prices of the next day by a tariff's bands, which are hours in `zone`. */
export function tariffSteps(bands: readonly TariffBand[], at: number, zone: string): Step[] {
  const start = at - (at % MINUTE_MS);
  const first = minutes(clock(at, zone));
  const steps: Step[] = [];
  for (let ahead = 0; ahead < DAY_MIN; ) {
    const minute = (first + ahead) % DAY_MIN;
    const band = bands.find((b) => covers(b, minute));
    if (!band) {
      steps.push({ until: Infinity, yuanPerKwh: null });
      return steps;
    }
    const left = (minutes(band.to) - minute + DAY_MIN) % DAY_MIN || DAY_MIN;
    ahead += left;
    const yuanPerKwh = Math.round((band.energyYuanPerKwh + band.serviceYuanPerKwh) * 1e4) / 1e4;
    const last = steps[steps.length - 1];
    if (last?.yuanPerKwh === yuanPerKwh) last.until = start + ahead * MINUTE_MS;
    else steps.push({ until: start + ahead * MINUTE_MS, yuanPerKwh });
  }
  return steps;
}

/** A band holds from ≤ minute < to and may cross midnight; equal ends are a whole day. */
function covers(band: TariffBand, minute: number): boolean {
  const [from, to] = [minutes(band.from), minutes(band.to)];
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** The part of a charge that runs in one band. */
export interface Part {
  from: number;
  to: number;
  kwh: number;
  yuanPerKwh: number;
  yuan: number;
}

/** Splits a charge at even power over the bands; null where a price is not known. */
export function energyParts(steps: readonly Step[], at: number, kwh: number, kw: number): Part[] | null {
  const parts: Part[] = [];
  const end = at + (kwh / kw) * HOUR_MS;
  let from = at;
  for (const step of steps) {
    if (from >= end) break;
    if (step.until <= from) continue;
    if (step.yuanPerKwh === null) return null;
    const to = Math.min(step.until, end);
    const part = ((to - from) / HOUR_MS) * kw;
    parts.push({ from, to, kwh: part, yuanPerKwh: step.yuanPerKwh, yuan: part * step.yuanPerKwh });
    from = to;
  }
  return from >= end ? parts : null;
}

/** Least and most that something costs; they differ where the operator leaves it open. */
export interface Range {
  low: number;
  high: number;
}

const exactly = (yuan: number): Range => ({ low: yuan, high: yuan });

/** The parking fee of a stay, each begun hour counted in full; null where it is not known. */
export function parkingFee(p: Parking | null, stayMin: number): Range | null {
  const hours = (min: number): number => Math.ceil(Math.max(0, min - 1e-6) / 60);
  const perHour = p?.yuanPerHour ?? null;
  switch (p?.type) {
    case 0:
      return exactly(0);
    case 1:
      return perHour === null ? null : exactly(hours(stayMin) * perHour);
    case 2:
      if (p.freeMinutes && stayMin <= p.freeMinutes) return exactly(0);
      return perHour === null || !p.freeMinutes ? null : exactly(hours(stayMin - p.freeMinutes) * perHour);
    case 3: // how much less is the operator's to say
      return perHour === null ? null : { low: 0, high: hours(stayMin) * perHour };
    default:
      return null;
  }
}

/** A whole stop at one station. */
export interface Cost {
  kwh: number;
  kw: number;
  chargeMin: number;
  stayMin: number;
  parts: Part[] | null; // null: the price is not known
  energyYuan: number | null;
  parking: Range | null;
  total: Range | null; // null: something is not known
}

export interface Priced {
  maxKw: number | null;
  parking: Parking | null;
}

export function costOf(s: Priced, steps: readonly Step[] | null, at: number, stop: Stop, kind: Filters['kind']): Cost {
  const kwh = wantedKwh(stop);
  const kw = meanKw(s.maxKw, stop, kind);
  const chargeMin = (kwh / kw) * 60;
  const stayMin = Math.max(chargeMin, stop.stayMin);
  const parts = steps && energyParts(steps, at, kwh, kw);
  const energyYuan = parts ? parts.reduce((sum, p) => sum + p.yuan, 0) : null;
  const parking = parkingFee(s.parking, stayMin);
  const total = energyYuan === null || !parking
    ? null
    : { low: energyYuan + parking.low, high: energyYuan + parking.high };
  return { kwh, kw, chargeMin, stayMin, parts, energyYuan, parking, total };
}

/** Reads kept wishes; what is missing or cannot be is the usual. */
export function stopOf(text: string | null): Stop {
  let kept: Partial<Record<keyof Stop, unknown>> = {};
  try {
    kept = (JSON.parse(text ?? '{}') ?? {}) as typeof kept;
  } catch {
    // written by hand: the usual
  }
  const number = (name: Exclude<keyof Stop, 'by'>, least: number, most: number): number => {
    const n = kept[name];
    return typeof n === 'number' && n >= least && n <= most ? n : USUAL_STOP[name];
  };
  const stop: Stop = {
    by: kept.by === 'soc' ? 'soc' : 'kwh',
    kwh: number('kwh', 1, 400),
    batteryKwh: number('batteryKwh', 5, 400),
    fromPct: number('fromPct', 0, 99),
    toPct: number('toPct', 1, 100),
    carKw: number('carKw', 2, 1000),
    stayMin: number('stayMin', 0, DAY_MIN),
  };
  return stop.toPct > stop.fromPct ? stop : { ...stop, fromPct: USUAL_STOP.fromPct, toPct: USUAL_STOP.toPct };
}

/** The operator's own words where they speak of a fee for staying after the charge. */
export function overstayWords(parking: Parking | null): string | null {
  const text = parking?.text ?? '';
  return /占位|占用费|超时|overstay|idle fee/i.test(text) ? text : null;
}
