import { describe, expect, test } from 'vitest';
import { KUNMING } from '../../src/lib/config.ts';
import { routeOf, type Route } from '../../src/driver/offline.ts';
import { readSnapshot, type Snapshot } from '../../src/driver/snapshot.ts';
import { newsOf } from '../../src/driver/news.ts';
import { reached } from '../../build/worker.ts';

const HERE = 'https://city.example';
const SHELL = ['/', '/icon.svg', '/assets/driver-AbC.js'];

describe('the worker', () => {
  test.each<[string, Route]>([
    ['/', 'page'], ['/?free=1&lang=en', 'page'], ['/icon.svg', 'file'], ['/assets/driver-AbC.js', 'file'],
    ['/assets/maplibre-gl-XyZ.js', 'file'], ['/assets/wall-XyZ.js', 'none'], ['/wall', 'none'], ['/plain', 'none'],
    ['/api/v1/config', 'answer'], ['/api/v1/operators', 'answer'], ['/api/v1/stations/teld%3AS1', 'answer'],
    ['/api/v1/stations?near=1,2', 'none'], ['/api/v1/live', 'none'], ['/api/v1/history/piles/x', 'none'],
    ['https://elsewhere.example/', 'none'],
  ])('takes %s as %s', (path, want) => {
    expect(routeOf('GET', new URL(path, HERE), HERE, SHELL)).toBe(want);
  });

  test('lets what is not read pass', () => {
    expect(routeOf('POST', new URL('/', HERE), HERE, SHELL)).toBe('none');
  });

  test('is told of everything that the page reaches but the map', () => {
    const chunk = (imports: string[], dynamicImports: string[] = [], css: string[] = []): { type: string } => ({
      type: 'chunk', imports, dynamicImports,
      viteMetadata: { importedCss: new Set(css), importedAssets: new Set() },
    }) as { type: string };
    const bundle = {
      'a/driver.js': chunk(['a/shared.js'], ['a/Station.js', 'a/maplibre-gl.js'], ['a/driver.css']),
      'a/shared.js': chunk([]), 'a/Station.js': chunk(['a/shared.js']), 'a/maplibre-gl.js': chunk([]),
      'a/driver.css': { type: 'asset' }, 'a/wall.js': chunk(['a/shared.js']),
    };
    expect(reached(bundle, 'a/driver.js')).toEqual(['a/Station.js', 'a/driver.css', 'a/driver.js', 'a/shared.js']);
  });
});

describe('the last known state', () => {
  const kept: Snapshot = { version: 1, at: 1_000_000, origin: [102.7, 25], city: KUNMING, operators: [], stations: [] };

  test('is read as it was kept, while it is not too old to help', () => {
    expect(readSnapshot(JSON.stringify(kept), 1_000_000 + 3_600_000)).toEqual(kept);
    expect(readSnapshot(JSON.stringify(kept), 1_000_000 + 49 * 3_600_000)).toBeNull();
  });

  test.each([[null], ['nonsense'], ['{}'], ['{"version":2}'], ['{"version":1,"stations":5}']])('%s is none', (text) => {
    expect(readSnapshot(text, 1_000_000)).toBeNull();
  });
});

test.each<[number | null, number, string | null]>([
  [null, 3, null], [0, 0, null], [0, 1, 'freed'], [2, 0, 'filled'], [2, 5, null], [5, 2, null],
])('from %j free to %d it says %j', (before, now, want) => {
  expect(newsOf(before, now)).toBe(want);
});
