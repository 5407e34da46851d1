import type { Page, WebSocketRoute } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { DistrictRow, OperatorRow, Overview } from '../../src/lib/types.ts';
import { answer, BASE, colours, figure, keepsTheRules, open, SIZES } from './browser.ts';

const viewport = { width: 1920, height: 1080 };

/** The strip's figures by an answer of the platform: as shown, and how coarsely that is. */
function figuresOf({ piles, vehicles, powerKw }: Overview): [value: number, step: number][] {
  const power = powerKw / 1000;
  return [
    [piles.charging, 1], [power, power < 99.95 ? 0.1 : 1], [piles.free, 1], [vehicles.online, 1],
    [piles.total - piles.offline, 1], [piles.fault, 1],
  ];
}

/** Figures of the page that lie outside what the platform said just before and just after. */
async function wrongFigures(page: Page): Promise<string[]> {
  const before = figuresOf(await answer<Overview>('/overview'));
  const shown = (await page.locator('.figure b').allTextContents()).map(figure);
  const after = figuresOf(await answer<Overview>('/overview'));
  const LAG = 0.005; // of a figure: what moves in the second between two frames
  return before.flatMap(([first, step], i) => {
    const [last] = after[i] ?? [first];
    const [low, high] = [Math.min(first, last), Math.max(first, last)];
    const slack = step + 2 + high * LAG;
    const v = shown[i] ?? NaN;
    return v >= low - slack && v <= high + slack ? [] : [`figure ${i}: ${v}, not ${low}…${high}`];
  });
}

describe('the wall', () => {
  test.each([['zh', 'foo'], ['en', '2999-01-01T00:00:00Z']])('says in %s that the address names no moment', async (lang, at) => {
    const watched = await open(`/wall?lang=${lang}&at=${at}`, { viewport, webgl: false });
    const said = watched.page.getByRole('alert');
    await expect.poll(() => said.textContent()).toContain(`“${at}”`);
    await expect.poll(async () => figure(await watched.page.locator('.figure b').first().textContent())).toBeGreaterThanOrEqual(0);
    await keepsTheRules(watched);
    await said.getByRole('button').click();
    await expect.poll(() => said.count()).toBe(0);
    await watched.page.context().close();
  });

  test('shows the platform\'s figures, and every operator', async () => {
    const { page } = await open('/wall', { viewport, webgl: false });
    const first = page.locator('.figure b').first();
    await expect
      .poll(async () => figure(await first.textContent()), { interval: 20 })
      .toBeGreaterThan(0);
    await expect.poll(() => wrongFigures(page), { interval: 250 }).toEqual([]);
    const { operators } = await answer<{ operators: OperatorRow[] }>('/operators');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(operators.length);
    const names = (await page.locator('tbody th').allTextContents()).map((name) => name.trim());
    expect(names.toSorted()).toEqual(operators.map((o) => o.name).toSorted());
    await page.context().close();
  });

  test.each([
    ['zh', 'zh-CN', '运营商', '功率'],
    ['en', 'en', 'Operators', 'Power'],
  ])('speaks %s completely and leads from the city to a pile, at every size', async (lang, tag, word, power) => {
    const watched = await open(`/wall?lang=${lang}`, { viewport: SIZES[2], webgl: false });
    const { page } = watched;
    const { districts } = await answer<{ districts: DistrictRow[] }>('/districts');
    const largest = districts.toSorted((a, b) => b.piles.total - a.piles.total)[0] as DistrictRow;
    for (const size of [...SIZES, { width: 3840, height: 2160 }]) {
      await page.setViewportSize(size);
      await page.locator('.ticks').waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe(tag);
      expect(await page.locator('caption').textContent()).toBe(word);
      await page.locator('fieldset').getByText(power, { exact: true }).click();
      await expect.poll(() => page.locator('.legend').textContent()).toContain('kW');
      if (lang === 'en') {
        const left = await page.locator('h1, h2, thead, .legend, fieldset, .state').allTextContents();
        expect(left.join(' ')).not.toMatch(/[\u4e00-\u9fff]/);
      }
      await keepsTheRules(watched);
      await page.getByRole('button', { name: lang === 'zh' ? largest.name : (largest.nameEn ?? ''), exact: true }).click();
      await page.locator('.place .piles button').first().click();
      await page.locator('.place .piles .state').first().waitFor();
      await page.locator('.place .piles button').first().click();
      await page.locator('.place dl').waitFor();
      await keepsTheRules(watched, '.place');
      await page.locator('.place .close').click();
      await page.locator('.place').waitFor({ state: 'detached' });
    }
    await page.context().close();
  });

  test('draws the heat, and another layer has another legend and address', async () => {
    const { page } = await open('/wall', { viewport });
    await page.locator('.ticks').waitFor();
    await expect
      .poll(() => colours(page, { x: 700, y: 350, width: 400, height: 300 }), { interval: 500 })
      .toBeGreaterThan(50);
    const before = await page.locator('.legend').textContent();
    await page.getByText('功率', { exact: true }).click();
    await expect.poll(() => page.url()).toContain('layer=powerKw');
    await expect.poll(() => page.locator('.legend').textContent()).toContain('kW/格');
    expect(await page.locator('.legend').textContent()).not.toBe(before);
    await page.context().close();
  });

  test('without WebGL the figures go on beside a simple map', async () => {
    const watched = await open('/wall', { viewport, webgl: false });
    const { page } = watched;
    await page.locator('.map svg .cell').first().waitFor({ state: 'attached' });
    await expect
      .poll(async () => figure(await page.locator('.figure b').first().textContent()))
      .toBeGreaterThan(0);
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
    await page.locator('.wall.stale').waitFor();
    expect(await page.locator('.state').textContent()).toMatch(/连接中断，显示 \d\d:\d\d:\d\d 的数据/);
    expect(figure(await page.locator('.figure b').first().textContent())).toBeGreaterThan(0);
    down = false;
    await page.locator('.wall:not(.stale)').waitFor();
    expect(await page.evaluate(() => 'marked' in window)).toBe(true);
    await page.context().close();
  });

  test('has the figures in the page before any code runs', async () => {
    const { page } = await open('/wall?lang=zh', { viewport, webgl: false, javaScriptEnabled: false });
    expect(figure(await page.locator('.boot dd').first().textContent())).toBeGreaterThan(0);
    expect(await page.locator('#first').textContent()).toContain('"overview"');
    await page.context().close();
  });

  test('leads from the city to a district, a station and a pile, and back, all in the address', async () => {
    const watched = await open('/wall?lang=zh', { viewport, webgl: false });
    const { page } = watched;
    const { districts } = await answer<{ districts: DistrictRow[] }>('/districts');
    const largest = districts.toSorted((a, b) => b.piles.total - a.piles.total)[0] as DistrictRow;
    await page.getByRole('button', { name: largest.name, exact: true }).click();
    await page.locator('.place .piles button').first().click();
    await expect.poll(() => page.url()).toContain('station=');
    await page.locator('.place .piles .state').first().waitFor();
    await page.locator('.place .piles button').first().click();
    await page.locator('.place dl').waitFor();
    expect(new URL(page.url()).searchParams.get('pile')).toMatch(/^[a-z0-9-]+:/);
    await keepsTheRules(watched);
    await page.goBack();
    await page.locator('.place .piles .state').first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.place .figure').waitFor();
    expect(new URL(page.url()).searchParams.get('district')).toBe(largest.id);
    await page.keyboard.press('Escape');
    await page.locator('.place').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('is worked by keyboard: search, help, layers, table', async () => {
    const watched = await open('/wall?lang=en', { viewport, webgl: false });
    const { page } = watched;
    await page.locator('.ticks').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Help' }).waitFor();
    // As fast as a hand can: the key after Escape is the wall's again.
    await Promise.all(['Escape', '6'].map((key) => page.keyboard.press(key)));
    await expect.poll(() => page.locator('.legend').textContent()).toContain('kW per cell');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('t');
    await page.locator('.cells tbody td').first().waitFor();
    await keepsTheRules(watched);
    await page.keyboard.press('t');
    await page.keyboard.press('/');
    await page.getByRole('searchbox').fill('Guandu');
    await page.locator('dialog li button').first().waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.place h2').waitFor();
    await page.context().close();
  });

  test('without a token shows where the faults are, and a wrong token is said and dropped', async () => {
    const { page } = await open('/wall?lang=zh', { viewport, webgl: false });
    await page.locator('.alarms li, .alarms .none').first().waitFor();
    expect(await page.locator('.alarms h2').textContent()).toBe('故障最多的充电站');
    expect(await page.locator('th.grade').count()).toBe(0);
    await page.goto(`${BASE}/wall?lang=zh&x=1#token=dct_wrong`);
    await page.locator('.wrong').waitFor();
    expect(page.url()).not.toContain('token');
    await expect.poll(() => page.locator('.state').textContent()).toContain('实时');
    await page.context().close();
  });

  test('tours by itself, stops when touched, and survives a moved mouse', async () => {
    const { page } = await open('/wall?lang=zh&wall=1&rotate=10', { viewport, webgl: false });
    expect(await page.locator('.tools').count()).toBe(0);
    const layer = () => page.locator('input[name=layer]:checked').getAttribute('value');
    await page.mouse.move(500, 500);
    await page.mouse.move(700, 400);
    await expect.poll(layer).not.toBe('vehicles');
    await page.locator('.wall.idle').waitFor();
    await page.mouse.click(960, 20);
    await page.getByText('巡览已停').waitFor();
    await page.context().close();
  });

  test('a base map whose tiles cannot be had leaves the drawing, and says so', async () => {
    const { page, errors } = await open('/icon.svg', { viewport });
    await page.route('**/api/v1/config', async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { city: { basemap: Record<string, unknown> } };
      Object.assign(body.city.basemap, { style: '/basemap/none/{z}/{x}/{y}.png', attribution: '© A', reviewNo: 'GS1' });
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${BASE}/wall?lang=zh`);
    await expect.poll(() => page.locator('.legend').textContent()).toContain('底图暂不可用');
    await expect
      .poll(() => colours(page, { x: 700, y: 350, width: 400, height: 300 }), { interval: 500 })
      .toBeGreaterThan(50);
    expect(errors.filter((text) => !text.includes('404'))).toEqual([]);
    await page.context().close();
  });
});
