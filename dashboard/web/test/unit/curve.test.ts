import { describe, expect, test } from 'vitest';
import { dayBands, dayOf, emptyDay, energyOf, lastOf, LiveCurve, SLOT_MS, SLOTS } from '../../src/wall/curve.ts';

const MIDNIGHT = Date.UTC(2026, 9, 31, 16);
const at = (slot: number): string => new Date(MIDNIGHT + slot * SLOT_MS).toISOString();
const table = (...rows: (string | number | null)[][]) => ({ columns: ['ts', 'energyKwh', 'powerKw'], rows });

test('rows find their five minutes; a time without a row stays empty', () => {
  const day = dayOf(table([at(0), 1, 500], [at(2), 1, 700], [at(-1), 1, 9], [at(SLOTS), 1, 9]), 'powerKw', MIDNIGHT);
  expect(day.slice(0, 4)).toEqual([500, null, 700, null]);
  expect(day.filter((v) => v !== null)).toHaveLength(2);
  expect(day).toHaveLength(SLOTS);
});

test('an unknown column is an empty day', () => {
  expect(dayOf({ columns: ['ts'], rows: [[at(1)]] }, 'powerKw', MIDNIGHT)).toEqual(emptyDay());
});

test('today\'s energy counts the five minutes that ended since midnight, and says since when', () => {
  const rows = table([at(0), 99, 1], [at(1), 10, 1], [at(2), 20, 1]);
  expect(energyOf(rows, MIDNIGHT)).toEqual({ kwh: 30, from: MIDNIGHT });
  expect(energyOf(table([at(100), 5, 1]), MIDNIGHT)?.from).toBe(MIDNIGHT + 99 * SLOT_MS);
  expect(energyOf(table([at(0), 99, 1]), MIDNIGHT)).toBeNull();
});

describe('what was seen live', () => {
  test('goes on where the rows end', () => {
    const curve = new LiveCurve();
    const day = emptyDay();
    expect(lastOf(day, MIDNIGHT)).toBe(0);
    day[1] = 500;
    const end = lastOf(day, MIDNIGHT);
    expect(end).toBe(MIDNIGHT + SLOT_MS);
    curve.add(end - 1, 1);
    curve.add(end + 10_001, 2);
    curve.add(end + 10_002, 3); // the newest of the same ten seconds
    curve.add(NaN, 4);
    expect(curve.since(end)).toEqual([[end + 10_000, 3]]);
  });

  test('is kept for two hours', () => {
    const curve = new LiveCurve();
    for (let i = 0; i < 1000; i++) curve.add(MIDNIGHT + i * 10_000, i);
    expect(curve.since(0)).toHaveLength(720);
    expect(curve.since(0).at(-1)).toEqual([MIDNIGHT + 9_990_000, 999]);
  });
});

describe('bands of the tariff', () => {
  const band = (from: string, to: string, energyYuanPerKwh: number) => ({
    from, to, energyYuanPerKwh, serviceYuanPerKwh: 0.4,
  });

  test('the dearest are peak, the cheapest valley; one across midnight is cut', () => {
    const bands = [band('07:00', '22:30', 1.02), band('22:30', '02:00', 0.7), band('02:00', '07:00', 0.45)];
    expect(dayBands(bands)).toEqual([
      { from: 0, to: 2, kind: 'flat' },
      { from: 2, to: 7, kind: 'valley' },
      { from: 7, to: 22.5, kind: 'peak' },
      { from: 22.5, to: 24, kind: 'flat' },
    ]);
  });

  test('24:00 is the end of the day; one price all day is no band', () => {
    const half = [band('00:00', '12:00', 1), band('12:00', '24:00', 2)];
    expect(dayBands(half).at(-1)).toEqual({ from: 12, to: 24, kind: 'peak' });
    expect(dayBands([band('00:00', '24:00', 1)])).toEqual([]);
  });
});
