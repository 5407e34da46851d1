// A browser against the platform that DIANCHI_URL names, and what every page
// must keep to: nothing from outside, no errors, no clipped text, axe content.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, expect } from 'vitest';

const address = process.env.DIANCHI_URL;
if (!address) throw new Error('set DIANCHI_URL to the address of a running platform, such as http://localhost:8080');

export const BASE = address.replace(/\/$/, '');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FLAGS = [
  '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run',
];
const DRAWING = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

const browsers = new Map<string, Promise<Browser>>();

function browser(webgl: boolean): Promise<Browser> {
  const key = String(webgl);
  const known = browsers.get(key);
  if (known) return known;
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const args = [...FLAGS, ...(webgl ? DRAWING : ['--disable-3d-apis'])];
  const started = chromium.launch({ executablePath, args });
  browsers.set(key, started);
  return started;
}

afterAll(async () => {
  for (const started of browsers.values()) await (await started).close();
  browsers.clear();
});

/** A page with everything that it did wrong so far. */
export interface Watched {
  page: Page;
  errors: string[]; // console errors and uncaught exceptions
  outside: string[]; // requests to other origins
}

export interface Opening extends BrowserContextOptions {
  webgl?: boolean;
}

export async function open(path: string, { webgl = true, ...options }: Opening = {}): Promise<Watched> {
  const context = await (await browser(webgl)).newContext({ locale: 'zh-CN', ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const watched: Watched = { page, errors: [], outside: [] };
  page.on('console', (m) => {
    // A history that is away is an answer that the pages live with; the browser notes it all the same.
    const away = m.location().url.includes('/api/v1/history/');
    if (m.type() === 'error' && !away) watched.errors.push(m.text());
  });
  page.on('pageerror', (e) => watched.errors.push(e.message));
  page.on('request', (r) => {
    if (/^https?:/.test(r.url()) && !r.url().startsWith(BASE)) watched.outside.push(r.url());
  });
  await page.goto(BASE + path);
  return watched;
}

/** The sizes that each page's main task is done at. */
export const SIZES = [{ width: 390, height: 844 }, { width: 1366, height: 768 }, { width: 1920, height: 1080 }] as const;

/** What every page keeps to, whatever it shows; `within` leaves axe to a part of it that is new. */
export async function keepsTheRules({ page, errors, outside }: Watched, within?: string): Promise<void> {
  expect(errors).toEqual([]);
  expect(outside).toEqual([]);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))); // laid out
  expect(await clipped(page)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 'sideways').toBeLessThanOrEqual(0);
  expect(await violations(page, within)).toEqual([]);
}

/** Texts that are cut off, or that leave the panel they are in. */
async function clipped(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const out: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement as HTMLElement;
      const text = node.textContent?.trim() ?? '';
      if (!text || element.closest('.hide, svg, script, noscript, select, .maplibregl-map, .chips')) continue;
      if (getComputedStyle(element).visibility === 'hidden') continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      if (box.width === 0) continue;
      const holder = element.closest('td, th, .figure, .panel, .legend, button, a, li, dd, main, header, body');
      const edge = (holder ?? document.body).getBoundingClientRect();
      const cut = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline';
      if (cut || box.right > edge.right + 1.5 || box.left < edge.left - 1.5) out.push(text.slice(0, 60));
    }
    return out;
  });
}

interface AxeResult {
  violations: { id: string; nodes: { target: unknown; failureSummary?: string }[] }[];
}

async function violations(page: Page, within?: string): Promise<string[]> {
  // Run as the debugger, and once a document: the page's policy stays as it is.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(AXE);
  const part = within ? JSON.stringify(within) : 'document';
  const result = (await page.evaluate(`axe.run(${part}, { resultTypes: ["violations"], preload: false })`)) as AxeResult;
  return result.violations.map((v) =>
    `${v.id}: ${v.nodes.slice(0, 3).map((n) => `${JSON.stringify(n.target)} ${n.failureSummary ?? ''}`).join('; ')}`);
}

type Clip = { x: number; y: number; width: number; height: number };

/** The pixels of a part of the page, line by line. */
export async function pixels(page: Page, clip: Clip): Promise<[r: number, g: number, b: number][]> {
  const bytes = Buffer.from(await screenshot(page, clip), 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => [bytes[4 * i] ?? 0, bytes[4 * i + 1] ?? 0, bytes[4 * i + 2] ?? 0]);
}

/** How many colours a part of the page shows: a map that was not drawn has few. */
export async function colours(page: Page, clip: Clip): Promise<number> {
  return new Set((await pixels(page, clip)).map((rgb) => rgb.join())).size;
}

/** A picture's bytes, four a pixel, in base64. */
async function screenshot(page: Page, clip: Clip): Promise<string> {
  const png = await page.screenshot({ clip, timeout: 60_000 });
  const blank = await page.context().newPage();
  try {
    return await blank.evaluate(async (data) => {
      const image = new Image();
      image.src = `data:image/png;base64,${data}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width, image.height];
      const context = canvas.getContext('2d') as CanvasRenderingContext2D;
      context.drawImage(image, 0, 0);
      const { data: bytes } = context.getImageData(0, 0, image.width, image.height);
      let text = '';
      for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
      return btoa(text);
    }, png.toString('base64'));
  } finally {
    await blank.close();
  }
}

/** GETs an answer of the platform. */
export async function answer<T>(path: string): Promise<T> {
  const response = await fetch(`${BASE}/api/v1${path}`);
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

/** How many times longer than on a quiet machine things may take now. */
export function slowness(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / cpus().length);
}

/** A figure of the page as a number: "12,345" is 12345. */
export function figure(text: string | null): number {
  return Number((text ?? '').replace(/[^\d.-]/g, ''));
}
