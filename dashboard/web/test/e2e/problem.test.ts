import { describe, expect, test } from 'vitest';
import { BASE, keepsTheRules, open } from './browser.ts';

describe('where there is no page', () => {
  test.each([
    ['zh-CN', 'light', 390, '没有这个页面', '附近充电'],
    ['en-GB', 'dark', 1366, 'No such page', 'Charging nearby'],
  ] as const)('a browser in %s and %s, %d wide, is told so and led on', async (locale, colorScheme, width, title, way) => {
    for (const path of ['/no/such/page', '/api/v9/none']) {
      const watched = await open(path, { viewport: { width, height: 844 }, webgl: false, locale, colorScheme });
      const { page } = watched;
      expect(await page.locator('h1').textContent()).toContain(title);
      expect(await page.locator('main').textContent()).toContain(path);
      watched.errors.splice(0, 1); // the browser notes the 404 itself
      await keepsTheRules(watched);
      await page.locator('main a', { hasText: way }).click();
      await page.waitForURL(`${BASE}/?lang=${locale.slice(0, 2)}*`);
      await page.context().close();
    }
  });

  test('a program is told so in its own form', async () => {
    const response = await fetch(`${BASE}/api/v9/none`);
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
  });
});

describe('without JavaScript', () => {
  test.each([['/', '/plain/stations'], ['/desk', '/plain/desk']])('%s leads to %s by itself', async (from, to) => {
    const { page } = await open(from, { viewport: { width: 390, height: 844 }, webgl: false, javaScriptEnabled: false });
    await page.waitForURL(`${BASE}${to}`);
    expect(await page.locator('h1').count()).toBe(1);
    await page.context().close();
  });
});
