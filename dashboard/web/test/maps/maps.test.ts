// Grounds that a deployer brings, as the pages draw them: what is asked for, what
// is drawn, and where. DIANCHI_MAPS names a platform for each (basemaps_test.go).
import type { Map as GLMap } from 'maplibre-gl';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { open, pixels, type Watched } from '../e2e/browser.ts';
import { admin } from '../e2e/platform.ts';

declare global {
  var theMap: GLMap;
}

const MAPS = JSON.parse(process.env.DIANCHI_MAPS ?? '{}') as Record<'pictures' | 'style' | 'file', string>;
const viewport = { width: 1366, height: 768 };
const SQUARE = [102.7101, 25.0389] as const; // of the pictures, and our station's place
const LAKE = [102.7, 24.8] as const; // in the middle of 滇池

/** MapLibre keeps its container under this name: so the page's map is found without a word of it in the page. */
function findMap(): void {
  Object.defineProperty(Object.prototype, '_container', {
    configurable: true,
    set(this: object, value: unknown) {
      Object.defineProperty(this, '_container', { value, writable: true, configurable: true, enumerable: true });
      if ('queryRenderedFeatures' in this) globalThis.theMap = this as GLMap;
    },
  });
}

async function ground(platform: string, path: string, ready: string, size = viewport): Promise<Watched> {
  const watched = await open('/icon.svg', { viewport: size });
  const { page } = watched;
  await page.addInitScript(findMap);
  await page.goto(platform + path);
  await page.locator(ready).first().waitFor();
  await page.waitForFunction(() => globalThis.theMap?.loaded());
  return watched;
}

/** Where a position is on the screen. */
const project = (page: Page, at: readonly [number, number]): Promise<[x: number, y: number]> =>
  page.evaluate(([lon = 0, lat = 0]) => {
    const { left, top } = theMap.getContainer().getBoundingClientRect();
    const { x, y } = theMap.project([lon, lat]);
    return [left + x, top + y] as [number, number];
  }, [...at]);

/** How many features a layer draws. */
const drawn = (page: Page, layer: string): Promise<number> =>
  page.evaluate((id) => (theMap.getLayer(id) ? theMap.queryRenderedFeatures({ layers: [id] }).length : 0), layer);

/** Where the first feature of a layer is on the screen. */
const placeOf = async (page: Page, layer: string): Promise<[x: number, y: number]> => {
  const at = await page.evaluate((id) => {
    const [first] = theMap.queryRenderedFeatures({ layers: [id] });
    return first?.geometry.type === 'Point' ? (first.geometry.coordinates as [number, number]) : null;
  }, layer);
  if (!at) throw new Error(`${layer} draws nothing`);
  return project(page, at);
};

/** The colour at a place of the screen. */
async function colourAt(page: Page, [x, y]: readonly [number, number]): Promise<number[]> {
  const [pixel] = await pixels(page, { x: Math.round(x), y: Math.round(y), width: 1, height: 1 });
  return [...(pixel ?? [])];
}

/** The middle of all that is redder than anything else within 150 pixels of a place. */
async function middleOfRed(page: Page, [cx, cy]: readonly [number, number]): Promise<[x: number, y: number]> {
  const clip = { x: Math.round(cx) - 150, y: Math.round(cy) - 150, width: 300, height: 300 };
  const red = (await pixels(page, clip)).flatMap(([r, g, b], i) => (r > g + 30 && r > b + 30 ? [i] : []));
  expect(red.length).toBeGreaterThan(100);
  const mean = (of: (i: number) => number): number => red.reduce((sum, i) => sum + of(i), 0) / red.length;
  return [clip.x + mean((i) => i % clip.width), clip.y + mean((i) => Math.floor(i / clip.width))];
}

const apart = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]): number => Math.hypot(a - c, b - d);
const lakes = (page: Page): Promise<unknown> => page.evaluate(() => theMap.getLayoutProperty('lake', 'visibility'));

describe('the wall', () => {
  test('pictures in GCJ-02: a station stands where the pictures have it, the ground is named', async () => {
    const { page, errors } = await ground(MAPS.pictures, '/wall?lang=zh&station=op%3AS1', '.corner span');
    expect(await page.locator('.corner span').textContent()).toMatch(/© 测试图商\s+审图号：GS\(2026\)0001号/);
    await expect.poll(() => drawn(page, 'chosen')).toBe(1);
    await page.waitForFunction(() => theMap.loaded() && !theMap.isMoving());
    const ring = await placeOf(page, 'chosen');
    expect(apart(await middleOfRed(page, ring), ring)).toBeLessThan(4);
    // Unmoved it would stand a street away: half a kilometre.
    expect(apart(await project(page, SQUARE), ring)).toBeGreaterThan(20);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a style of vector tiles takes the drawing\'s place, under official borders', async () => {
    const { page, errors, outside } = await ground(MAPS.style, '/wall?lang=zh', '.corner span');
    await expect.poll(() => drawn(page, 'base-water')).toBeGreaterThan(0);
    expect(await drawn(page, 'inner')).toBeGreaterThan(0);
    await expect.poll(async () => colourAt(page, await project(page, LAKE))).toEqual([255, 0, 255]);
    expect(await page.locator('.legend').textContent()).not.toContain('示意');
    expect(outside.some((url) => url.endsWith('.mvt'))).toBe(true);
    expect(errors).toEqual([]); // the pages' policy lets its origin in
    await page.context().close();
  });

  test('a PMTiles file comes in parts and is drawn in our colours', async () => {
    const { page, errors } = await open('/icon.svg', { viewport });
    const parts: number[] = [];
    page.on('response', (r) => void (r.url().endsWith('.pmtiles') && parts.push(r.status())));
    await page.addInitScript(findMap);
    await page.goto(`${MAPS.file}/wall?lang=zh`);
    await page.locator('.corner span').waitFor();
    await expect.poll(() => drawn(page, 'base-water')).toBeGreaterThan(0);
    await expect.poll(async () => colourAt(page, await project(page, LAKE))).toEqual([0x0c, 0x26, 0x38]);
    expect(new Set(parts)).toEqual(new Set([206]));
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('official borders without a base map are drawn in place of the schematic ones', async () => {
    const { page, errors } = await open('/icon.svg', { viewport });
    await page.addInitScript(findMap);
    await page.route('**/api/v1/config', async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { city: { basemap: { style: string | null } } };
      body.city.basemap.style = null;
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${MAPS.style}/wall?lang=zh`);
    await page.waitForFunction(() => globalThis.theMap?.loaded());
    for (const layer of ['city', 'districtNames']) {
      await expect.poll(() => page.evaluate((id) =>
        [...new Set(theMap.queryRenderedFeatures({ layers: [id] }).map((f) => f.properties.zh as string))].toSorted(), layer))
        .toEqual(['五华区', '盘龙区']);
    }
    expect(await page.locator('.legend').textContent()).not.toContain('区界为示意');
    expect(errors).toEqual([]);
    await page.context().close();
  });
});

describe('the other pages', () => {
  test('the driver\'s pins stand where the pictures have them', async () => {
    const { page, errors } = await ground(MAPS.pictures, '/?lang=zh&theme=light&near=102.72,25.045', 'main .row');
    await expect.poll(() => page.locator('.pane .note').textContent()).toMatch(/© 测试图商\s+审图号：GS/);
    await expect.poll(() => drawn(page, 'pins')).toBe(1);
    const pin = await placeOf(page, 'pins');
    expect(apart(await middleOfRed(page, pin), pin)).toBeLessThan(4);
    expect(apart(await project(page, SQUARE), pin)).toBeGreaterThan(20);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the regulator\'s map of a station has the ground under it, and says whose it is', async () => {
    const token = await admin('token', 'add', '--role', 'regulator'); // of the platform that was started last
    const { page, errors } = await open('/icon.svg', { viewport });
    await page.addInitScript(findMap);
    await page.goto(`${MAPS.file}/desk?lang=zh#token=${token}`);
    await page.locator('.shell').waitFor();
    await page.evaluate(() => (location.hash = '#/stations/op%3AS1'));
    await page.locator('.map .ground').waitFor();
    expect(await page.locator('.map .ground').textContent()).toBe('© 测试图商');
    await expect.poll(() => drawn(page, 'base-earth')).toBeGreaterThan(0);
    expect(await lakes(page)).toBe('none'); // the drawing has made room
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
