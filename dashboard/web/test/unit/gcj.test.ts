import { expect, test } from 'vitest';
import { boxBy, datumOf, fromGCJ, geoBy, toGCJ } from '../../src/lib/gcj.ts';
import { distanceM } from '../../src/lib/geo.ts';
import { DARK } from '../../src/lib/mapstyle.ts';
import { vectorLayers } from '../../src/lib/tiles.ts';
import type { LonLat } from '../../src/lib/types.ts';

const KUNMING: LonLat = [102.712, 25.04];

test('GCJ-02 lies some hundred metres away in China, and nowhere else', () => {
  // A pair from the platform's own conversion (crs=gcj02).
  expect(toGCJ([102.762454, 24.978564]).map((v) => v.toFixed(6))).toEqual(['102.763944', '24.975607']);
  expect(toGCJ([2.35, 48.85])).toEqual([2.35, 48.85]);
  const back = fromGCJ(toGCJ(KUNMING));
  expect(distanceM(KUNMING, back)).toBeLessThan(0.001);
});

test('a WGS-84 map moves nothing; a GCJ-02 one moves boxes and shapes', () => {
  const same = datumOf('wgs84');
  expect(same.to(KUNMING)).toBe(KUNMING);
  const shape = { type: 'MultiLineString' as const, coordinates: [[KUNMING, [103, 25] as LonLat]] };
  expect(geoBy(same.to, shape)).toBe(shape);
  const { to, from } = datumOf('gcj02');
  const collection = {
    type: 'FeatureCollection' as const, features: [{ type: 'Feature' as const, properties: {}, geometry: shape }],
  };
  const moved = geoBy(to, collection).features[0]?.geometry.coordinates[0]?.[0] as LonLat;
  expect(distanceM(moved, to(KUNMING))).toBeLessThan(0.001);
  const box = boxBy(to, [102, 24, 103, 26]);
  expect(distanceM([box[0], box[1]], [102, 24])).toBeGreaterThan(100);
  expect(boxBy(from, box).map((v) => v.toFixed(6))).toEqual(['102.000000', '24.000000', '103.000000', '26.000000']);
});

test('a vector file is drawn as far as it has the layers of the usual schemas', () => {
  const ids = (there: string[]): string[] =>
    vectorLayers(new Set(there), { palette: DARK, dark: true, lang: 'zh' }).map((l) => l.id);
  expect(ids(['earth', 'water', 'roads', 'places', 'secret'])).toEqual(['earth', 'water', 'roads', 'places']);
  expect(ids(['water', 'transportation', 'place'])).toEqual(['water', 'transportation', 'place']);
  expect(ids([])).toEqual([]);
});
