import { describe, expect, test } from 'vitest';
import { declutter, MOST_PINS, type Picture } from '../../src/driver/declutter.ts';
import { zoomFor, type Pin } from '../../src/driver/rings.ts';

const pin = (id: string, x: number, y: number): Pin => ({ id, at: [x, y], shape: 'free', count: 1 });
const picture = (given: Partial<Picture> = {}): Picture => ({
  width: 400, height: 300, apart: 50, keep: new Set(), first: new Set(), clear: [], project: (p) => p.at, ...given,
});
const ids = (list: Pin[]): string[] => list.map((p) => p.id);

describe('pins', () => {
  test('the more important of two that would overlap stands, the other is a dot', () => {
    const { whole, dots } = declutter([pin('a', 100, 100), pin('b', 120, 100), pin('c', 160, 100)], picture());
    expect([ids(whole), ids(dots)]).toEqual([['a', 'c'], ['b']]);
  });

  test('those that stood before stay, whatever order fresh counts bring', () => {
    const list = [pin('b', 120, 100), pin('a', 100, 100)];
    expect(ids(declutter(list, picture({ keep: new Set(['a']) })).whole)).toEqual(['a']);
  });

  test('the chosen one always stands', () => {
    const list = [pin('a', 100, 100), pin('b', 101, 100)];
    expect(ids(declutter(list, picture({ first: new Set(['b']) })).whole)).toEqual(['b']);
    expect(ids(declutter([pin('far', -50, 0)], picture({ first: new Set(['far']) })).whole)).toEqual(['far']);
  });

  test('nothing stands on the start or on a label, nor outside the picture', () => {
    const list = [pin('a', 100, 100), pin('out', 500, 100)];
    expect(declutter(list, picture({ clear: [{ x: 110, y: 100, r: 20 }] })).whole).toEqual([]);
  });

  test('a dense centre has at most so many pins, and they do not touch', () => {
    const dense = Array.from({ length: 3000 }, (_, i) => pin(`p${i}`, (i * 37) % 1900, (i * 91) % 1080));
    const { whole, dots } = declutter(dense, picture({ width: 1900, height: 1080, apart: 52 }));
    expect(whole).toHaveLength(MOST_PINS);
    expect(dots).toHaveLength(3000 - MOST_PINS);
    for (const a of whole) {
      for (const b of whole) if (a !== b) expect(Math.hypot(a.at[0] - b.at[0], a.at[1] - b.at[1])).toBeGreaterThanOrEqual(52);
    }
  });
});

test('the first view holds the nearest stations, within reason', () => {
  expect(zoomFor([], 25)).toBe(13);
  expect(zoomFor([100, 150, 200], 25)).toBeCloseTo(14.5, 1);
  expect(zoomFor([40_000], 25)).toBe(10.5);
  const near = Array.from({ length: 50 }, (_, i) => 200 * (i + 1));
  expect(zoomFor(near, 25)).toBeCloseTo(12.65, 1);
});
