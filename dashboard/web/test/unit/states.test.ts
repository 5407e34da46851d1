import { expect, test } from 'vitest';
import { online, parts, shapeOf, type Shape } from '../../src/lib/states.ts';
import type { PileCounts } from '../../src/lib/types.ts';

const counts = (given: Partial<PileCounts>): PileCounts => ({
  total: 10, free: 0, inUse: 0, charging: 0, reserved: 0, fault: 0, offline: 0, ...given,
});

test('the parts add up to the total', () => {
  const p = counts({ free: 3, inUse: 4, charging: 3, reserved: 1, fault: 1, offline: 1 });
  expect(parts(p)).toEqual({ free: 3, charging: 3, occupied: 1, reserved: 1, fault: 1, offline: 1 });
  expect(Object.values(parts(p)).reduce((a, b) => a + b)).toBe(p.total);
  expect(online(p)).toBe(9);
});

test.each<[string, number, number, number, PileCounts, Shape]>([
  ['many free', 9_000, 5, 10, counts({ free: 5, inUse: 5 }), 'free'],
  ['a quarter free', 9_000, 2.5, 10, counts({ free: 2.5 }), 'free'],
  ['less than a quarter free', 9_000, 2, 10, counts({ free: 2, inUse: 8 }), 'few'],
  ['none free', 9_000, 0, 10, counts({ inUse: 10 }), 'full'],
  ['none of those that fit free', 9_000, 0, 4, counts({ free: 6, inUse: 4 }), 'full'],
  ['broken is not occupied', 9_000, 0, 10, counts({ fault: 6, offline: 4 }), 'fault'],
  ['offline is not occupied', 9_000, 0, 10, counts({ offline: 10 }), 'old'],
  ['not heard from for four minutes', 240_000, 5, 10, counts({ free: 5 }), 'old'],
  ['never heard from', NaN, 0, 10, counts({ offline: 10 }), 'old'],
])('%s', (_, ageMs, free, total, piles, want) => {
  expect(shapeOf(ageMs, free, total, piles)).toBe(want);
});
