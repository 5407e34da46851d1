// The budgets of the screens, measured in a real browser; budget.ts says which of
// them have to hold where. DIANCHI_SECONDS is how long a wall is watched.
import { describe, expect, test } from 'vitest';
import { colours, figure, open } from './browser.ts';
import { holds, timed } from './budget.ts';
import { count, dragged, fileBytes, firstPaint, heap, shown, wire } from './measure.ts';
import { admin } from './platform.ts';

const SECONDS = Number(process.env.DIANCHI_SECONDS ?? 60);

describe('what the pages cost', () => {
  test('the wall: first load, first paint, figures, wire, memory, frames', async () => {
    const way = await wire();
    const { page } = await open('/icon.svg', { viewport: { width: 1920, height: 1080 } });
    await page.goto(`${way.address}/wall`);
    timed('wall, first paint', await firstPaint(page), 'ms', { most: 1500 });
    await page.locator('.state.live').waitFor();
    await expect.poll(async () => figure(await page.locator('.figure b').first().textContent()), { interval: 20 }).toBeGreaterThan(0);
    timed('wall, first live figures', await page.evaluate(() => performance.now()), 'ms', { most: 3000 });
    await expect.poll(() => colours(page, { x: 700, y: 350, width: 400, height: 300 }), { interval: 500 }).toBeGreaterThan(50);
    holds('wall, first load with its map, brotli', (await fileBytes(page)) / 1000, 'kB', 700);

    const cdp = await page.context().newCDPSession(page);
    await page.waitForTimeout(5000); // whole states, code and caches have settled
    const [held, came, began] = [await heap(cdp), way.bytes(), performance.now()];
    await page.waitForTimeout(SECONDS * 1000);
    const seconds = (performance.now() - began) / 1000;
    holds('wall, on the wire', (way.bytes() - came) / 1000 / seconds, 'kB/s', 20);
    holds(`wall, memory gained in ${SECONDS} s`, ((await heap(cdp)) - held) / 1e6, 'MB', 5);

    timed('wall, frames a second with live updates, software drawing', await page.evaluate(count, 5000), '', { least: 25 });
    const before = await shown(page);
    timed('wall, frames a second while its map is dragged, software drawing', await dragged(page, 5), '', { least: 25 });
    await expect.poll(() => shown(page)).not.toBe(before);
    await page.context().close();
    way.close();
  });

  test('the driver\'s page: first paint, list, files', async () => {
    const { page } = await open('/?near=102.71,25.039', { viewport: { width: 390, height: 844 } });
    timed('driver, first paint', await firstPaint(page), 'ms', { most: 1500 });
    await page.locator('main .row').first().waitFor();
    timed('driver, first live figures', await page.evaluate(() => performance.now()), 'ms', { most: 3000 });
    await page.locator('.pane canvas').first().waitFor({ state: 'attached' });
    holds('driver, first load with its map, brotli', (await fileBytes(page)) / 1000, 'kB', 480);
    await page.context().close();
  });

  test('the desk: first paint, figures, files', async () => {
    const token = await admin('token', 'add', '--role', 'operator', '--party', 'teld');
    const { page } = await open(`/desk#token=${token}`, { viewport: { width: 1366, height: 768 }, webgl: false });
    timed('desk, first paint', await firstPaint(page), 'ms', { most: 1500 });
    await page.locator('main .counts, main .facts').first().waitFor();
    timed('desk, first live figures', await page.evaluate(() => performance.now()), 'ms', { most: 3000 });
    holds('desk, first load, brotli', (await fileBytes(page)) / 1000, 'kB', 300);
    await page.context().close();
  });
});
