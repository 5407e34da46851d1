import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Station, StationDetail } from '../../src/lib/types.ts';
import { answer, figure, keepsTheRules, open } from './browser.ts';

const viewport = { width: 390, height: 844 };
const NEAR = '102.71,25.039';

const rows = (page: Page) => page.locator('main .row');

async function listed(page: Page): Promise<void> {
  await rows(page).first().waitFor();
}

describe('the driver\'s page', () => {
  test('lists the nearest stations with count, price, distance and age', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    const { stations } = await answer<{ stations: Station[] }>(`/stations?near=${NEAR}&limit=10`);
    expect(await rows(page).count()).toBe(10);
    expect(await page.locator('main .row strong').allTextContents()).toEqual(stations.map((s) => s.name));
    const first = await rows(page).first().innerText();
    expect(first).toMatch(/\d+\s*\/\d+/);
    expect(first).toMatch(/(米|公里)/);
    expect(first).toMatch(/(前更新|刚刚更新|从未上报)/);
    expect(first).toMatch(/(¥\d+\.\d\d|电价未知)/);
    for (const text of await rows(page).allInnerTexts()) expect(text).toContain('停车');
    await page.context().close();
  });

  test('filters stand in the address, and hold', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    await page.getByRole('button', { name: '仅空闲', exact: true }).click();
    await page.getByRole('button', { name: '快充', exact: true }).click();
    await expect.poll(() => page.url()).toMatch(/free=1.*kind=dc/);
    const path = `/stations?near=${NEAR}&free=1&kind=dc&limit=10`;
    // Stations fill up and empty while this runs: the list and the answer need to meet once.
    const apart = async (): Promise<string[]> => {
      const { stations } = await answer<{ stations: Station[] }>(path);
      const shown = await page.locator('main .row strong').allTextContents();
      return stations.map((s) => s.name).filter((name, i) => shown[i] !== name);
    };
    await expect.poll(apart, { interval: 500 }).toEqual([]);
    for (const text of await page.locator('main .count b').allTextContents()) expect(figure(text)).toBeGreaterThan(0);
    await page.reload();
    await listed(page);
    expect(await page.getByRole('button', { name: '仅空闲', exact: true }).getAttribute('aria-pressed')).toBe('true');
    await page.context().close();
  });

  test('a station shows every pile and leads there with the right datum; back closes it', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    const { stations } = await answer<{ stations: Station[] }>(`/stations?near=${NEAR}&limit=1`);
    const path = `/stations/${encodeURIComponent(stations[0]?.id ?? '')}`;
    const { station } = await answer<{ station: StationDetail }>(`${path}?crs=gcj02`);
    await rows(page).first().click();
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    expect(page.url()).toContain('sel=');
    await expect.poll(() => page.locator('main section li').count()).toBe(station.pileList.length);
    await page.getByRole('button', { name: '导航', exact: true }).click();
    const hrefs = await page.locator('.apps a').evaluateAll((links) => links.map((a) => (a as HTMLAnchorElement).href));
    expect(hrefs).toHaveLength(5);
    expect(hrefs[0]).toContain(`to=${station.lon.toFixed(6)},${station.lat.toFixed(6)}`);
    await page.goBack();
    await expect.poll(() => page.getByRole('region', { name: '每个桩' }).count()).toBe(0);
    await page.context().close();
  });

  test('without a position it starts from a place, and another can be chosen', async () => {
    const { page } = await open('/', { viewport, webgl: false });
    await listed(page);
    const before = await page.locator('main .row strong').first().textContent();
    await page.getByRole('button', { name: '更改出发地', exact: true }).click();
    await page.getByRole('button', { name: '大学城', exact: true }).click();
    await expect.poll(() => page.url()).toContain('near=102.85');
    await expect.poll(() => page.locator('main .row strong').first().textContent()).not.toBe(before);
    await page.context().close();
  });

  test('with a position it starts from there, and keeps it out of the address', async () => {
    const { page } = await open('/', {
      viewport, webgl: false, permissions: ['geolocation'], geolocation: { longitude: 102.8601, latitude: 24.8772 },
    });
    await page.getByText('从我的位置出发').waitFor();
    const { stations } = await answer<{ stations: Station[] }>('/stations?near=102.8601,24.8772&limit=1');
    await expect.poll(() => page.locator('main .row strong').first().textContent()).toBe(stations[0]?.name);
    expect(page.url()).not.toContain('near=');
    await page.context().close();
  });

  test.each([
    ['zh', 'light', true],
    ['en', 'dark', true],
    ['zh', 'dark', false],
    ['en', 'light', false],
  ] as const)('in %s and %s it keeps the rules (WebGL %s)', async (lang, theme, webgl) => {
    const watched = await open(`/?lang=${lang}&theme=${theme}&near=${NEAR}`, { viewport, webgl });
    const { page } = watched;
    await listed(page);
    const drawn = page.locator(webgl ? '.pane canvas' : '.pane svg .pin').first();
    await drawn.waitFor({ state: 'attached' });
    await rows(page).nth(1).click();
    await page.locator('main section li').first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    if (lang === 'en') {
      const words = await page.locator('h1, .chips, .line, dt, h2, .navigate, .note, .state').allTextContents();
      expect(words.join(' ')).not.toMatch(/[\u4e00-\u9fff]/);
    }
    await keepsTheRules(watched);
    await page.context().close();
  });

  test('a station that is not there is said to be so', async () => {
    const { page } = await open(`/?near=${NEAR}&sel=none%3ANONE`, { viewport, webgl: false });
    await page.getByText('没有这个充电站').waitFor();
    await page.context().close();
  });
});
