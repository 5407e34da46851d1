import { describe, expect, test } from 'vitest';
import {
  boxAround, circle, clip, distanceM, flat, inBox, MAX_TILES, moved, splitBox, svgPath, tileBox, tileCount,
} from '../../src/lib/geo.ts';
import type { Box, LonLat } from '../../src/lib/types.ts';

const CITY: Box = [102.16, 24.38, 103.68, 26.56];
const BUILT_UP: Box = [102.58, 24.78, 102.95, 25.16];

describe('distances', () => {
  test.each<[LonLat, LonLat, number]>([
    [[102.71, 25.039], [102.71, 25.039], 0],
    [[102.71, 25], [102.71, 26], 111_195],
    [[102, 25.04], [103, 25.04], 100_744],
  ])('from %j to %j are %d m', (a, b, want) => {
    expect(distanceM(a, b)).toBeCloseTo(want, -1);
  });

  test('a point moved by a distance is that far away', () => {
    for (const bearing of [0, 45, 90, 200, 359]) {
      expect(distanceM([102.71, 25.04], moved([102.71, 25.04], 5000, bearing))).toBeCloseTo(5000, -1);
    }
  });

  test('a circle is closed and lies in the box around it', () => {
    const ring = circle([102.71, 25.04], 1000);
    const [west, south, east, north] = boxAround([102.71, 25.04], 1001);
    expect(ring[0]?.[0]).toBeCloseTo(ring.at(-1)?.[0] ?? 0, 9);
    for (const at of ring) expect(inBox(at, [west, south, east, north])).toBe(true);
  });
});

describe('boxes of tiles', () => {
  test('the whole city is cut into boxes that the platform takes', () => {
    const parts = splitBox(tileBox(CITY));
    expect(tileCount(CITY)).toBeGreaterThan(MAX_TILES);
    for (const part of parts) expect(tileCount(part)).toBeLessThanOrEqual(MAX_TILES);
    const total = parts.reduce((sum, part) => sum + tileCount(part), 0);
    expect(total).toBe(tileCount(CITY)); // no tile twice, none left out
  });

  test('what fits stays one box', () => {
    expect(splitBox(BUILT_UP)).toEqual([BUILT_UP]);
  });

  test('whole tiles hold the box and touch no more tiles', () => {
    const whole = tileBox(BUILT_UP);
    expect(tileCount(whole)).toBe(tileCount(BUILT_UP));
    expect(inBox([BUILT_UP[0], BUILT_UP[1]], whole) && inBox([BUILT_UP[2], BUILT_UP[3]], whole)).toBe(true);
    expect(tileBox(whole).map((v) => v.toFixed(4))).toEqual(whole.map((v) => v.toFixed(4)));
  });

  test('a view is clipped to the city', () => {
    expect(clip([102, 24, 102.5, 25], CITY)).toEqual([102.16, 24.38, 102.5, 25]);
    expect(clip([90, 24, 91, 25], CITY)).toBeNull();
  });
});

test('a flat drawing keeps shapes: a circle is as high as it is wide', () => {
  const view = flat(boxAround([102.71, 25.04], 1000), 200);
  const points = circle([102.71, 25.04], 1000).map((at) => view.point(at));
  const span = (i: 0 | 1): number => Math.max(...points.map((p) => p[i])) - Math.min(...points.map((p) => p[i]));
  expect(span(0)).toBeCloseTo(200, 0);
  expect(span(1)).toBeCloseTo(200, 0);
});

test('rings become paths', () => {
  const path = svgPath({ width: 1, height: 1, point: ([x, y]) => [x, y] }, [[[1, 2], [3, 4]]]);
  expect(path).toBe('M1.0 2.0L3.0 4.0Z');
});

test.each([
  ['no ring', [], null],
  ['an empty ring', [[]], null],
  ['a ring of one point', [[[1, 2]]], null],
  ['an empty ring beside a whole one', [[], [[1, 2], [3, 4]]], 'M1.0 2.0L3.0 4.0Z'],
] as [string, number[][][], string | null][])('%s is a whole path or none', (_, found, path) => {
  expect(svgPath({ width: 1, height: 1, point: ([x, y]) => [x, y] }, found)).toBe(path);
});
