// The pages of a city of 12,000 stations with vehicles in every cell of its heat map.
import { describe, expect, test } from 'vitest';
import { answer, colours, figure, keepsTheRules, open } from '../e2e/browser.ts';
import { timed } from '../e2e/budget.ts';
import { dragged, shown } from '../e2e/measure.ts';

describe('12,000 stations and a full heat map', () => {
  test('the wall draws every cell, goes on counting, and can be moved', async () => {
    const { cells } = await answer<{ cells: unknown[] }>('/heatmap?layer=vehicles&res=8');
    expect(cells.length).toBeGreaterThan(3000);
    const watched = await open('/wall?lang=zh', { viewport: { width: 1920, height: 1080 } });
    const { page } = watched;
    await expect.poll(async () => figure(await page.locator('.figure b').nth(3).textContent())).toBe(20_000);
    await expect.poll(() => colours(page, { x: 700, y: 350, width: 400, height: 300 }), { interval: 500 }).toBeGreaterThan(50);
    const before = await shown(page);
    timed(`wall, frames a second while ${cells.length} cells are dragged`, await dragged(page, 4), '', { least: 25 });
    await expect.poll(() => shown(page)).not.toBe(before);
    await page.locator('.wall:not(.stale) .state.live').waitFor();
    await keepsTheRules(watched);
    await page.context().close();
  });

  test('without WebGL the wall draws them, too', async () => {
    const { page } = await open('/wall?lang=zh', { viewport: { width: 1920, height: 1080 }, webgl: false });
    // A path for each colour, in it a ring for each cell of the view.
    const rings = async (): Promise<number> =>
      (await page.locator('.map svg .cell').evaluateAll((all) => all.map((e) => (e.getAttribute('d') ?? '').split('M').length - 1)))
        .reduce((a, b) => a + b, 0);
    await expect.poll(rings).toBeGreaterThan(500);
    await page.context().close();
  });

  test('the driver\'s page lists the nearest and answers a tap', async () => {
    const watched = await open('/?lang=zh&near=102.71,25.039', { viewport: { width: 390, height: 844 } });
    const { page } = watched;
    await page.locator('main .row').first().waitFor();
    expect(await page.locator('main .row').count()).toBe(10);
    const began = performance.now();
    await page.locator('main .row').nth(1).click();
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    timed('driver, a tap opens a station of 12,000', performance.now() - began, 'ms', { most: 1000 });
    await keepsTheRules(watched);
    await page.context().close();
  });
});
