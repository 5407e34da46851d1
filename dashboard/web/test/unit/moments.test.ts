import { describe, expect, test } from 'vitest';
import {
  floorStep, isKept, marksOf, momentOf, momentText, nextKept, shares, STEP_MS, whenText, type Span,
} from '../../src/wall/moments.ts';
import { settingsOf, withParams } from '../../src/wall/settings.ts';

const ZONE = 'Asia/Shanghai';
const AT = Date.UTC(2026, 10, 24, 0, 15); // 08:15 in Kunming
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('a moment in the address', () => {
  test('reads back, on the five minutes that it is in', () => {
    expect(momentText(AT)).toBe('2026-11-24T00:15Z');
    expect(momentOf('2026-11-24T00:15Z', AT + 1)).toBe(AT);
    expect(momentOf('2026-11-24T08:19:59+08:00', AT + DAY)).toBe(AT);
    const address = withParams('http://x/wall?lang=en', { at: momentText(AT) });
    expect(address).toBe('/wall?lang=en&at=2026-11-24T00:15Z');
    expect(settingsOf(new URL(address, 'http://x').searchParams, AT + HOUR).at).toBe(AT);
  });

  test.each([null, '', 'x', '2026-11-24', '102.7,25.1,12.5', '2026-13-77T00:00Z', '2026-11-24T00:15Z'])('%s is none', (text) => {
    expect(momentOf(text, AT - 1)).toBeNull(); // the last one is in the future
  });
});

describe('a moment in words', () => {
  const now = AT + 2 * HOUR; // 10:15

  test.each([
    [AT, '今天 08:15', '08:15 today'],
    [AT - DAY, '昨天 08:15', '08:15 yesterday'],
    [AT - 9 * HOUR, '昨天 23:15', '23:15 yesterday'],
    [AT - 4 * DAY, '11月20日 周五 08:15', '08:15 on Fri 20 Nov'],
  ])('%i', (at, zh, en) => {
    expect(whenText(at, now, ZONE, 'zh')).toBe(zh);
    expect(whenText(at, now, ZONE, 'en')).toBe(en);
  });

  test('another year is said', () => {
    expect(whenText(AT, AT + 60 * DAY, ZONE, 'en')).toBe('08:15 on Tue 24 Nov 2026');
    expect(whenText(AT, AT + 60 * DAY, ZONE, 'zh')).toBe('2026年11月24日 周二 08:15');
  });

  test('the days are the city\'s, not the browser\'s', () => {
    expect(whenText(AT, AT + 5 * HOUR, ZONE, 'en')).toBe('08:15 today');
    expect(whenText(AT, AT + 5 * HOUR, 'America/New_York', 'en')).toBe('19:15 yesterday');
  });
});

describe('what is kept', () => {
  const spans: Span[] = [[AT, AT + HOUR], [AT + 3 * HOUR, AT + 3 * HOUR], [AT + 5 * HOUR, AT + 6 * HOUR]];

  test('has edges, and gaps', () => {
    for (const at of [AT, AT + HOUR, AT + 3 * HOUR]) expect(isKept(spans, at)).toBe(true);
    for (const at of [AT - STEP_MS, AT + HOUR + STEP_MS, AT + 2 * HOUR]) expect(isKept(spans, at)).toBe(false);
  });

  test('the next moment is over the gap', () => {
    expect(nextKept(spans, AT - DAY)).toBe(AT);
    expect(nextKept(spans, AT)).toBe(AT + STEP_MS);
    expect(nextKept(spans, AT + HOUR)).toBe(AT + 3 * HOUR);
    expect(nextKept(spans, AT + 3 * HOUR)).toBe(AT + 5 * HOUR);
    expect(nextKept(spans, AT + 6 * HOUR)).toBeNull();
    expect(nextKept([], AT)).toBeNull();
  });

  test('is drawn where it is, each moment as wide as its five minutes, cut at the ends', () => {
    const parts = shares(spans, AT + STEP_MS / 2, AT + 6 * HOUR + STEP_MS / 2);
    const step = STEP_MS / (6 * HOUR);
    expect(parts).toHaveLength(3);
    expect(parts[0]).toEqual({ left: 0, width: expect.closeTo(1 / 6, 9) });
    expect(parts[1]?.width).toBeCloseTo(step, 9);
    expect((parts[2]?.left ?? 0) + (parts[2]?.width ?? 0)).toBeCloseTo(1, 9);
    expect(shares(spans, AT + 7 * HOUR, AT + 8 * HOUR)).toEqual([]);
  });
});

describe('marks', () => {
  test('of a day: each hour, a word each third, days by name', () => {
    const end = floorStep(AT) + STEP_MS;
    const marks = marksOf(end - DAY, end, 'day', ZONE, 'en');
    expect(marks).toHaveLength(24);
    expect(marks.filter((m) => m.text).map((m) => m.text)).toEqual(['09:00', '12:00', '15:00', '18:00', '21:00', 'Tue 24 Nov', '03:00', '06:00']);
    expect(marks.filter((m) => m.brief).map((m) => m.brief)).toEqual(['12:00', '18:00', '24', '06:00']);
    expect(marks.filter((m) => m.day)).toHaveLength(1);
    for (const { place } of marks) expect(place >= 0 && place <= 1).toBe(true);
  });

  test('of a week: each quarter of a day, and seven midnights', () => {
    const marks = marksOf(AT - 7 * DAY, AT, 'week', ZONE, 'zh');
    expect(marks).toHaveLength(28);
    expect(marks.filter((m) => m.text).map((m) => m.text)).toEqual([
      '11月18日 周三', '11月19日 周四', '11月20日 周五', '11月21日 周六', '11月22日 周日', '11月23日 周一', '11月24日 周二',
    ]);
  });
});
