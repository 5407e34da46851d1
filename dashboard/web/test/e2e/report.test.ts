// What a party reports at the MQTT door is on every page within two seconds,
// and the desk gets over a cut socket as the other pages do.
import type { WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BASE, figure, open } from './browser.ts';
import { timed } from './budget.ts';
import { admin, newParty, publish } from './platform.ts';

const LIMIT_MS = 2000;
const AT = { lon: 102.6453, lat: 24.7391 }; // by the lake, away from the city's stations
let party: Awaited<ReturnType<typeof newParty>>;

const station = (more: object): Promise<void> => publish(party.slug, party.password, 'stations', { id: 'S1', ...more });
const pile = (status: number): Promise<void> =>
  publish(party.slug, party.password, 'piles', { id: 'S1-1', ts: Date.now(), status, ...(status === 3 ? { powerKw: 58.2 } : {}) });

beforeAll(async () => {
  party = await newParty('operator');
  await station({ name: '两秒站', nameEn: 'Two Seconds', ...AT, piles: [{ id: 'S1-1', kind: 'dc', ratedKw: 120 }] });
  await pile(1);
});

afterAll(async () => {
  await station({ removed: true });
  await admin('party', 'remove', party.slug);
});

/** Milliseconds from the start of `mosquitto_pub` until a text reads as wanted. */
async function seen(report: () => Promise<void>, read: () => Promise<string | null>, wanted: (text: string) => boolean): Promise<number> {
  const began = performance.now();
  await report();
  await expect.poll(async () => wanted((await read()) ?? ''), { interval: 20 }).toBe(true);
  return performance.now() - began;
}

function inTime(page: string, ms: number): void {
  timed(`${page}, from \`mosquitto_pub\` until it is seen`, ms, 'ms', { most: LIMIT_MS });
}

describe('a report, seen without asking for it and in the two seconds of the budget', () => {
  test('on the driver\'s page', async () => {
    const { page } = await open(`/?lang=zh&near=${AT.lon},${AT.lat}`, { viewport: { width: 390, height: 844 }, webgl: false });
    const free = page.locator('main .row', { hasText: '两秒站' }).locator('.count b');
    await expect.poll(() => free.textContent()).toBe('1');
    inTime('driver', await seen(() => pile(3), () => free.textContent(), (text) => text === '0'));
    inTime('driver', await seen(() => pile(1), () => free.textContent(), (text) => text === '1'));
    await page.context().close();
  });

  test('on the wall', async () => {
    const { page } = await open(`/wall?lang=zh&station=${party.slug}:S1`, { viewport: { width: 1920, height: 1080 }, webgl: false });
    const used = page.locator('.tight tbody tr', { hasText: '浏览器测试' }).last().locator('.bar b');
    await expect.poll(() => used.textContent()).toBe('0');
    inTime('wall', await seen(() => pile(3), () => used.textContent(), (text) => figure(text) === 1));
    inTime('wall', await seen(() => pile(1), () => used.textContent(), (text) => figure(text) === 0));
    await page.context().close();
  });

  test('at its party\'s desk', async () => {
    const { page } = await open(`/desk?lang=zh#token=${party.token}`, { viewport: { width: 1366, height: 768 }, webgl: false });
    await page.locator('.shell').waitFor();
    await page.evaluate(() => (location.hash = '/tail'));
    await page.getByText('等待下一条消息').waitFor();
    const messages = page.locator('main ol li');
    inTime('desk', await seen(() => pile(3), async () => String(await messages.count()), (text) => Number(text) > 0));
    await page.context().close();
  });
});

describe('the desk', () => {
  test('says when the connection is lost, greys what it shows, and comes back without a reload', async () => {
    const { page } = await open('/icon.svg', { viewport: { width: 1366, height: 768 }, webgl: false });
    const sockets: WebSocketRoute[] = [];
    let down = false;
    await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
      if (down) void socket.close();
      else {
        socket.connectToServer();
        sockets.push(socket);
      }
    });
    await page.goto(`${BASE}/desk?lang=zh#token=${party.token}`);
    await page.locator('.state.live').waitFor();
    await page.evaluate(() => Object.assign(window, { marked: true }));
    down = true;
    for (const socket of sockets) await socket.close();
    await page.locator('main.stale').waitFor();
    expect(await page.locator('.banner').textContent()).toMatch(/连接中断.*\d\d:\d\d:\d\d/);
    down = false;
    await page.locator('main:not(.stale)').waitFor();
    await expect.poll(() => page.locator('.banner').textContent()).toBe('');
    expect(await page.evaluate(() => 'marked' in window)).toBe(true);
    await page.context().close();
  });
});
