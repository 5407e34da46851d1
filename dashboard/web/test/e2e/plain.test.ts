import { describe, expect, test } from 'vitest';
import { open } from './browser.ts';

describe.each([390, 1366])('without JavaScript, %d wide', (width) => {
  const options = { viewport: { width, height: 844 }, javaScriptEnabled: false, webgl: false };

  test('the city\'s figures and its operators', async () => {
    const { page, outside, errors } = await open('/plain?lang=zh', options);
    expect(await page.locator('h1').textContent()).toContain('充电设施实时概况');
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(0);
    expect([...outside, ...errors]).toEqual([]);
    await page.context().close();
  });

  test('the nearest stations of a place', async () => {
    const { page, outside, errors } = await open('/plain/stations?lang=en&place=1', options);
    expect(await page.locator('.stations li').count()).toBeGreaterThan(0);
    await page.locator('input[name=free]').check();
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/free=1/);
    for (const text of await page.locator('.count b').allTextContents()) expect(Number(text)).toBeGreaterThan(0);
    expect([...outside, ...errors]).toEqual([]);
    await page.context().close();
  });
});
