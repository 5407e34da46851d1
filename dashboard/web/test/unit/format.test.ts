import { describe, expect, test } from 'vitest';
import { age, clock, distance, duration, int, kilowatts, megawattHours, megawatts, midnight, percent, yuan } from '../../src/lib/format.ts';
import { chooseLang, nameOf, speaker, type Texts } from '../../src/lib/i18n.ts';
import { TEXTS as DRIVER } from '../../src/driver/texts.ts';
import { TEXTS as WALL } from '../../src/wall/texts.ts';

const ZONE = 'Asia/Shanghai';
const AT = Date.UTC(2026, 10, 1, 18, 5, 9); // 02:05:09 on the 2nd in Kunming

test('a word goes with its number', () => {
  const say = speaker({ n: ['{n} 条', '{n} {n:report was|reports were} rejected by {rule}'] }, 'en');
  expect([0, 1, 2].map((n) => say('n', { n, rule: 'R1' }))).toEqual([
    '0 reports were rejected by R1', '1 report was rejected by R1', '2 reports were rejected by R1',
  ]);
  expect(say('n', { n: '1,001', rule: 1 })).toBe('1,001 reports were rejected by 1');
});

test('numbers', () => {
  expect(int(1234567)).toBe('1,234,567');
  expect([99_900, 685_400, 1_234_567].map(megawatts)).toEqual(['99.9', '685', '1,235']);
  expect([percent(1, 3), percent(1, 0), percent(95, 1000, 2)]).toEqual(['33.3%', '–', '9.50%']);
  expect([1.005, 0.45, 1.425, 12].map(yuan)).toEqual(['¥1.01', '¥0.45', '¥1.43', '¥12.00']);
  expect([120, 7.5].map(kilowatts)).toEqual(['120\u00a0kW', '7.5\u00a0kW']);
  expect([null, undefined].map(kilowatts)).toEqual(['–', '–']);
  expect([0, 540, 9_949, 9_951, 1_234_500].map(megawattHours)).toEqual(['0.0', '0.5', '9.9', '10', '1,235']);
});

test('distances', () => {
  expect([4, 423, 994, 996, 1349].map((m) => distance(m, 'en').replace('\u00a0', ' '))).toEqual([
    '0 m', '420 m', '990 m', '1.0 km', '1.3 km',
  ]);
  expect(distance(1349, 'zh')).toBe('1.3\u00a0公里');
});

test.each([
  [-500, '刚刚', 'just now'],
  [9_000, '9 秒前', '9 s ago'],
  [119_000, '119 秒前', '119 s ago'],
  [120_000, '2 分钟前', '2 min ago'],
  [3 * 3_600_000, '3 小时前', '3 h ago'],
  [50 * 3_600_000, '2 天前', '2 d ago'],
])('an age of %d ms', (ms, zh, en) => {
  expect([age(ms, 'zh'), age(ms, 'en')]).toEqual([zh, en]);
});

test.each([
  [45_000, '45 秒', '45 s'],
  [5 * 60_000, '5 分钟', '5 min'],
  [59.6 * 60_000, '1 小时', '1 h'],
  [1430 * 60_000, '23 小时 50 分钟', '23 h 50 min'],
  [73 * 3_600_000, '3 天 1 小时', '3 d 1 h'],
])('a duration of %d ms', (ms, zh, en) => {
  expect([duration(ms, 'zh'), duration(ms, 'en')]).toEqual([zh, en]);
});

test('hours are the city\'s, wherever the reader is', () => {
  expect(clock(AT, ZONE)).toBe('02:05');
  expect(clock(AT, ZONE, true)).toBe('02:05:09');
  expect(midnight(AT, ZONE)).toBe(Date.UTC(2026, 10, 1, 16));
  expect(midnight(Date.UTC(2026, 10, 1, 16), ZONE)).toBe(Date.UTC(2026, 10, 1, 16));
});

describe('languages', () => {
  test('the address is stronger than what was kept, and that than the browser', () => {
    expect(chooseLang('en', 'zh', ['zh-CN'])).toBe('en');
    expect(chooseLang('xx', 'en', ['zh-CN'])).toBe('en');
    expect(chooseLang(null, null, ['fr', 'en-GB', 'zh'])).toBe('en');
    expect(chooseLang(null, null, ['fr'])).toBe('zh');
  });

  test('values stand in their places', () => {
    const t = speaker({ of: ['共 {n} 桩', 'of {n} piles'] }, 'en');
    expect(t('of', { n: 5 })).toBe('of 5 piles');
  });

  test('a name without English is shown as it is', () => {
    expect(nameOf({ name: '充电队长', nameEn: '' }, 'en')).toBe('充电队长');
    expect(nameOf({ name: '特来电', nameEn: 'TELD' }, 'en')).toBe('TELD');
    expect(nameOf({ name: '特来电', nameEn: 'TELD' }, 'zh')).toBe('特来电');
  });

  test.each<[string, Texts<string>]>([['wall', WALL], ['driver', DRIVER]])(
    'each text of the %s says the same values in both languages',
    (_, texts) => {
      for (const [key, [zh, en]] of Object.entries(texts)) {
        const places = (s: string): string[] => [...s.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
        expect(zh.trim() && en.trim(), key).not.toBe('');
        expect(places(zh), key).toEqual(places(en));
      }
    },
  );
});
