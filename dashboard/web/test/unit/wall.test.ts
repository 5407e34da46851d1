import { describe, expect, test } from 'vitest';
import type { Alarm, HistoryTable, Overview } from '../../src/lib/types.ts';
import { change, energyBetween, overviewAt, rowAt } from '../../src/wall/compare.ts';
import { takeFirst } from '../../src/wall/first.ts';
import type { Component } from '../../src/wall/grades.ts';
import { linesOf } from '../../src/wall/harm.ts';
import { scoreOf } from '../../src/wall/lastweek.ts';
import { NOTHING, settingsOf, tourOf, viewText, withParam, withParams } from '../../src/wall/settings.ts';

const T = Date.UTC(2026, 10, 23);
const MIN = 60_000;

describe('the address', () => {
  const of = (query: string) => settingsOf(new URLSearchParams(query));

  test('says layer, tour, view and what is selected; what it cannot mean is as usual', () => {
    expect(of('layer=demand&rotate=60&wall=1')).toEqual({
      layer: 'demand', rotateS: 60, bare: true, table: false, selection: NOTHING, view: null, at: null, unread: '',
    });
    expect(of('layer=x&rotate=1')).toMatchObject({ layer: 'vehicles', rotateS: 10 });
    expect(of('rotate=abc').rotateS).toBe(0);
    expect(of('at=foo')).toMatchObject({ at: null, unread: 'foo' });
    expect(of('at=2999-01-01T00:00Z')).toMatchObject({ at: null, unread: '2999-01-01T00:00Z' });
    expect(of('at=102.7,25.1,12')).toMatchObject({ at: null, unread: '' });
    expect(of('at=2026-01-01T00:00Z').unread).toBe('');
    expect(of('station=teld:S1&pile=teld:P1&table=1')).toMatchObject({
      selection: { district: '', station: 'teld:S1', pile: 'teld:P1' }, table: true,
    });
    expect(of('pile=teld:P1').selection).toEqual(NOTHING);
    expect(of('view=102.7,25.1,12.5').view).toEqual({ centre: [102.7, 25.1], zoom: 12.5 });
    expect(of('at=102.7,25.1,12.5')).toMatchObject({ view: { centre: [102.7, 25.1], zoom: 12.5 }, at: null }); // as it once was
    for (const bad of ['view=1,2', 'view=x,y,z', 'view=999,2,12', 'view=102,25,99']) expect(of(bad).view).toBeNull();
  });

  test('is written so that it reads back', () => {
    const view = { centre: [102.7123, 25.04] as [number, number], zoom: 13.25 };
    const address = withParams('http://x/wall?lang=en&district=530102', { view: viewText(view), station: 'teld:S1', district: '' });
    expect(address).toBe('/wall?lang=en&view=102.7123,25.0400,13.25&station=teld:S1');
    expect(of(address.split('?')[1] ?? '').view).toEqual(view);
    expect(withParam('http://x/wall?lang=en', 'layer', 'free')).toBe('/wall?lang=en&layer=free');
  });

  test('a tour shows each layer of the whole city, and the busiest districts between', () => {
    const stops = tourOf([
      { id: 'a', piles: { inUse: 5 } }, { id: 'b', piles: { inUse: 9 } }, { id: 'unknown', piles: { inUse: 99 } },
      { id: 'c', piles: { inUse: 0 } },
    ]);
    expect(stops.filter((s) => s.district === '').map((s) => s.layer)).toHaveLength(6);
    expect(stops.filter((s) => s.district).map((s) => s.district)).toEqual(['b', 'a']);
    expect(tourOf([])).toHaveLength(6);
  });
});

describe('today against yesterday', () => {
  const table: HistoryTable = {
    columns: ['ts', 'pilesTotal', 'pilesFree', 'pilesInUse', 'pilesCharging', 'pilesReserved', 'pilesFault', 'pilesOffline', 'powerKw', 'energyKwh', 'vehiclesOnline'],
    rows: [
      [T, 10, 5, 3, 2, 0, 1, 1, 100, 8, 7],
      [new Date(T + 5 * MIN).toISOString(), 10, 4, 4, 3, 0, 1, 1, 120, 9, 8],
      [T + 30 * MIN, 10, null, 4, 3, 0, 1, 1, 120, null, 8],
    ],
  };

  test('a time takes the row before it, and none over a gap', () => {
    expect(rowAt(table, T + 4 * MIN)?.[0]).toBe(T);
    expect(rowAt(table, T + 9 * MIN)?.[8]).toBe(120);
    expect(rowAt(table, T + 20 * MIN)).toBeNull();
    expect(rowAt(table, T - MIN)).toBeNull();
  });

  test('figures of a row, and none where one is missing', () => {
    const now = { stations: 1 } as Overview;
    expect(overviewAt(table, T + MIN, now)).toMatchObject({ powerKw: 100, piles: { charging: 2 }, vehicles: { online: 7 } });
    expect(overviewAt(table, T + 31 * MIN, now)).toBeNull();
  });

  test('energy is the sum of the rows that end in the time', () => {
    expect(energyBetween(table, T - MIN, T + 60 * MIN)).toBe(17);
    expect(energyBetween(table, T, T + 60 * MIN)).toBe(9);
    expect(energyBetween(table, T + 6 * MIN, T + 60 * MIN)).toBeNull();
  });

  test('changes in per cent; nothing is said where nothing is known', () => {
    const f = (now: number, before: number | null, want: string | null) => expect(change(now, before)).toBe(want);

    f(110, 100, '+10.0%');
    f(97.4, 100, '−2.6%');
    f(100, 100.01, '±0%');
    f(300, 100, '+200%');
    f(5, null, null);
    f(5, 0, null);
    f(0, 0, '±0%');
  });
});

describe('alarms', () => {
  let n = 0;
  const alarm = (a: Partial<Alarm>): Alarm => ({
    id: `A${++n}`, rule: 'pile.fault', severity: 'warning', state: 'open', party: 'teld', kind: 'pile', object: 'teld:P1',
    station: 'teld:S1', title: { zh: '', en: '' }, detail: { zh: '', en: '' }, do: { zh: '', en: '' }, level: null, count: 1,
    lastKnown: false, since: null, raisedAt: new Date(T + n * 1000).toISOString(), ackedAt: null, ackedBy: null, note: null,
    clearedAt: null, ...a,
  });

  test('piles of one station are one line, since the first of them', () => {
    const lines = linesOf([alarm({ since: new Date(T).toISOString() }), alarm({}), alarm({ station: 'teld:S2' })]);
    expect(lines.map((l) => l.objects).toSorted()).toEqual([1, 2]);
    expect(lines.find((l) => l.objects === 2)?.since).toBe(T);
  });

  test('the most harmful comes first, what is acknowledged last, what is cleared nowhere', () => {
    const lines = linesOf([
      alarm({ rule: 'old', severity: 'critical', state: 'acked', station: 'a' }),
      alarm({ rule: 'pile' }),
      alarm({ rule: 'station.silent', kind: 'station', station: null }),
      alarm({ rule: 'party.silent', kind: 'party', station: null, severity: 'critical', count: 300 }),
      alarm({ rule: 'fire', kind: 'vehicle', station: null, severity: 'critical', level: 4 }),
      alarm({ rule: 'gone', state: 'cleared', severity: 'critical' }),
    ]);
    expect(lines.map((l) => l.worst.rule)).toEqual(['fire', 'party.silent', 'station.silent', 'pile', 'old']);
  });
});

test('the score of last week follows the weights, and needs what is needed', () => {
  const part = (id: string, weight: number, fullPct: number, nonePct: number, needed = true): Component =>
    ({ id, weight, fullPct, nonePct, needed, name: { zh: '', en: '' }, valuePct: null, sample: 0, points: null });
  const parts = [part('missing', 50, 0, 20), part('online', 50, 100, 50, false)];
  const columns = ['ts', 'received', 'expected', 'missing', 'history', 'online', 'objects'];
  const rows = (row: number[]): HistoryTable => ({ columns, rows: Array.from({ length: 12 }, (_, i) => [i, ...row]) });
  expect(scoreOf(parts, rows([100, 100, 10, 0, 75, 100]))).toBeCloseTo(50); // half of each
  expect(scoreOf(parts, rows([100, 100, 0, 0, 0, 0]))).toBeCloseTo(100); // online unknown: not counted
  expect(scoreOf(parts, rows([0, 0, 0, 0, 75, 100]))).toBeNull();
  expect(scoreOf(parts, { columns, rows: [] })).toBeNull();
});

test('a page without a snapshot, or with a torn one, begins with nothing', () => {
  const page = (text: string | null) => ({ querySelector: () => (text === null ? null : { textContent: text }) }) as never;
  expect(takeFirst(page(null))).toBeNull();
  expect(takeFirst(page('{"at":'))).toBeNull();
  expect(takeFirst(page('{"at":5}'))).toEqual({ at: 5 });
});
