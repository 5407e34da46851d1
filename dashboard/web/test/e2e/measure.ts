// What a page costs a browser: bytes, times, memory and frames, each as one number.
import { connect, createServer, type AddressInfo } from 'node:net';
import type { CDPSession, Page } from 'playwright-core';
import { BASE } from './browser.ts';

/** A way to the platform that counts the bytes that come from it. */
export interface Wire {
  address: string;
  bytes: () => number;
  close: () => void;
}

export async function wire(): Promise<Wire> {
  const to = new URL(BASE);
  let bytes = 0;
  const server = createServer((near) => {
    const far = connect(Number(to.port), to.hostname);
    far.on('data', (chunk) => (bytes += chunk.length));
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, bytes: () => bytes, close: () => server.close() };
}

/** Bytes of a page's document and files as they came, compressed; answers of the interface are not in it. */
export function fileBytes(page: Page): Promise<number> {
  return page.evaluate(() => {
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return (all as PerformanceResourceTiming[])
      .filter((e) => !e.name.includes('/api/'))
      .reduce((sum, e) => sum + e.encodedBodySize, 0);
  });
}

/** Milliseconds from asking for the page to the first thing painted. */
export async function firstPaint(page: Page): Promise<number> {
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  return page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
}

/** Bytes that the page's script holds once everything that can be is collected. */
export async function heap(cdp: CDPSession): Promise<number> {
  for (let i = 0; i < 2; i++) await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}

/** The part of the city that the wall's map shows, as its inset marks it. */
export function shown(page: Page): Promise<string> {
  return page.locator('svg.inset rect').evaluate((e) => ['x', 'y', 'width', 'height'].map((a) => e.getAttribute(a)).join(' '));
}

/** Frames a second that the page shows. Runs in the page. */
export function count(ms: number): Promise<number> {
  return new Promise<number>((done) => {
    const began = performance.now();
    let n = 0;
    const next = (now: number): void => {
      n++;
      if (now - began < ms) requestAnimationFrame(next);
      else done((1000 * n) / (now - began));
    };
    requestAnimationFrame(next);
  });
}

/** Frames a second while a map is dragged for some seconds, and let go elsewhere than it was taken. */
export async function dragged(page: Page, seconds: number): Promise<number> {
  const counted = page.evaluate(count, seconds * 1000);
  const until = performance.now() + seconds * 1000;
  await page.mouse.move(900, 500);
  await page.mouse.down();
  for (let i = 0; performance.now() < until; i++) await page.mouse.move(900 + 120 * Math.sin(i / 6), 500 + 80 * Math.cos(i / 6));
  await page.mouse.move(1020, 580);
  await page.mouse.up();
  return counted;
}
