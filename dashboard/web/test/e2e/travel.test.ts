// The wall looks back: figures, tables and heat of a moment, said to be of that
// moment, with gaps as gaps. The platform keeps moments of the last day.
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DistrictRow, MakerRow, OperatorRow, Overview } from '../../src/lib/types.ts';
import { STEP_MS } from '../../src/wall/moments.ts';
import { answer, figure, keepsTheRules, open } from './browser.ts';

const viewport = { width: 1920, height: 1080 };
const HOUR = 12 * STEP_MS;

interface Moments {
  at: string;
  spans: [string, string][];
}

let newest: number; // of the last span that is long enough to look around in
let oldest: number;
let gap: number | null; // a moment between two spans

beforeAll(async () => {
  const { spans } = await answer<Moments>('/moments');
  const parsed = spans.map(([from, to]) => [Date.parse(from), Date.parse(to)] as const);
  const long = parsed.findLast(([from, to]) => to - from > 3 * HOUR);
  if (!long) throw new Error('the platform keeps no three hours of moments to look back at');
  [oldest, newest] = long;
  const wide = parsed.find(([from], i) => i > 0 && from - (parsed[i - 1]?.[1] ?? from) > 4 * STEP_MS);
  gap = wide ? wide[0] - 2 * STEP_MS : null;
});

const addressOf = (at: number): string => `at=${new Date(at).toISOString().slice(0, 16)}Z`;

/** What the page shows in its figures, and what the platform says of a moment. */
async function figuresAt(at: number): Promise<number[]> {
  const o = await answer<Overview>(`/overview?at=${at}`);
  return [o.piles.charging, o.piles.free, o.vehicles.online, o.piles.total - o.piles.offline, o.piles.fault];
}

async function shownFigures(page: Page): Promise<number[]> {
  const texts = await page.locator('.figure b').allTextContents();
  return texts.filter((_, i) => i !== 1).map(figure); // power is rounded to megawatts
}

describe('the wall looks back', () => {
  test.each(['zh', 'en'] as const)('to a moment of the address, all of it, in %s', async (lang) => {
    const at = newest - 6 * STEP_MS;
    const watched = await open(`/wall?lang=${lang}&${addressOf(at)}`, { viewport, webgl: false });
    const { page } = watched;
    await expect.poll(() => shownFigures(page)).toEqual(await figuresAt(at));
    const { operators } = await answer<{ operators: OperatorRow[] }>(`/operators?at=${at}`);
    const names = await page.locator('tbody th').allTextContents();
    expect(names.map((n) => n.trim()).toSorted()).toEqual(operators.map((o) => (lang === 'en' && o.nameEn) || o.name).toSorted());
    const { makers } = await answer<{ makers: MakerRow[] }>(`/makers?at=${at}`);
    expect((await page.locator('.makers li b').allTextContents()).map(figure).toSorted())
      .toEqual(makers.map((m) => m.vehicles.online).toSorted());
    const { districts } = await answer<{ districts: DistrictRow[] }>(`/districts?at=${at}`);
    expect(await page.locator('.list li').count()).toBe(districts.filter((d) => d.piles.total > 0).length);
    await page.locator('.map svg .cell').first().waitFor({ state: 'attached' });
    const state = await page.locator('.state').textContent();
    expect(state).toMatch(lang === 'zh' ? /你看到的是(今天|昨天) \d\d:\d\d/ : /You see \d\d:\d\d (today|yesterday)/);
    expect(await page.locator('.age').count()).toBe(0);
    if (lang === 'en') {
      const left = await page.locator('h1, h2, .state, .travel, .legend, .alarms').allTextContents();
      expect(left.join(' ')).not.toMatch(/[\u4e00-\u9fff]/);
    }
    await keepsTheRules(watched);
    await page.context().close();
  });

  test('by keyboard: H opens, arrows move, the page key goes an hour, Esc is live again', async () => {
    const watched = await open('/wall?lang=en', { viewport, webgl: false });
    const { page } = watched;
    await page.locator('.ticks').waitFor();
    await page.keyboard.press('h');
    const slider = page.getByRole('slider', { name: 'Time travel' });
    await slider.waitFor();
    expect(await slider.getAttribute('aria-valuetext')).toBe('Live');
    expect(await page.locator('.wall.past').count()).toBe(0); // nothing is looked at yet
    for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowLeft');
    await page.locator('.wall.past').waitFor();
    const atOf = (): number => Date.parse(new URL(page.url()).searchParams.get('at') ?? '');
    await expect.poll(atOf).toBeGreaterThan(0);
    const first = atOf();
    await page.keyboard.press('PageDown');
    await expect.poll(atOf).toBe(first - HOUR);
    expect(await slider.getAttribute('aria-valuetext')).toMatch(/^\d\d:\d\d (today|yesterday)/);
    await page.keyboard.press('2');
    await expect.poll(() => page.url()).toContain('layer=demand');
    await page.keyboard.press('Escape');
    await page.locator('.wall:not(.past)').waitFor();
    expect(new URL(page.url()).searchParams.get('at')).toBeNull();
    await expect.poll(() => page.locator('.state').textContent()).toContain('Live');
    await expect.poll(() => page.locator('.age').count()).toBe(1);
    // The last minutes before the platform began are a gap, and the browser notes each answer that says so.
    expect(watched.errors.filter((text) => !text.includes('404'))).toEqual([]);
    await keepsTheRules({ ...watched, errors: [] });
    await page.context().close();
  });

  test('says a gap and shows nothing in it', async () => {
    if (gap === null) throw new Error('the platform has no gap to look at');
    const watched = await open(`/wall?lang=zh&${addressOf(gap)}`, { viewport, webgl: false });
    const { page } = watched;
    await expect.poll(() => page.locator('.state').textContent()).toContain('没有存下这一刻的数据');
    expect(await page.locator('.figure b').allTextContents()).toEqual(Array(6).fill('–'));
    expect(await page.locator('.map svg .cell').count()).toBe(0);
    expect(await page.locator('tbody').textContent()).toContain('这一刻没有数据');
    expect(watched.errors.filter((text) => !text.includes('404'))).toEqual([]);
    await keepsTheRules({ ...watched, errors: [] });
    await page.context().close();
  });

  test('plays forward over moments, and pauses when it is moved', async () => {
    const from = newest - 2 * HOUR;
    const { page } = await open(`/wall?lang=en&${addressOf(from)}`, { viewport, webgl: false });
    await expect.poll(() => shownFigures(page)).toEqual(await figuresAt(from));
    await page.getByRole('button', { name: 'Play' }).click();
    const atOf = (): number => Date.parse(new URL(page.url()).searchParams.get('at') ?? '');
    await expect.poll(atOf, { interval: 100 }).toBeGreaterThanOrEqual(from + 3 * STEP_MS);
    await page.getByRole('button', { name: '5 minutes back' }).click();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    const stopped = atOf();
    await expect.poll(() => shownFigures(page)).toEqual(await figuresAt(stopped));
    expect(atOf()).toBe(stopped);
    await page.getByRole('button', { name: 'Back to live' }).click();
    await page.locator('.wall:not(.past)').waitFor();
    await page.context().close();
  });

  test('a live frame never changes what was', async () => {
    const { page } = await open(`/wall?lang=zh&${addressOf(oldest)}`, { viewport, webgl: false });
    const then = await figuresAt(oldest);
    await expect.poll(() => shownFigures(page)).toEqual(then);
    const seen = await page.evaluate(async () => {
      const texts = new Set<string>();
      for (let i = 0; i < 30; i++) {
        texts.add([...document.querySelectorAll('.figure b')].map((b) => b.textContent).join(' '));
        await new Promise((done) => setTimeout(done, 100));
      }
      return [...texts];
    });
    expect(seen).toHaveLength(1);
    expect(await page.locator('.alarms').textContent()).toContain('不保存过去');
    expect(await page.locator('th.grade').count()).toBe(0);
    await page.context().close();
  });

  test.each([[1366, 768], [390, 844]])('at %d × %d the slider can be reached and nothing is cut', async (width, height) => {
    for (const lang of ['zh', 'en']) {
      const watched = await open(`/wall?lang=${lang}&${addressOf(newest - STEP_MS)}`, {
        viewport: { width, height }, webgl: false, reducedMotion: 'reduce',
      });
      const { page } = watched;
      const bar = page.locator('.travel');
      await bar.waitFor();
      await page.locator('tbody tr:nth-child(1)').waitFor();
      const box = await bar.boundingBox();
      if (!box) throw new Error('the slider is not drawn');
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width + 1);
      expect(box.y + box.height).toBeLessThanOrEqual(Math.max(height, await page.evaluate(() => document.documentElement.scrollHeight)) + 1);
      await keepsTheRules(watched);
      await page.context().close();
    }
  });

  test('a future moment, and none, are live', async () => {
    for (const at of ['2199-01-01T00:00Z', 'yesterday']) {
      const { page } = await open(`/wall?lang=zh&at=${at}`, { viewport, webgl: false });
      await expect.poll(() => page.locator('.state').textContent()).toContain('实时');
      expect(await page.locator('.wall.past').count()).toBe(0);
      await page.context().close();
    }
  });

  test('an older moment than is kept is said', async () => {
    const { page } = await open(`/wall?lang=en&${addressOf(newest - 10 * 24 * HOUR)}`, { viewport, webgl: false });
    await expect.poll(() => page.locator('.state').textContent()).toContain('more than 7 days ago');
    expect(await page.locator('.figure b').first().textContent()).toBe('–');
    await page.context().close();
  });
});
