// The regulator's tasks at the desk of a simulated city.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { BASE, colours, figure, keepsTheRules, open, SIZES, type Opening, type Watched } from './browser.ts';
import { admin } from './platform.ts';

let token = '';
const KEY = 'dianchi.token';
const viewport = { width: 1366, height: 768 };

/** GETs an answer of the platform as a regulator. */
async function ask<T>(path: string): Promise<T> {
  const response = await fetch(`${BASE}/api/v1${path}`, { headers: { Authorization: `Bearer ${token}` } });
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

/** Opens a view with the token in place, as after signing in. */
async function desk(view: string, options: Opening = {}, search = ''): Promise<Watched> {
  const watched = await open(`/desk${search}${view}`, { viewport, webgl: false, ...options });
  await watched.page.evaluate(([key, value]) => sessionStorage.setItem(key ?? '', value ?? ''), [KEY, token]);
  await watched.page.reload();
  await watched.page.locator('#view-title').waitFor();
  return watched;
}

interface Brief {
  vin: string;
  lon: number | null;
  online: boolean;
}

const vehicles = async (): Promise<Brief[]> =>
  (await ask<{ vehicles: Brief[] }>('/vehicles?bbox=102.5,24.7,103,25.2')).vehicles;

interface StationRow {
  id: string;
  name: string;
  pileList: { id: string }[];
}

async function station(): Promise<StationRow> {
  const { stations } = await ask<{ stations: { id: string }[] }>('/stations?bbox=102.5,24.7,103,25.2&limit=1');
  return (await ask<{ station: StationRow }>(`/stations/${stations[0]?.id}`)).station;
}

/** Waits for a file and reads it. */
async function taken(page: Page, press: () => Promise<void>): Promise<{ name: string; text: string }> {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

/** Every view, none beside another of the same path. */
async function views(): Promise<string[]> {
  const one = await station();
  const vin = (await vehicles())[0]?.vin ?? '';
  const party = one.id.split(':')[0] ?? '';
  const object = (kind: string, id: string): string => `#/${kind}/${encodeURIComponent(id)}`;
  return [
    '#/find', '#/alarms', '#/compare', '#/planning', '#/compare?who=makers&time=24h', '#/parties', '#/stations',
    `#/parties?party=${party}`, `#/rules?party=${party}`, `#/quality?party=${party}`, `#/tail?party=${party}`, '#/definitions',
    '#/map', object('stations', one.id), object('piles', one.pileList[0]?.id ?? ''), object('vehicles', vin),
    `#/series/operators/${party}`,
  ];
}

/** Goes from the view that is there to another and waits until it has what it asked for. */
async function turn(page: Page, address: string): Promise<void> {
  await page.evaluate(() => document.querySelector('main')?.lastElementChild?.setAttribute('data-former', ''));
  await page.goto(address);
  await expect.poll(() => page.evaluate(() => {
    const main = document.querySelector('main');
    if (main?.querySelector('[data-former]')) return 'the view before';
    const rest = /正在读取…|Loading…/.exec(main?.innerText ?? '')?.[0];
    return rest ?? ((main?.children.length ?? 0) > 1 ? '' : 'nothing');
  }), { message: address }).toBe('');
}

beforeAll(async () => {
  token = await admin('token', 'add', '--role', 'regulator');
});

describe('the regulator\'s desk', () => {
  test('a pasted link to a search is followed, and a slash in the empty box begins none', async () => {
    const { page } = await desk('#/find?q=teld');
    const box = page.locator('#find');
    await expect.poll(() => box.inputValue()).toBe('teld');
    await page.locator('main li a').first().waitFor();
    await page.evaluate(() => (location.hash = '#/find?q=zzzz'));
    await expect.poll(() => box.inputValue()).toBe('zzzz');
    await page.getByText('没有找到“zzzz”').waitFor();
    await box.fill('');
    await box.press('/');
    expect(await box.inputValue()).toBe('');
    await page.context().close();
  });

  test('a VIN, a pile\'s id and a station\'s name each lead to their page', async () => {
    const { page } = await desk('#/find');
    const one = await station();
    const vin = (await vehicles())[0]?.vin ?? '';
    for (const [typed, link, title] of [
      [vin.toLowerCase(), vin, vin], [one.pileList[0]?.id, one.pileList[0]?.id, one.pileList[0]?.id], [one.name, one.name, one.name],
    ] as const) {
      await page.goto(`${BASE}/desk#/find`);
      await page.locator('#find').fill(String(typed));
      await page.locator('main li a', { hasText: String(link) }).first().click();
      await expect.poll(() => page.locator('main h2').first().textContent()).toContain(String(title));
    }
    await page.context().close();
  });

  test('a vehicle has its newest report, its day on a chart that can be read, and files', async () => {
    const { page } = await desk(`#/vehicles/${(await vehicles())[0]?.vin}`);
    const slider = page.locator('input[type=range]');
    await slider.waitFor();
    await page.getByRole('button', { name: '1 小时' }).click();
    await slider.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => slider.getAttribute('aria-valuetext')).toMatch(/\d\d:\d\d.*SOC/);
    expect(await page.locator('dl dt').count()).toBeGreaterThan(15);
    expect(await page.locator('.map svg[role=img]').count()).toBe(1);
    await page.context().close();
  });

  test('an alarm is acknowledged with a note, and everybody sees it', async () => {
    await expect.poll(async () => (await ask<{ counts: { open: number } }>('/alarms')).counts.open).toBeGreaterThan(0);
    const { page } = await desk('#/alarms');
    await page.locator('button.row').first().click();
    const id = new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('id') ?? '';
    const note = `已通知 ${Date.now()}`;
    await page.locator('#note').fill(note);
    await page.locator('.detail .main').click();
    await page.locator('.detail b', { hasText: '已确认' }).waitFor();
    const { alarms } = await ask<{ alarms: { id: string; note: string; ackedBy: string }[] }>('/alarms?state=all&limit=1000');
    const told = alarms.find((a) => a.id === id);
    expect(told?.note).toBe(note);
    expect(told?.ackedBy).toMatch(/^regulator/);
    await page.context().close();
  });

  test('the comparison is in the chosen order, and leads to a definition and to a file', async () => {
    const { page } = await desk('#/compare?sort=free');
    const { operators } = await ask<{ operators: unknown[] }>('/operators');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(operators.length);
    const free = (await page.locator('td.sorted a').allTextContents()).map(figure);
    expect(free).toEqual(free.toSorted((a, b) => b - a));
    const file = await taken(page, () => page.locator('.export button').first().click());
    expect(file.name).toMatch(/^dianchi_operators_now_\d{8}T\d{4}\.csv$/);
    expect(file.text.trim().split('\r\n').length).toBe(operators.length + 1);
    await page.locator('thead th[aria-sort] a').click();
    await page.locator('#def-piles.on').waitFor();
    await page.context().close();
  });

  test('vehicles are drawn near the ground, counted by state, and one is followed', async () => {
    const { page } = await desk('#/map?at=102.71,25.04', { webgl: true });
    await page.locator('.counts b').first().waitFor();
    const counted = async (): Promise<number> =>
      (await page.locator('.counts b').allTextContents()).map(figure).reduce((a, b) => a + b, 0);
    await expect.poll(counted).toBeGreaterThan(0);
    const box = await page.locator('.map').boundingBox();
    if (!box) throw new Error('no map');
    await expect.poll(() => colours(page, box), { interval: 1000 }).toBeGreaterThan(50);
    await page.locator('summary', { hasText: '表' }).click();
    await page.locator('button.link').first().click();
    await expect.poll(() => page.url()).toContain('vin=');
    await page.locator('input[type=checkbox]').first().waitFor();
    await page.context().close();
  });

  test.each(['zh', 'en'] as const)('speaks %s completely, cuts no text and keeps the rules in every view at every size', async (lang) => {
    const watched = await desk('#/about', { viewport: SIZES[0] }, `?lang=${lang}`);
    const faults: string[] = [];
    const all = await views();
    for (const view of all) {
      await turn(watched.page, `${BASE}/desk?lang=${lang}${view}`);
      if (lang === 'en') {
        const labels = await watched.page.locator('h1, h2, thead, nav, label').allTextContents();
        if (/[\u4e00-\u9fff]/.test(labels.join(' ').replace(/中文/g, ''))) faults.push(`${view}: ${labels.join(' ')}`);
      }
      for (const size of SIZES) {
        await watched.page.setViewportSize(size);
        await keepsTheRules(watched, view === all[0] ? undefined : 'main').catch((fault: Error & { actual?: unknown }) => (
          faults.push(`${view}, ${size.width} wide: ${fault.message.split('\n')[0]} ${JSON.stringify(fault.actual)}`)));
        watched.errors.length = 0;
      }
    }
    expect(faults).toEqual([]);
    await watched.page.context().close();
  });

  test('the slash goes to the search box from anywhere, and is typed where something is typed', async () => {
    const { page } = await desk('#/definitions');
    await page.keyboard.press('/');
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('find');
    await page.keyboard.press('a');
    await page.keyboard.press('/');
    expect(await page.locator('#find').inputValue()).toBe('a/');
    await page.context().close();
  });

  test('what a party sees of its own data is a step away: rules, quality, live messages', async () => {
    const { page } = await desk('#/parties');
    await page.locator('tbody a').first().click();
    for (const name of ['触发的规则与样本', '时效与提升', '实时报文']) {
      await page.getByRole('link', { name, exact: true }).click();
      await expect.poll(() => page.getByRole('link', { name, exact: true }).getAttribute('aria-current')).toBe('true');
    }
    await page.locator('main ol li').first().waitFor(); // a message of the party whose turn it is
    await page.context().close();
  });

  test('a page of what is not there says so, and history that is away leaves the live part', async () => {
    const { page } = await desk('#/piles/nobody:X1');
    await page.getByText('没有这个对象').waitFor();
    await page.route('**/api/v1/history/**', (route) => route.fulfill({
      status: 503, contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'history-unavailable', status: 503, title: 'away', detail: 'away' }),
    }));
    await page.goto(`${BASE}/desk#/piles/${encodeURIComponent((await station()).pileList[0]?.id ?? '')}`);
    await page.getByText('历史库暂不可用').first().waitFor();
    await expect.poll(() => page.locator('dl dt').count()).toBeGreaterThan(8);
    await page.context().close();
  });
});
