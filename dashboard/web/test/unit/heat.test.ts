import { expect, test } from 'vitest';
import { colour, HEAT, intensity, steadyTop, STOPS, top, valueAt } from '../../src/lib/heat.ts';
import { resolutionFor } from '../../src/wall/heatfeed.ts';

/** Lightness as the eye sees it, roughly: relative luminance of a hex colour. */
function light(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => (parseInt(hex.slice(i, i + 2), 16) / 255) ** 2.2) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test('colours rise in lightness up to the warm end, so that they stay in order in grey', () => {
  const rising = HEAT.slice(0, 5).map(light);
  expect(rising).toEqual(rising.toSorted((a, b) => a - b));
});

test('each colour stands at its place, and between two is a mixture', () => {
  STOPS.forEach((stop, i) => expect(colour(stop)).toBe(HEAT[i]));
  expect(colour(1)).toBe(HEAT[5]);
  expect(light(colour(0.4))).toBeGreaterThan(light(colour(0.3)));
});

test('the top is round and leaves out the few largest', () => {
  expect(top([])).toBe(1);
  expect(top([0, 0])).toBe(1);
  expect(top([0.4])).toBe(1);
  const values = Array.from({ length: 1000 }, (_, i) => i + 1);
  expect(top([...values, 90_000])).toBe(1000);
});

test('the top stays while values move a little, and follows when they grow or fall far', () => {
  expect(steadyTop(100, 80)).toBe(100);
  expect(steadyTop(100, 50)).toBe(50);
  expect(steadyTop(100, 150)).toBe(150);
});

test('place and value are each other\'s inverse; nothing and negative power have no colour', () => {
  for (const v of [1, 7, 60]) expect(valueAt(intensity(v, 100), 100)).toBeCloseTo(v, 9);
  expect(intensity(500, 100)).toBe(1);
  expect([intensity(0, 100), intensity(-5, 100)]).toEqual([0, 0]);
});

test('cells are finer the nearer the map is', () => {
  expect([7.8, 9, 10.5, 13].map(resolutionFor)).toEqual([6, 7, 8, 9]);
});
