import { describe, expect, test } from 'vitest';
import { speaker } from '../../src/lib/i18n.ts';
import type { Parking, TariffBand } from '../../src/lib/types.ts';
import { costPhrase, duration, yuanRange } from '../../src/driver/describe.ts';
import {
  briefSteps, costOf, energyParts, meanKw, overstayWords, parkingFee, stopOf, tariffSteps, USUAL_STOP, wantedKwh,
} from '../../src/driver/stop.ts';
import { TEXTS } from '../../src/driver/texts.ts';

const ZONE = 'Asia/Shanghai';
const at = (text: string): number => Date.parse(`2026-11-23T${text}:00+08:00`);
const band = (from: string, to: string, energyYuanPerKwh: number, serviceYuanPerKwh = 0.4): TariffBand => ({
  from, to, energyYuanPerKwh, serviceYuanPerKwh,
});
const DAY = [band('00:00', '07:00', 0.3), band('07:00', '18:00', 0.6), band('18:00', '24:00', 1)];
const parking = (type: number, yuanPerHour: number | null = null, freeMinutes: number | null = null): Parking => ({
  type, yuanPerHour, freeMinutes, text: null,
});
const t = speaker(TEXTS, 'en');

describe('what is wanted', () => {
  test('is an amount, or from one charge to another', () => {
    expect(wantedKwh(USUAL_STOP)).toBe(30);
    expect(wantedKwh({ ...USUAL_STOP, by: 'soc', batteryKwh: 80, fromPct: 25, toPct: 75 })).toBe(40);
  });

  test.each<[string | null, object]>([
    [null, {}], ['nonsense', {}], ['null', {}], ['{"kwh":-5,"carKw":"60","by":"x"}', {}],
    ['{"by":"soc","batteryKwh":75,"fromPct":10,"toPct":90,"stayMin":120}',
      { by: 'soc', batteryKwh: 75, fromPct: 10, toPct: 90, stayMin: 120 }],
    ['{"fromPct":90,"toPct":50}', {}],
  ])('kept as %s', (text, want) => {
    expect(stopOf(text)).toEqual({ ...USUAL_STOP, ...want });
  });

  test('the weaker of car and pile sets the power', () => {
    expect(meanKw(120, USUAL_STOP)).toBe(60);
    expect(meanKw(20, USUAL_STOP)).toBe(20);
    expect(meanKw(120, USUAL_STOP, 'ac')).toBe(7);
    expect(meanKw(null, USUAL_STOP)).toBe(7);
  });
});

describe('energy', () => {
  const parts = (from: string, kwh: number, kw: number): [number, number][] | null =>
    energyParts(tariffSteps(DAY, at(from), ZONE), at(from), kwh, kw)
      ?.map((p) => [Math.round(p.kwh * 100) / 100, p.yuanPerKwh]) ?? null;

  test('within one band', () => {
    expect(parts('08:00', 30, 60)).toEqual([[30, 1]]);
  });

  test('over the edge of two bands, each part at its own price', () => {
    expect(parts('17:45', 30, 60)).toEqual([[15, 1], [15, 1.4]]);
  });

  test('over midnight, where the first band of the day goes on', () => {
    expect(parts('23:00', 14, 7)).toEqual([[7, 1.4], [7, 0.7]]);
  });

  test('a band may cross midnight itself, and equal neighbours are one', () => {
    const bands = [band('22:00', '06:00', 0.2), band('06:00', '12:00', 0.5), band('12:00', '22:00', 0.5)];
    const steps = tariffSteps(bands, at('23:30'), ZONE);
    expect(steps.map((s) => [s.until, s.yuanPerKwh])).toEqual([
      [at('06:00') + 86_400_000, 0.6], [at('22:00') + 86_400_000, 0.9], [at('06:00') + 2 * 86_400_000, 0.6],
    ]);
  });

  test('one price for the whole day', () => {
    expect(tariffSteps([band('00:00', '24:00', 1)], at('10:00'), ZONE)[0]?.yuanPerKwh).toBe(1.4);
  });

  test('a gap in the bands makes the cost unknown where the charge reaches it', () => {
    const steps = tariffSteps([band('08:00', '09:00', 1)], at('08:30'), ZONE);
    expect(energyParts(steps, at('08:30'), 10, 60)).toHaveLength(1);
    expect(energyParts(steps, at('08:30'), 60, 60)).toBeNull();
  });

  test('from the list: the price now, and the next one from when it begins', () => {
    const price = {
      nowYuanPerKwh: 1, energyYuanPerKwh: 0.6, serviceYuanPerKwh: 0.4,
      until: new Date(at('18:00')).toISOString(), nextYuanPerKwh: 1.4,
    };
    const cost = (from: string): number | null =>
      costOf({ maxKw: 60, parking: parking(0) }, briefSteps(price), at(from), USUAL_STOP, '').energyYuan;
    expect(cost('17:00')).toBeCloseTo(30);
    expect(cost('17:45')).toBeCloseTo(36);
    const dark = briefSteps({ ...price, nextYuanPerKwh: null });
    expect(costOf({ maxKw: 60, parking: parking(0) }, dark, at('17:45'), USUAL_STOP, '').energyYuan).toBeNull();
  });
});

test.each<[Parking | null, number, [number, number] | null]>([
  [null, 30, null], [parking(255), 30, null], [parking(0), 600, [0, 0]],
  [parking(1), 30, null], [parking(1, 5), 60, [5, 5]], [parking(1, 5), 61, [10, 10]],
  [parking(2, 3, 120), 120, [0, 0]], [parking(2, 3, 120), 150, [3, 3]], [parking(2, null, 120), 150, null],
  [parking(2, 3), 10, null], [parking(3, 4), 90, [0, 8]], [parking(3), 90, null],
])('parking %j for %d minutes costs %j', (p, minutes, want) => {
  expect(parkingFee(p, minutes)).toEqual(want && { low: want[0], high: want[1] });
});

describe('the whole stop', () => {
  const steps = [{ until: Infinity, yuanPerKwh: 1 }];
  const phrase = (p: Parking | null, price: typeof steps | null = steps, stayMin = 0): string =>
    costPhrase(costOf({ maxKw: 120, parking: p }, price, 0, { ...USUAL_STOP, stayMin }, ''), t).replaceAll('\u00a0', ' ');

  test('is energy and parking for as long as the car stays', () => {
    expect(phrase(parking(0))).toBe('30 kWh · 30 min ≈ ¥30.00 all in');
    expect(phrase(parking(1, 5), steps, 120)).toBe('30 kWh · 30 min ≈ ¥40.00 all in');
    expect(phrase(parking(3, 5))).toBe('30 kWh · 30 min ≈ ¥30.00–35.00 all in');
  });

  test('says what is not known, and never ¥0', () => {
    expect(phrase(null)).toBe('30 kWh · 30 min ≈ ¥30.00 + parking');
    expect(phrase(parking(0), null)).toBe('30 kWh · 30 min: cost unknown');
  });

  test('speaks of overstay only in the operator\'s words', () => {
    expect(overstayWords({ ...parking(1), text: '充满后超时占位 0.5元/分钟' })).toContain('0.5元/分钟');
    expect(overstayWords({ ...parking(1), text: '前2小时免费' })).toBeNull();
    expect(overstayWords(null)).toBeNull();
  });

  test('durations and ranges read well', () => {
    expect([duration(29.2, t), duration(119, t), duration(125, t)]).toEqual(['30 min', '119 min', '2 h 5 min']);
    expect(yuanRange({ low: 3, high: 3 }, t)).toBe('¥3.00');
  });
});
