import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bytes, loadOf } from '../../build/sizes.ts';

const dist = fileURLToPath(new URL('../../../dist', import.meta.url));
const GEO = ['geo/base.geojson', 'geo/districts.topo.json'];
// Loaded only where WebGL is missing, where a deployer brings a base map, or once somebody asks for help,
// another stop or a watch; pmtiles is built as esm-….
const simple = (path: string): boolean => !/\/(Svg|Help|StopPanel|WatchBar|tiles|esm)/.test(path);

// Budgets of the screens page, in bytes on the wire.
describe.skipIf(!existsSync(`${dist}/wall.html`))('sizes of the built pages', () => {
  const all = (page: string): string[] => {
    const { first, later } = loadOf(dist, page);
    return [...first, ...later, ...GEO].filter(simple);
  };

  test('the wall loads at most 700 kB', () => {
    const size = bytes(dist, all('wall.html'), '.br');
    console.info(`wall: ${size} B br`);
    expect(all('wall.html').some((path) => path.includes('maplibre-gl-worker'))).toBe(true);
    expect(size).toBeLessThanOrEqual(700_000);
  });

  test('the driver\'s list loads at most 45 kB gzipped before its map', () => {
    const code = [...loadOf(dist, 'driver.html').first];
    const size = bytes(dist, code, '.gz');
    console.info(`driver's list: ${size} B gz`);
    expect(code.some((path) => path.includes('maplibre'))).toBe(false);
    expect(size).toBeLessThanOrEqual(45_000);
  });

  test('the driver\'s page loads at most 480 kB with its map', () => {
    const size = bytes(dist, all('driver.html'), '.br');
    console.info(`driver with map: ${size} B br`);
    expect(all('driver.html').some((path) => path.includes('maplibre-gl'))).toBe(true);
    expect(size).toBeLessThanOrEqual(480_000);
  });

  test('the desk loads at most 300 kB before its map, whichever view is open', () => {
    const { first, later } = loadOf(dist, 'desk.html');
    // The map comes on demand: MapLibre with its worker and style, and what draws tiles.
    const map = (path: string): boolean => /maplibre|pmtiles|\/tiles/.test(path);
    const size = bytes(dist, [...first, ...later].filter((path) => !map(path)), '.br');
    console.info(`desk, all views, without its map: ${size} B br; first load ${bytes(dist, first, '.br')} B br`);
    expect([...first].some(map)).toBe(false);
    expect(size).toBeLessThanOrEqual(300_000);
  });
});
