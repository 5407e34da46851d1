import { describe, expect, test } from 'vitest';
import { loadBase } from '../../src/lib/basemap.ts';
import { cityOf, KUNMING, type ConfigAnswer } from '../../src/lib/config.ts';

const shenzhen: ConfigAnswer = {
  city: {
    name: '深圳', nameEn: null, zone: 'Asia/Shanghai', bounds: [113.7, 22.4, 114.7, 22.9],
    builtUp: [113.8, 22.45, 114.3, 22.75], tariff: null, places: [], basemap: { schematic: false },
  },
};

describe('another city', () => {
  test('has nothing of the built-in one, and a place to start from', () => {
    const city = cityOf(shenzhen);
    expect([city.name, city.nameEn, city.tariff, city.schematic]).toEqual(['深圳', '深圳', null, false]);
    expect(city.bounds).toEqual([113.7, 22.4, 114.7, 22.9]);
    expect(city.places).toHaveLength(1);
    expect(city.places[0]?.name).toBe('深圳');
    expect(city.places[0]?.lon).toBeCloseTo(114.05);
    expect(city.places[0]?.lat).toBeCloseTo(22.6);
  });

  test('stands on an empty ground with the names of its places', async () => {
    const ground = await loadBase(cityOf(shenzhen));
    expect([ground.districts.features, ground.water.features]).toEqual([[], []]);
    expect(ground.names.features.map((f) => f.properties)).toEqual([{ zh: '深圳', en: '深圳' }]);
  });
});

test('a platform without a city is taken for the built-in one', () => {
  expect(cityOf({ city: null })).toEqual(KUNMING);
});
