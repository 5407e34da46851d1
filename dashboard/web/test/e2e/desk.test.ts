import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { figure, keepsTheRules, open, SIZES, type Opening } from './browser.ts';
import { admin, newParty, publish } from './platform.ts';

const viewport = { width: 1366, height: 768 };
const OPERATOR = 'teld'; // of the simulated city

let teld = '';
let byd = '';
const removed: string[] = []; // parties to take away again

beforeAll(async () => {
  teld = await admin('token', 'add', '--role', 'operator', '--party', OPERATOR);
  byd = await admin('token', 'add', '--role', 'maker', '--party', 'byd');
});

afterAll(async () => {
  for (const slug of removed) await admin('party', 'remove', slug);
});

/** Opens the desk with a token, at a view. */
async function desk(token: string, view = '', options: Opening = {}, query = ''): Promise<Awaited<ReturnType<typeof open>>> {
  const watched = await open(`/desk${query}#token=${token}`, { viewport, webgl: false, ...options });
  await watched.page.locator('.shell').waitFor();
  if (view) await go(watched.page, view);
  return watched;
}

async function go(page: Page, view: string): Promise<void> {
  await page.evaluate((to) => (location.hash = to), view);
  await page.locator('main h1').waitFor();
}

/** What a view shows when it has its answer. */
const READY: Record<string, string> = {
  '/overview': 'main .counts, main .facts', '/rules': 'main .panel', '/quality': 'main .track', '/tail': 'main ol li',
  '/stations': 'main tbody tr', '/vehicles': 'main tbody tr', '/alarms': 'main ul, main .panel', '/connect': 'main pre',
};

describe('signing in', () => {
  test('says what is wrong with a token, and takes a right one', async () => {
    const driver = await admin('token', 'add', '--role', 'driver');
    const { page } = await open('/desk?lang=en', { viewport, webgl: false });
    const submit = async (token: string): Promise<void> => {
      await page.getByLabel('Token', { exact: true }).fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    const alert = page.getByRole('alert');
    await submit('');
    await expect.poll(() => alert.textContent()).toContain('Paste your token');
    await submit('令牌');
    await expect.poll(() => alert.textContent()).toContain('does not look like a token');
    await submit('dct_0123456789012345678901234567890123456789');
    await expect.poll(() => alert.textContent()).toContain('does not know this token');
    await submit(driver);
    await expect.poll(() => alert.textContent()).toContain('driver');
    expect(await page.evaluate(() => Object.values({ ...sessionStorage, ...localStorage }).join())).not.toContain(driver);
    await submit(teld);
    await page.getByText('TELD', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('TELD', { exact: true }).waitFor();
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(teld);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token', { exact: true }).waitFor();
    await page.reload();
    await page.getByLabel('Token', { exact: true }).waitFor();
    await page.context().close();
  });

  test('takes a token out of the address', async () => {
    const { page } = await desk(teld);
    expect(page.url()).not.toContain(teld);
    await expect.poll(() => page.url()).toContain('#/overview');
    await page.context().close();
  });

  test('a token that is removed ends the visit, and says so', async () => {
    const token = await admin('token', 'add', '--role', 'operator', '--party', OPERATOR);
    const before = await admin('token', 'list');
    const { page } = await desk(token);
    await page.locator(READY['/overview'] as string).first().waitFor();
    await admin('token', 'remove', (before.split('\n').at(-1) ?? '').split(/\s/)[0] ?? '');
    await page.getByText('这个令牌刚刚被删除').waitFor();
    await page.context().close();
  });
});

describe('finding one\'s way', () => {
  test('views stand in the address, and back works', async () => {
    const { page } = await desk(teld, '/overview');
    await page.getByRole('link', { name: '接入指南' }).click();
    await expect.poll(() => page.locator('main h1').textContent()).toBe('接入指南');
    expect(await page.title()).toContain('接入指南');
    await page.goBack();
    await expect.poll(() => page.locator('main h1').textContent()).toBe('总览');
    await go(page, '/none');
    await expect.poll(() => page.locator('main h1').textContent()).toBe('没有这个页面');
    await go(page, '/vehicles');
    await expect.poll(() => page.locator('main h1').textContent()).toBe('此页面不属于当前令牌');
    await page.context().close();
  });

  test('the list of stations is searched and filtered in the address, and leads to a station and a pile', async () => {
    const { page } = await desk(teld, '/stations');
    const rows = page.locator('main tbody tr');
    await rows.first().waitFor();
    const name = (await rows.nth(1).locator('a').textContent()) ?? '';
    await page.getByRole('searchbox').fill(name);
    await expect.poll(() => page.url()).toContain('q=');
    await expect.poll(async () => (await rows.locator('a').allTextContents()).every((text) => text.includes(name))).toBe(true);
    await rows.first().locator('a').click();
    await expect.poll(() => page.url()).toContain('/stations/teld%3A');
    await page.locator('main tbody tr a').first().click();
    await expect.poll(() => page.url()).toContain('/piles/teld%3A');
    await page.locator('main .panel').first().waitFor();
    await page.context().close();
  });

  test('a station without piles stands among the others, and a driver is told that it has none', async () => {
    const party = await newParty('operator');
    removed.push(party.slug);
    const one = { access: 'public', lon: 102.71, lat: 25.039, parking: { type: 0 } };
    await publish(party.slug, party.password, 'stations', { ...one, id: 'EMPTY', name: '空站', piles: [] });
    await publish(party.slug, party.password, 'stations', { ...one, id: 'FULL', name: '有桩站', piles: [{ id: 'F1', kind: 'dc', ratedKw: 120 }] });
    const { page } = await desk(party.token, '/stations');
    await expect.poll(async () => (await page.locator('main tbody th a').allTextContents()).toSorted()).toEqual(['有桩站', '空站']);
    await page.context().close();
    const driver = await open(`/?lang=zh&near=102.71,25.039&sel=${party.slug}:EMPTY`, { viewport, webgl: false });
    await driver.page.getByText('没有为这个站登记充电桩').waitFor();
    expect(await driver.page.getByRole('button', { name: /告诉我|盯着|导航/ }).count()).toBe(0);
    await driver.page.getByText('有桩站').first().waitFor();
    expect(await driver.page.locator('main ul .row strong', { hasText: '空站' }).count()).toBe(0);
    await driver.page.context().close();
  });

  test('a maker has its vehicles', async () => {
    const { page } = await desk(byd, '/vehicles');
    await page.locator('main tbody tr').first().waitFor();
    await page.locator('main tbody tr a').first().click();
    await expect.poll(() => page.url()).toMatch(/\/vehicles\/\w{17}/);
    await page.context().close();
  });
});

describe('what became of a report', () => {
  test('a rejected one appears in the tail and among the rules, with its value and what helps', async () => {
    const party = await newParty('operator');
    removed.push(party.slug);
    const { page } = await desk(party.token, '/tail');
    await page.getByText('等待下一条消息').waitFor();
    await publish(party.slug, party.password, 'piles', { id: 'NOWHERE-7', ts: Date.now(), status: 1 });
    const row = page.locator('main ol li');
    await row.first().waitFor();
    expect(await row.first().innerText()).toContain('id.unknown');
    await row.first().locator('summary').click();
    await expect.poll(() => row.first().locator('pre').textContent()).toContain('NOWHERE-7');
    await go(page, '/rules');
    const rule = page.locator('article', { hasText: 'id.unknown' });
    await rule.waitFor();
    expect(await rule.innerText()).toContain('先发布 stations');
    await rule.locator('summary').click();
    await expect.poll(() => rule.innerText()).toContain('id = "NOWHERE-7"');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: '下载 CSV' }).click();
    expect((await download).suggestedFilename()).toMatch(/^dianchi_rules_.*\.csv$/);
    await page.context().close();
  });

  test('another party\'s tail is not shown', async () => {
    const party = await newParty('operator');
    removed.push(party.slug);
    const { page } = await desk(party.token, '/tail');
    await page.getByText('等待下一条消息').waitFor();
    await page.waitForTimeout(2500); // the city sends many messages meanwhile
    expect(await page.locator('main ol li').count()).toBe(0);
    await page.context().close();
  });

  test('an alarm is acknowledged with a note', async () => {
    const party = await newParty('maker');
    removed.push(party.slug);
    const { page } = await desk(party.token, '/alarms');
    await publish(party.slug, party.password, 'vehicles', { vin: 'LNBMDBAH4PA000001', ts: Date.now(), alarmLevel: 3, alarms: 2 });
    const alarm = page.locator('main li', { hasText: 'LNBMDBAH4PA000001' }).first();
    await alarm.waitFor();
    await alarm.getByRole('button', { name: /^确认/ }).click();
    await page.getByLabel('备注').fill('已通知车主');
    await page.getByRole('button', { name: '提交' }).click();
    await expect.poll(() => alarm.innerText()).toContain('已通知车主');
    await page.context().close();
  });

  test('the account adds up as it is shown', async () => {
    const { page } = await desk(teld, '/quality');
    await page.locator(READY['/quality'] as string).first().waitFor();
    for (const line of await page.locator('section:has(#account) tbody tr').all()) {
      const [received = NaN, ...parts] = (await line.locator('.num').allTextContents()).map(figure);
      expect(parts.reduce((a, b) => a + b, 0)).toBe(received);
    }
    await page.context().close();
  });
});

describe('every view', () => {
  test.each([
    ['operator', 'zh', 'light'], ['operator', 'en', 'dark'], ['maker', 'zh', 'dark'], ['maker', 'en', 'light'],
  ] as const)('%s in %s and %s keeps the rules at every size', async (role, lang, theme) => {
    const watched = await desk(role === 'operator' ? teld : byd, '', { viewport: SIZES[0] }, `?lang=${lang}&theme=${theme}`);
    const { page } = watched;
    // A maker has all but one of its views in common with an operator.
    const views = role === 'maker' ? ['/vehicles'] : Object.keys(READY).filter((v) => v !== '/vehicles');
    for (const view of views) {
      await go(page, view);
      await page.locator(READY[view] as string).first().waitFor();
      for (const [i, size] of SIZES.entries()) {
        await page.setViewportSize(size);
        if (lang === 'en' && i === 0) {
          // A list's rows have names that operators gave.
          const words = await page.locator('nav, h1, h2, thead, dt, .lead, button, label').evaluateAll((all) =>
            all.filter((e) => !e.closest('main li')).map((e) => e.textContent ?? ''));
          expect(words.join(' ').replace('中文', ''), view).not.toMatch(/[\u4e00-\u9fff]/);
        }
        await keepsTheRules(watched, view === views[0] ? undefined : 'main');
      }
    }
    await page.context().close();
  });
});
