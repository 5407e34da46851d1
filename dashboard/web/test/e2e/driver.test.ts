import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { Station, StationDetail } from '../../src/lib/types.ts';
import { answer, BASE, figure, keepsTheRules, open, SIZES } from './browser.ts';
import { timed } from './budget.ts';
import { liveStub } from './livestub.ts';

const viewport = { width: 390, height: 844 };
const NEAR = '102.71,25.039';

const rows = (page: Page) => page.locator('main .row');
const names = (page: Page) => page.locator('main .row strong').allTextContents();
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

async function listed(page: Page): Promise<void> {
  await rows(page).first().waitFor();
}

describe('the driver\'s page', () => {
  test('finds a free pile that works, and what the stop costs, in three taps', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await button(page, '仅空闲').click(); // 1
    await listed(page);
    const first = rows(page).first();
    expect(await first.locator('.count.free, .count.few').count()).toBe(1);
    expect(await first.locator('.cost').textContent()).toMatch(/30.kWh · \d+ 分钟 约 ¥\d+\.\d\d/);
    await first.click(); // 2
    const cost = page.getByRole('region', { name: '这一停要花多少' });
    await cost.waitFor();
    expect(await cost.innerText()).toMatch(/占位费/);
    expect(figure(await cost.locator('.total b').textContent())).toBeGreaterThan(0);
    await button(page, '导航').click(); // 3
    await page.getByRole('link', { name: '高德地图' }).waitFor();
    timed('driver, from opening to the way there, in three taps', await page.evaluate(() => performance.now()), 'ms', { most: 10_000 });
    await page.context().close();
  });

  test('the help opens on what closes it, and forgets only when asked twice', async () => {
    const { page } = await open(`/?lang=zh&near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    await page.keyboard.press('?');
    const focused = (): Promise<string | null> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? null);
    await expect.poll(focused).toBe('关闭');
    await button(page, '全部忘掉').click();
    await expect.poll(focused).toBe('保留');
    await page.keyboard.press('Enter');
    await button(page, '全部忘掉').click();
    await button(page, '删除').click();
    await button(page, '已忘掉').waitFor();
    await page.context().close();
  });

  test('lists the nearest stations with count, shape, price, cost, distance and age', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    const { stations } = await answer<{ stations: Station[] }>(`/stations?near=${NEAR}&limit=10`);
    expect(await rows(page).count()).toBe(10);
    expect(await names(page)).toEqual(stations.map((s) => s.name));
    for (const text of await rows(page).allInnerTexts()) {
      expect(text).toMatch(/\d+\s*\/\d+/);
      expect(text).toMatch(/(米|公里)/);
      expect(text).toMatch(/(前更新|刚刚更新|从未上报)/);
      expect(text).toMatch(/(¥\d+\.\d\d|电价未知)/);
      expect(text).toMatch(/30.kWh · .* (约 ¥|费用未知)/);
      expect(text).toContain('停车');
    }
    expect(await page.locator('main .row .mark').count()).toBe(10);
    await page.context().close();
  });

  test('is usable before the map is there', async () => {
    const { page } = await open('/icon.svg', { viewport });
    await page.route(/maplibre/, () => undefined); // its code never comes
    await page.goto(`${BASE}/?near=${NEAR}`);
    await listed(page);
    timed('driver, list can be used', await page.evaluate(() => performance.now()), 'ms', { most: 1000 });
    await rows(page).first().click();
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    await page.context().close();
  });

  test('filters stand in the address, hold, and back takes the last one away', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    await button(page, '仅空闲').click();
    await button(page, '快充').click();
    await expect.poll(() => page.url()).toMatch(/free=1.*kind=dc/);
    const path = `/stations?near=${NEAR}&free=1&kind=dc&limit=10`;
    // Stations fill up and empty while this runs: the list and the answer need to meet once.
    const apart = async (): Promise<string[]> => {
      const { stations } = await answer<{ stations: Station[] }>(path);
      const shown = await names(page);
      return stations.map((s) => s.name).filter((name, i) => shown[i] !== name);
    };
    await expect.poll(apart, { interval: 500 }).toEqual([]);
    for (const text of await page.locator('main .count b').allTextContents()) expect(figure(text)).toBeGreaterThan(0);
    await page.reload();
    await listed(page);
    const pressed = (name: string) => button(page, name).getAttribute('aria-pressed');
    expect(await pressed('仅空闲')).toBe('true');
    await page.goBack();
    await expect.poll(() => page.url()).not.toContain('kind=dc');
    expect([await pressed('仅空闲'), await pressed('快充')]).toEqual(['true', 'false']);
    await page.context().close();
  });

  test('orders by the cost of the whole stop, and another stop has another cost', async () => {
    const { page } = await open(`/?near=${NEAR}&sort=cost&kind=dc`, { viewport, webgl: false });
    await listed(page);
    const costs = async (): Promise<number[]> =>
      (await page.locator('main .cost').allTextContents())
        .filter((text) => text.includes('含停车'))
        .map((text) => Number(/¥([\d.]+)(?:–([\d.]+))?/.exec(text)?.slice(1).findLast(Boolean)));
    await expect.poll(async () => (await costs()).length).toBeGreaterThan(2);
    const before = await costs();
    expect(before).toEqual(before.toSorted((a, b) => a - b));
    await button(page, /^充 30/).click();
    await page.getByLabel('要充').selectOption('60');
    await expect.poll(async () => (await costs())[0] ?? 0).toBeGreaterThan((before[0] ?? 0) * 1.5);
    await page.reload();
    await button(page, /^充 60/).waitFor(); // kept on the device
    await page.context().close();
  });

  test('finds stations and operators by name, from the keyboard', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    await page.keyboard.press('/');
    await page.locator('input:focus').waitFor();
    await page.keyboard.type('特来电');
    await expect.poll(() => page.url()).toContain('q=');
    await expect.poll(async () => (await names(page)).every((name) => name.includes('特来电'))).toBe(true);
    await button(page, '只看特来电').click();
    await expect.poll(() => page.url()).toContain('operator=teld');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.context().close();
  });

  test('where nothing fits it says what to leave out', async () => {
    const { page } = await open(`/?near=${NEAR}&free=1&minKw=9000`, { viewport, webgl: false });
    await page.getByText('50 公里内没有符合条件的充电站').waitFor();
    await button(page, '去掉“≥ 9000 kW”').click();
    await listed(page);
    expect(page.url()).toMatch(/free=1/);
    expect(page.url()).not.toContain('minKw');
    await page.context().close();
  });

  test('a station shows every pile and leads there with the right datum; back closes it', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    const { stations } = await answer<{ stations: Station[] }>(`/stations?near=${NEAR}&limit=1`);
    const path = `/stations/${encodeURIComponent(stations[0]?.id ?? '')}`;
    const { station } = await answer<{ station: StationDetail }>(`${path}?crs=gcj02`);
    const here = await answer<{ station: StationDetail }>(path);
    await rows(page).first().click();
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    expect(page.url()).toContain('sel=');
    await expect.poll(() => page.getByRole('region', { name: '每个桩' }).locator('li').count()).toBe(station.pileList.length);
    await button(page, '导航').click();
    const hrefs = await page.locator('.apps a').evaluateAll((links) => links.map((a) => (a as HTMLAnchorElement).href));
    expect(hrefs).toHaveLength(5);
    const [lon, lat] = [station.lon.toFixed(6), station.lat.toFixed(6)];
    expect(hrefs[0]).toContain(`to=${lon},${lat}`);
    expect(hrefs[1]).toContain(`location=${lat},${lon}`);
    expect(hrefs[2]).toContain(`tocoord=${lat},${lon}`);
    expect(hrefs[3]).toContain(`daddr=${lat},${lon}`);
    expect(hrefs[4]).toContain(`geo:${here.station.lat.toFixed(6)},${here.station.lon.toFixed(6)}`);
    expect(hrefs[4]).not.toContain(lon);
    await page.goBack();
    await expect.poll(() => page.getByRole('region', { name: '每个桩' }).count()).toBe(0);
    await page.context().close();
  });

  test('a favourite stays on the device', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    const name = (await names(page))[2];
    await rows(page).nth(2).click();
    await page.locator('.detail').getByRole('button', { name: '收藏', exact: true }).click();
    await page.goto(`${BASE}/?near=102.85,24.83`);
    await listed(page);
    await page.locator('.chips').getByRole('button', { name: '收藏', exact: true }).click();
    await expect.poll(() => page.url()).toContain('saved=1');
    await expect.poll(() => names(page)).toEqual([`★${name}`]);
    await page.context().close();
  });

  test('without a position it starts from a place, and another can be chosen', async () => {
    const { page } = await open('/', { viewport, webgl: false });
    await listed(page);
    const before = (await names(page))[0];
    await button(page, /更改出发地/).click();
    await button(page, '使用我的位置').click();
    await page.getByText('没有得到定位许可').waitFor(); // and the places are there
    await button(page, '大学城').click();
    await expect.poll(() => page.url()).toContain('near=102.85');
    await expect.poll(async () => (await names(page))[0]).not.toBe(before);
    await page.context().close();
  });

  test('with a position it starts from there, and keeps it out of the address', async () => {
    const { page } = await open('/', {
      viewport, webgl: false, permissions: ['geolocation'], geolocation: { longitude: 102.8601, latitude: 24.8772 },
    });
    await page.getByText('从我的位置出发').waitFor();
    const { stations } = await answer<{ stations: Station[] }>('/stations?near=102.8601,24.8772&limit=1');
    await expect.poll(async () => (await names(page))[0]).toBe(stations[0]?.name);
    expect(page.url()).not.toContain('near=');
    await page.context().close();
  });

  test.each([
    ['zh', 'light', 'dark'],
    ['en', 'dark', 'light'],
  ] as const)('in %s a stop is found, its cost and the way there, at every size; on a phone in %s, else in %s', async (lang, ...themes) => {
    for (const webgl of [true, false]) {
      const sizes = SIZES.filter(({ width }) => webgl === width < 500);
      const watched = await open(`/?lang=${lang}&theme=${themes[webgl ? 0 : 1]}&near=${NEAR}`, { viewport: sizes[0], webgl });
      const { page } = watched;
      await page.locator(webgl ? '.pane canvas' : '.pane svg .pin').first().waitFor({ state: 'attached' });
      await page.locator('.chips .chip').first().click(); // only free ones
      await expect.poll(() => page.url()).toContain('free=1');
      for (const size of sizes) {
        await page.setViewportSize(size);
        await listed(page);
        await rows(page).first().locator('.count.free, .count.few').waitFor();
        await rows(page).first().click();
        expect(figure(await page.locator('.detail .total b').first().textContent())).toBeGreaterThan(0);
        await page.locator('.detail button.navigate').click();
        expect(await page.locator('.apps a').count()).toBe(5);
        await page.locator('.detail section li').first().waitFor();
        await page.locator('.chips .chip').nth(1).click();
        await page.locator('.panel select').first().waitFor();
        if (lang === 'en') {
          const words = await page.locator('h1, .chips button, .line, dt, h2, .actions, .note, .state, .panel').allTextContents();
          expect(words.join(' ').replace('中文', '')).not.toMatch(/[\u4e00-\u9fff]/);
        }
        const small = await page.locator('button, select, a.control, input').evaluateAll((all) =>
          all.filter((e) => e.getClientRects().length > 0 && e.getBoundingClientRect().height < 43.5)
            .map((e) => `${e.className} ${e.textContent}`));
        expect(small).toEqual([]);
        await keepsTheRules(watched);
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
        await keepsTheRules(watched, 'dialog');
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await page.locator('.chips .chip').nth(1).click(); // as it was
        await rows(page).first().click();
        await page.locator('.detail').waitFor({ state: 'detached' });
      }
      await page.context().close();
    }
  });

  test('a station that is not there is said to be so', async () => {
    const { page } = await open(`/?near=${NEAR}&sel=none%3ANONE`, { viewport, webgl: false });
    await page.getByText('没有这个充电站').waitFor();
    await page.context().close();
  });
});

describe('a bad network', () => {
  test('a cut socket is told with the data\'s time, moves nothing, and comes back without a reload', async () => {
    const { page } = await open('/icon.svg', { viewport, webgl: false });
    const live = await liveStub(page);
    await page.goto(`${BASE}/?near=${NEAR}`);
    await listed(page);
    await page.evaluate(() => Object.assign(window, { marked: true }));
    const top = await rows(page).first().boundingBox();
    await live.cut();
    await page.getByText(/连接中断，显示 \d\d:\d\d:\d\d（.*）的数据/).waitFor();
    expect((await rows(page).first().boundingBox())?.y).toBe(top?.y);
    expect(await rows(page).count()).toBe(10);
    live.restore();
    await expect.poll(() => page.getByText('连接中断').count()).toBe(0);
    expect(await page.evaluate(() => 'marked' in window)).toBe(true);
    await page.context().close();
  });

  test('offline it opens with the last known state, marked as old with its time', async () => {
    const { page } = await open(`/?near=${NEAR}`, { viewport, webgl: false });
    await listed(page);
    await rows(page).first().click();
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await expect.poll(() => page.evaluate(() => localStorage.getItem('last') !== null)).toBe(true);
    await page.reload(); // now the worker serves it, and keeps the answers
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    const before = await names(page);
    await expect.poll(() => page.evaluate(async () =>
      (await (await caches.open('dianchi-answers')).keys()).length)).toBeGreaterThan(1);
    await page.context().setOffline(true);
    await page.goto(`${BASE}/?lang=zh`);
    await listed(page);
    await page.getByText(/连接中断，显示 \d\d:\d\d:\d\d（.*）的数据/).waitFor();
    expect((await names(page)).filter((name) => before.includes(name)).length).toBeGreaterThan(5);
    await rows(page).first().click(); // seen before: its piles are kept, too
    await page.getByRole('region', { name: '每个桩' }).waitFor();
    await page.context().setOffline(false);
    await expect.poll(() => page.getByText('连接中断').count()).toBe(0);
    await page.context().close();
  });

  test('the worker leaves the other pages alone and can be installed', async () => {
    const manifest = await (await fetch(`${BASE}/driver.webmanifest`)).json() as { icons: { src: string }[]; scope: string };
    expect(manifest.scope).toBe('/');
    for (const { src } of manifest.icons) expect((await fetch(BASE + src)).status).toBe(200);
    const worker = await fetch(`${BASE}/sw.js`);
    expect(worker.headers.get('cache-control')).toBe('no-cache');
    expect(worker.headers.get('content-type')).toContain('javascript');
    const shell = JSON.parse(/self\.shell=(\[.*?\])/.exec(await worker.text())?.[1] ?? '[]') as string[];
    expect(shell.length).toBeGreaterThan(8);
    for (const path of shell) expect((await fetch(BASE + path)).status, path).toBe(200);
    expect(shell.some((path) => path.includes('wall'))).toBe(false);
  });
});

describe('a full station', () => {
  test('shows free ones nearby, and tells when a pile becomes free and when the last one is taken', async () => {
    const { page } = await open('/icon.svg', { viewport, webgl: false });
    const live = await liveStub(page);
    await page.goto(`${BASE}/?near=${NEAR}`);
    await listed(page);
    const { stations } = await answer<{ stations: Station[] }>(`/stations?near=${NEAR}&limit=1`);
    const station = stations[0] as Station;
    await live.fill(station.id);
    await page.goto(`${BASE}/?near=${NEAR}&sel=${encodeURIComponent(station.id)}`);
    await page.locator('main .count.full').first().waitFor();
    const instead = page.getByRole('region', { name: '附近还有空闲的' });
    await instead.locator('li').first().waitFor();
    for (const text of await instead.locator('li').allInnerTexts()) expect(text).toMatch(/^\s*[1-9]\d*\s*\/\d+/);
    await button(page, '有空闲时告诉我').click();
    const bar = page.getByRole('region', { name: '正在盯着' });
    await expect.poll(() => bar.innerText()).toContain('空闲 0');
    expect(await bar.innerText()).toContain('请保持本页打开');
    await live.free(station.id, 2);
    await expect.poll(() => page.getByRole('alert').textContent()).toContain(`有空闲了：${station.name}`);
    await live.fill(station.id);
    await expect.poll(() => page.getByRole('alert').textContent()).toContain(`满了：${station.name}`);
    await expect.poll(() => bar.innerText()).toMatch(/最近的空闲站：.*空闲 [1-9]/);
    await button(page, '不再盯着').first().click();
    await expect.poll(() => bar.count()).toBe(0);
    await page.context().close();
  });
});
