import { describe, expect, test } from 'vitest';
import { liveURL, queryString } from '../../src/lib/api.ts';
import { speaker } from '../../src/lib/i18n.ts';
import { KUNMING } from '../../src/lib/config.ts';
import type { Parking, Pile, Station } from '../../src/lib/types.ts';
import { parkingPhrase } from '../../src/driver/describe.ts';
import { groupsOf, parkingText, pileWord } from '../../src/driver/details.ts';
import { filterParams, filtersOf, narrows, NO_FILTERS, stationParams, withFilters } from '../../src/driver/filters.ts';
import { MORE } from '../../src/driver/moretexts.ts';
import { navigationLink } from '../../src/driver/navigate.ts';
import { driveMin, fitOf, fitOfPiles, fits, nextPriceChange, ordered, type Placed } from '../../src/driver/order.ts';
import type { Cost, Range } from '../../src/driver/stop.ts';
import { originAt, parsePoint, pointText } from '../../src/driver/origin.ts';
import { TEXTS } from '../../src/driver/texts.ts';

const t = speaker(TEXTS, 'en');
const m = speaker(MORE, 'en');

function station(id: string, given: Partial<Station> = {}): Station {
  const piles = { total: 8, free: 3, inUse: 5, charging: 5, reserved: 0, fault: 0, offline: 0 };
  return {
    id, operator: 'teld', name: id, lon: 0, lat: 0, maxKw: 120, piles, updatedAt: null,
    access: 'public', match: 8, price: null, parking: null, distanceM: 100, ...given,
  };
}

const price = (now: number, until: string | null = null): Station['price'] => ({
  nowYuanPerKwh: now, energyYuanPerKwh: now, serviceYuanPerKwh: 0, until, nextYuanPerKwh: null,
});

describe('filters', () => {
  test('stand in the address and come back from it', () => {
    const f = {
      ...NO_FILTERS, free: true, kind: 'dc' as const, minKw: 120, maxYuan: 1.2, parking: true, q: '世纪',
      sort: 'cost' as const,
    };
    const href = withFilters('http://x/?lang=en&open=1', f);
    expect(filtersOf(new URL(href, 'http://x').searchParams)).toEqual(f);
    expect(href).toContain('lang=en');
    expect(href).not.toContain('open=1');
  });

  test('nonsense in the address is no filter', () => {
    const f = filtersOf(new URLSearchParams('free=yes&kind=xx&minKw=-3&maxYuan=abc&sort=up'));
    expect(f).toEqual(NO_FILTERS);
    expect(filterParams(f)).toEqual({});
  });

  test('an order narrows nothing', () => {
    expect(narrows({ ...NO_FILTERS, sort: 'cost' })).toBe(false);
    expect(narrows({ ...NO_FILTERS, q: 'a' })).toBe(true);
  });

  test('become the parameters of the contract', () => {
    const f = { ...NO_FILTERS, free: true, parking: true, sort: 'cost' as const };
    const params = stationParams(f, [102.71, 25.04], 5000, 50);
    expect(queryString(params)).toBe('?near=102.71%2C25.04&radiusM=5000&limit=50&free=1&parking=free');
  });
});

describe('counts and order', () => {
  test('without a filter on piles the counts are of all piles', () => {
    expect(fitOf(station('a'), NO_FILTERS, new Map())).toEqual({ free: 3, total: 8 });
  });

  test('with one they are of the piles that fit, and never 0 of 0', () => {
    const found = fits([station('a', { match: 2 })], [station('a', { match: 4 }), station('b', { match: 6 })]);
    const f = { ...NO_FILTERS, kind: 'dc' as const };
    expect(fitOf(station('a'), f, found)).toEqual({ free: 2, total: 4 });
    expect(fitOf(station('b'), f, found)).toEqual({ free: 0, total: 6 });
    expect(fitOf(station('c', { match: 5 }), f, found)).toEqual({ free: 0, total: 5 });
  });

  const placed = (id: string, distanceM: number, given: Partial<Placed>): Placed & { id: string } => ({
    id, station: { distanceM }, shape: 'free', cost: null, ...given,
  });
  const cost = (energyYuan: number | null, parking: Range | null): Cost => ({
    kwh: 30, kw: 60, chargeMin: 30, stayMin: 30, parts: null, energyYuan, parking,
    total: energyYuan === null || !parking ? null : { low: energyYuan + parking.low, high: energyYuan + parking.high },
  });
  const none = { low: 0, high: 0 };

  test('cheapest stop first: parking counts, what is not known comes last, the nearer of equals first', () => {
    const list = [
      placed('far', 900, { cost: cost(20, none) }), placed('no price', 1, { cost: cost(null, none) }),
      placed('near', 200, { cost: cost(20, none) }), placed('no parking', 1, { cost: cost(1, null) }),
      placed('dear parking', 1, { cost: cost(18, { low: 0, high: 5 }) }),
    ];
    expect(ordered(list, 'cost').map((s) => s.id)).toEqual(['near', 'far', 'dear parking', 'no parking', 'no price']);
    expect(ordered(list, 'near')).toEqual(list);
  });

  test('soonest plugged in: a free pile farther away before a full station', () => {
    const list = [
      placed('broken', 1, { shape: 'fault' }), placed('silent', 2, { shape: 'old' }), placed('full', 3, { shape: 'full' }),
      placed('b', 900, {}), placed('a', 300, { shape: 'few' }),
    ];
    expect(ordered(list, 'plug').map((s) => s.id)).toEqual(['a', 'b', 'full', 'silent', 'broken']);
    expect(Math.round(driveMin(2000))).toBe(9);
  });

  test('the counts of an open station obey the filters', () => {
    const pile = (kind: 'ac' | 'dc', ratedKw: number, state: Pile['state']): Pile => ({
      id: 'a:b', kind, ratedKw, status: 1, state, powerKw: null, socPct: null, updatedAt: null,
    });
    const piles = [pile('dc', 120, 'free'), pile('dc', 60, 'free'), pile('ac', 7, 'free'), pile('dc', 120, 'inUse')];
    expect(fitOfPiles(piles, NO_FILTERS)).toEqual({ free: 3, total: 4 });
    expect(fitOfPiles(piles, { ...NO_FILTERS, kind: 'dc', minKw: 120 })).toEqual({ free: 1, total: 2 });
  });

  test('knows when the next price begins', () => {
    const at = Date.UTC(2026, 10, 1, 4);
    const list = [station('a', { price: price(1, new Date(at).toISOString()) }), station('b', { price: price(1) })];
    expect(nextPriceChange(list, at - 1)).toBe(at);
    expect(nextPriceChange(list, at)).toBe(Infinity);
  });
});

describe('navigation', () => {
  const to = { name: '世纪城 A&B', wgs84: [102.712, 25.04] as const, gcj02: [102.713441, 25.037027] as const };
  const link = (app: Parameters<typeof navigationLink>[0]): string => navigationLink(app, to as never);

  test('Chinese maps get GCJ-02, each in its own order', () => {
    expect(link('amap')).toContain('to=102.713441,25.037027,%E4%B8%96%E7%BA%AA%E5%9F%8E%20A%26B&');
    expect(link('baidu')).toContain('location=25.037027,102.713441&');
    expect(link('baidu')).toContain('coord_type=gcj02');
    expect(link('tencent')).toContain('tocoord=25.037027,102.713441');
    expect(link('apple')).toContain('daddr=25.037027,102.713441');
  });

  test('a geo address is WGS-84', () => {
    expect(link('geo')).toMatch(/^geo:25\.040000,102\.712000\?/);
  });
});

describe('sentences', () => {
  const parking = (given: Partial<Parking>): Parking => ({
    type: 0, text: null, yuanPerHour: null, freeMinutes: null, ...given,
  });

  test.each<[Parking | null, string]>([
    [null, 'ask on site'],
    [parking({ type: 255 }), 'ask on site'],
    [parking({ type: 0 }), 'free'],
    [parking({ type: 1, yuanPerHour: 5 }), 'paid · ¥5/h'],
    [parking({ type: 2, yuanPerHour: 3, freeMinutes: 120 }), 'free for a time · first 2 h free · ¥3/h'],
    [parking({ type: 2, freeMinutes: 90 }), 'free for a time · first 90 min free'],
    [parking({ type: 3, text: '充电减免' }), 'reduced while charging · 充电减免'],
  ])('parking %j', (p, want) => {
    expect(parkingText(p, m, t)).toBe(want);
  });

  test.each<[Parking | null, string, string]>([
    [null, '停车费到站询问', 'ask about parking on site'],
    [parking({ type: 255, text: '问保安' }), '停车费到站询问', 'ask about parking on site'],
    [parking({ type: 0, text: '地面免费' }), '停车免费', 'free parking'],
    [parking({ type: 1, yuanPerHour: 5 }), '停车 ¥5/小时', 'parking ¥5/h'],
    [parking({ type: 1, yuanPerHour: 2.5 }), '停车 ¥2.50/小时', 'parking ¥2.50/h'],
    [parking({ type: 1 }), '停车收费', 'paid parking'],
    [parking({ type: 2, freeMinutes: 120, yuanPerHour: 3 }), '停车前 2 小时免费', 'parking first 2 h free'],
    [parking({ type: 2 }), '停车限时免费', 'parking free for a time'],
    [parking({ type: 3, text: '充电减免' }), '充电减免停车费', 'parking reduced while charging'],
  ])('parking %j in a row of the list', (p, zh, en) => {
    expect([parkingPhrase(p, speaker(TEXTS, 'zh')), parkingPhrase(p, t)]).toEqual([zh, en]);
  });

  const pile = (id: string, given: Partial<Pile>): Pile => ({
    id, kind: 'dc', ratedKw: 120, status: 1, state: 'free', powerKw: null, socPct: null, updatedAt: null, ...given,
  });

  test('piles stand by kind and power, the strongest first', () => {
    const groups = groupsOf([
      pile('a', { kind: 'ac', ratedKw: 7 }), pile('b', {}), pile('c', { state: 'inUse', status: 3 }),
    ], m);
    const titles = groups.map((g) => g.title.replaceAll('\u00a0', ' '));
    expect(titles).toEqual(['DC 120 kW · 1 of 2 free', 'AC 7 kW · 1 of 1 free']);
  });

  test('occupied is not charging', () => {
    expect(pileWord(pile('a', { state: 'inUse', status: 2 }))).toBe('pile_occupied');
    expect(pileWord(pile('a', { state: 'inUse', status: 3 }))).toBe('pile_charging');
  });
});

describe('the start', () => {
  test.each<[string | null, unknown]>([
    ['102.71,25.04', [102.71, 25.04]], ['102.71', null], ['a,b', null], [',', null], ['1,2,3', null],
    ['500,25', null], [null, null],
  ])('%s in the address', (text, want) => {
    expect(parsePoint(text)).toEqual(want);
  });

  test('a point at a place is that place', () => {
    expect(originAt([102.71, 25.03901], KUNMING.places).place?.name).toBe('南屏街');
    expect(originAt([102.72, 25.03], KUNMING.places)).toEqual({ at: [102.72, 25.03], kind: 'point' });
    expect(pointText([102.710001, 25.04])).toBe('102.71,25.04');
  });
});

test('the live feed is beside the page, as safe as the page', () => {
  expect(liveURL({ protocol: 'http:', host: 'x:8080' })).toBe('ws://x:8080/api/v1/live');
  expect(liveURL({ protocol: 'https:', host: 'x' })).toBe('wss://x/api/v1/live');
});
