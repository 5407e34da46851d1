import type { WebSocketRoute } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { OperatorRow, Overview } from '../../src/lib/types.ts';
import { answer, BASE, colours, figure, keepsTheRules, open } from './browser.ts';

const viewport = { width: 1920, height: 1080 };
const NEAR = 0.05; // figures move between the page and the question

describe('the wall', () => {
  test('shows the platform\'s figures within three seconds, and every operator', async () => {
    const { page } = await open('/wall', { viewport, webgl: false });
    const first = page.locator('.figure b').first();
    await expect
      .poll(async () => figure(await first.textContent()), { timeout: 10_000, interval: 20 })
      .toBeGreaterThan(0);
    expect(await page.evaluate(() => performance.now())).toBeLessThan(3000);
    const overview = await answer<Overview>('/overview');
    const shown = (await page.locator('.figure b').allTextContents()).map(figure);
    const { piles, vehicles } = overview;
    const power = overview.powerKw / 1000;
    const want = [piles.charging, power, piles.free, vehicles.online, piles.total - piles.offline, piles.fault];
    want.forEach((v, i) => expect(Math.abs((shown[i] ?? 0) - v)).toBeLessThanOrEqual(Math.max(30, v * NEAR)));
    const { operators } = await answer<{ operators: OperatorRow[] }>('/operators');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(operators.length);
    const names = await page.locator('tbody th').allTextContents();
    expect(names.toSorted()).toEqual(operators.map((o) => o.name).toSorted());
    await page.context().close();
  });

  test.each([
    ['zh', 'zh-CN', '运营商'],
    ['en', 'en', 'Operators'],
  ])('speaks %s completely and keeps the rules', async (lang, tag, word) => {
    const watched = await open(`/wall?lang=${lang}`, { viewport });
    const { page } = watched;
    await page.locator('.ticks').waitFor({ timeout: 30_000 });
    expect(await page.locator('html').getAttribute('lang')).toBe(tag);
    expect(await page.locator('caption').textContent()).toBe(word);
    if (lang === 'en') {
      const left = await page.locator('h1, h2, thead, .legend, fieldset, .state').allTextContents();
      expect(left.join(' ')).not.toMatch(/[\u4e00-\u9fff]/);
    }
    await keepsTheRules(watched);
    await page.context().close();
  });

  test('draws the heat, and another layer has another legend and address', async () => {
    const { page } = await open('/wall', { viewport });
    await page.locator('.ticks').waitFor({ timeout: 30_000 });
    await page.waitForTimeout(2500);
    expect(await colours(page, { x: 700, y: 350, width: 400, height: 300 })).toBeGreaterThan(50);
    const before = await page.locator('.legend').textContent();
    await page.getByText('功率', { exact: true }).click();
    await expect.poll(() => page.url()).toContain('layer=powerKw');
    await expect.poll(() => page.locator('.legend').textContent(), { timeout: 15_000 }).toContain('kW/格');
    expect(await page.locator('.legend').textContent()).not.toBe(before);
    await page.context().close();
  });

  test('without WebGL the figures go on beside a simple map', async () => {
    const watched = await open('/wall', { viewport, webgl: false });
    const { page } = watched;
    await page.locator('.map svg .cell').first().waitFor({ state: 'attached', timeout: 30_000 });
    expect(figure(await page.locator('.figure b').first().textContent())).toBeGreaterThan(0);
    await keepsTheRules(watched);
    await page.context().close();
  });

  test('says when the connection is lost, greys the figures, and comes back without a reload', async () => {
    const { page } = await open('/icon.svg', { viewport, webgl: false });
    const sockets: WebSocketRoute[] = [];
    let down = false;
    await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
      if (down) void socket.close();
      else {
        socket.connectToServer();
        sockets.push(socket);
      }
    });
    await page.goto(`${BASE}/wall`);
    await expect.poll(() => page.locator('.state').textContent()).toContain('实时');
    await page.evaluate(() => Object.assign(window, { marked: true }));
    down = true;
    for (const socket of sockets) await socket.close();
    await page.locator('.wall.stale').waitFor({ timeout: 8000 });
    expect(await page.locator('.state').textContent()).toMatch(/连接中断，显示 \d\d:\d\d:\d\d 的数据/);
    expect(figure(await page.locator('.figure b').first().textContent())).toBeGreaterThan(0);
    down = false;
    await page.locator('.wall:not(.stale)').waitFor({ timeout: 15_000 });
    expect(await page.evaluate(() => 'marked' in window)).toBe(true);
    await page.context().close();
  });

  test.each([[1366, 768], [3840, 2160]])('cuts no text at %d × %d', async (width, height) => {
    for (const lang of ['zh', 'en']) {
      const watched = await open(`/wall?lang=${lang}`, { viewport: { width, height }, webgl: false });
      await watched.page.locator('tbody tr:nth-child(5)').waitFor();
      await keepsTheRules(watched);
      await watched.page.context().close();
    }
  });
});
