import { describe, expect, test } from 'vitest';
import { groups, harm, matches, NO_ALARM_FILTERS, type Alarm } from '../../src/desk/regulator/alarmlist.ts';
import { ticks } from '../../src/desk/regulator/axis.ts';
import { COLUMNS, pastOf, sorted, USUAL, type Row } from '../../src/desk/regulator/compare.ts';
import { CHAPTERS } from '../../src/desk/regulator/definitions.ts';
import { placesOf } from '../../src/desk/regulator/planning.ts';
import { sumPiles } from '../../src/desk/regulator/day.ts';
import { cellText, fileName } from '../../src/desk/regulator/exports.ts';
import { guesses } from '../../src/desk/regulator/find.ts';
import { countStates, Glides, stateOf } from '../../src/desk/regulator/fleet.ts';
import { everyFor, gaps, lines, nearest, pathOf, scaleOf, stretches } from '../../src/desk/regulator/series.ts';
import { placeAt, trackOf } from '../../src/desk/regulator/track.ts';
import { flagWords } from '../../src/desk/regulator/words.ts';

const MIN = 60_000;

describe('what somebody looks for', () => {
  const parties = [{ id: 'teld', name: '特来电', nameEn: 'TELD' }, { id: 'byd', name: '比亚迪', nameEn: 'BYD' }];
  const kinds = (text: string): string[] => guesses(text, parties).map((g) => g.kind);

  test.each([
    ['', []],
    ['  ', []],
    ['LGXCE4CB4NA000090', ['vehicle', 'stations']],
    ['lgxce4cb4na000090', ['vehicle', 'stations']],
    ['teld:S1-1', ['object']],
    ['S1-1', ['stations']],
    ['530100024-02', ['stations', 'stations']],
    ['大学城', ['stations']],
    ['特来电', ['party', 'stations']],
    ['tel', ['party', 'stations']],
    ['A32sjk', ['alarm', 'stations']],
  ])('%s is looked for as %j', (text, want) => expect(kinds(text)).toEqual(want));

  test('a bare pile id is looked for under its station', () => {
    expect(guesses('530100024-02', [])).toContainEqual({ kind: 'stations', text: '530100024', pile: '530100024-02' });
  });
});

describe('rows as a chart', () => {
  test('lines break at nulls and silences, and nowhere else', () => {
    const times = [0, 1, 2, 9, 10, 11].map((m) => m * MIN);
    const found = lines({ times, values: [1, 2, null, 3, 4, 5] }, 5 * MIN);
    expect(found.map((l) => l.map((p) => p[1]))).toEqual([[1, 2], [3, 4, 5]]);
  });

  test.each([
    ['no line', [], null],
    ['a line without a point', [[]], null],
    ['what is no number', [[[1, NaN], [NaN, 1]]], null],
    ['a column of nulls', lines({ times: [1, 2, 3], values: [null, null, null] }, MIN), null],
    ['one value', lines({ times: [1, 2], values: [null, 5] }, MIN), 'M2.0 5.0h.01'],
    ['an empty line beside two points', [[], [[1, 2], [3, 4]]], 'M1.0 2.0L3.0 4.0'],
  ] as [string, [number, number][][], string | null][])('%s is a whole path or none', (_, found, path) => {
    expect(pathOf(found, (at) => at, (v) => v)).toBe(path);
  });

  test('a state holds until the next row, and no longer than a silence', () => {
    const state = (v: unknown): string | null => (v === null ? null : String(v));
    const found = stretches({ times: [0, MIN, 20 * MIN], values: ['a', 'a', 'b'] }, state, 5 * MIN, 22 * MIN);
    expect(found).toEqual([
      { from: 0, to: 6 * MIN, state: 'a' }, { from: 20 * MIN, to: 22 * MIN, state: 'b' },
    ]);
  });

  test('silences are told from both ends, the longest first', () => {
    const times = [10, 11, 30].map((m) => m * MIN);
    expect(gaps({ times, values: [] }, 5 * MIN, 0, 32 * MIN)).toEqual([[11 * MIN, 30 * MIN], [0, 10 * MIN]]);
    expect(gaps({ times: [], values: [] }, 5 * MIN, 0, 60 * MIN)).toEqual([[0, 60 * MIN]]);
  });

  test.each([
    [24, 1500, '2m'], [24, 700, '5m'], [24, 300, '10m'], [1, 700, 'raw'], [72, 700, '15m'],
  ])('%d h on %d points take windows of %s', (hours, width, every) => {
    expect(everyFor(hours * 60 * MIN, width).every).toBe(every);
  });

  test.each([[0, 7, 0, 7.5], [0, 100, 0, 100], [3, 3, 0, 4], [-12, 40, -20, 40], [218, 226, 217.5, 227.5]])(
    'a scale of %d…%d is round', (low, high, from, to) => {
      const s = scaleOf(low, high, 4);
      expect([s.from, s.to].every(Number.isFinite)).toBe(true);
      expect(s.from).toBeLessThanOrEqual(low);
      expect(s.to).toBeGreaterThanOrEqual(high);
      expect(s.from).toBeGreaterThanOrEqual(from - s.step);
      expect(s.to).toBeLessThanOrEqual(to + s.step);
    });

  test('the nearest row is found on both sides', () => {
    expect([-5, 4, 6, 99].map((at) => nearest([0, 10, 20], at))).toEqual([0, 0, 1, 2]);
    expect(nearest([], 3)).toBe(-1);
  });

  test('ticks stand at round hours of the city', () => {
    const from = Date.UTC(2026, 10, 23, 3, 20);
    expect(ticks(from, from + 6 * 60 * MIN, 6, 'Asia/Shanghai', 'zh').map((m) => m.text))
      .toEqual(['12:00', '13:00', '14:00', '15:00', '16:00', '17:00']);
  });

  test('a station is the sum of its piles', () => {
    const pile = (rows: [string, number, number | null][]) => ({ columns: ['ts', 'status', 'powerKw'], rows });
    const at = '2026-11-23T04:00:00.000Z';
    const sum = sumPiles([pile([[at, 3, 60]]), pile([[at, 3, 30.5]]), pile([[at, 1, null]]), pile([])], 300_000);
    expect(sum.rows).toEqual([[at, 90.5, 2, 0, 1, 0, 3]]);
  });
});

describe('a vehicle', () => {
  const row = (min: number, lon: number | null): (string | number | null)[] =>
    [new Date(min * MIN).toISOString(), lon, lon === null ? null : 25];
  const table = { columns: ['ts', 'lon', 'lat'], rows: [row(0, 102.7), row(1, 102.71), row(2, null), row(30, 102.8)] };

  test('its way breaks where it was silent, and length is along the pieces', () => {
    const track = trackOf(table, 0);
    expect(track.parts.map((p) => p.length)).toEqual([2, 1]);
    expect(track.km).toBeCloseTo(1.008, 2);
    expect(placeAt(track, 1.4 * MIN, 0)).toEqual([102.71, 25]);
    expect(placeAt(track, 15 * MIN, 0)).toBeNull();
  });

  test('glides from report to report and stands still at the end', () => {
    const glides = new Glides();
    glides.set('v', [102, 25], 0);
    expect(glides.moving(0)).toBe(false);
    glides.set('v', [102.01, 25], 1000);
    expect(glides.at('v', 1000)).toEqual([102, 25]);
    expect(glides.at('v', 1750)?.[0]).toBeCloseTo(102.005);
    expect(glides.moving(1750)).toBe(true);
    expect(glides.at('v', 9000)).toEqual([102.01, 25]);
    glides.set('v', [103, 25], 9000); // too far for a glide
    expect(glides.at('v', 9000)).toEqual([103, 25]);
  });

  test('has one state, the gravest first', () => {
    const v = { online: true, alarmLevel: 0, state: 2, charge: 3, speedKmh: 0 };
    expect(stateOf(v)).toBe('parked');
    expect(stateOf({ ...v, charge: 1 })).toBe('charging');
    expect(stateOf({ ...v, speedKmh: 30 })).toBe('driving');
    expect(stateOf({ ...v, charge: 1, alarmLevel: 3 })).toBe('alarm');
    expect(stateOf({ ...v, online: false, alarmLevel: 3 })).toBe('silent');
    const brief = { ...v, vin: 'V', maker: 'm', class: 'taxi', lon: 102.7, lat: 25, socPct: null, updatedAt: null };
    expect(countStates([brief, { ...brief, lon: null }, { ...brief, lat: 30 }], [102, 24, 103, 26]).total).toBe(1);
  });

  test('its flags are told in words, unknown ones by number', () => {
    expect(flagWords(0, 'zh')).toBe('');
    expect(flagWords(2 + 2 ** 11, 'en')).toBe('battery over-temperature, insulation');
    expect(flagWords(2 ** 40, 'zh')).toBe('标志 40');
  });
});

describe('alarms', () => {
  const alarm = (id: string, more: Partial<Alarm>): Alarm => ({
    id, rule: 'pile.fault', severity: 'warning', state: 'open', party: 'teld', kind: 'pile', object: 'teld:S1-1',
    station: 'teld:S1', title: { zh: '', en: '' }, detail: { zh: '', en: '' }, do: { zh: '', en: '' }, level: null,
    alarms: null, count: 1, lastKnown: false, since: null, raisedAt: '2026-11-23T04:00:00.000Z', updatedAt: null,
    ackedAt: null, ackedBy: null, note: null, clearedAt: null, reason: null, ...more,
  });
  const all = [
    alarm('A1', {}), alarm('A2', { severity: 'critical', kind: 'vehicle', rule: 'vehicle.alarm', level: 3, party: 'byd' }),
    alarm('A3', { severity: 'critical', kind: 'vehicle', rule: 'vehicle.alarm', level: 4, party: 'byd' }),
    alarm('A4', { severity: 'critical', kind: 'station', rule: 'station.fault', count: 9, ackedAt: '2026-11-23T04:01:00.000Z' }),
    alarm('A5', { raisedAt: '2026-11-23T05:00:00.000Z' }),
  ];

  test('stand in order of harm', () => {
    expect(all.toSorted(harm).map((a) => a.id)).toEqual(['A3', 'A4', 'A2', 'A5', 'A1']);
  });

  test('are grouped with what they cover, and filtered', () => {
    const byParty = groups(all.toSorted(harm), 'party');
    expect(byParty.map((g) => [g.key, g.alarms.length, g.objects, g.unseen])).toEqual([['byd', 2, 2, 2], ['teld', 3, 11, 2]]);
    expect(groups([], 'none')).toEqual([]);
    const unseen = all.filter((a) => matches(a, { ...NO_ALARM_FILTERS, unseen: true, severity: 'critical' }));
    expect(unseen.map((a) => a.id)).toEqual(['A2', 'A3']);
  });
});

describe('files', () => {
  test('say what, whose and of when, in the city\'s time', () => {
    const at = Date.UTC(2026, 10, 23, 19, 10);
    expect(fileName(['alarms', 'teld', undefined], at, 'Asia/Shanghai', 'csv')).toBe('dianchi_alarms_teld_20261124T0310.csv');
    expect(fileName(['pile', 'teld:S1/1'], at, 'UTC', 'xlsx')).toBe('dianchi_pile_teld-S1-1_20261123T1910.xlsx');
  });

  test.each([
    [null, ''], [1.5, '1.5'], [NaN, ''], ['a,b', '"a,b"'], ['say "x"', '"say ""x"""'], ['=1+1', "'=1+1"], ['-5', "'-5"], [-5, '-5'],
  ])('the cell %j is written %j', (cell, want) => expect(cellText(cell)).toBe(want));
});

describe('comparison', () => {
  const at = (h: number): string => new Date(h * 3_600_000).toISOString();

  test('means and sums come from rows that are there', () => {
    const table = {
      columns: ['ts', 'pilesTotal', 'pilesInUse', 'pilesOffline', 'pilesFault', 'powerKw', 'energyKwh'],
      rows: [[at(0), 100, 20, 10, 2, 50, 40], [at(1), 100, 40, 0, 4, 70, 60], [at(5), null, null, null, null, null, null]],
    };
    const quality = {
      columns: ['ts', 'received', 'rejected', 'kept', 'late', 'expected', 'missing', 'history', 'maxP95Ms'],
      rows: [[at(0), 200, 1, 190, 19, 200, 10, 4, 900], [at(1), 200, 3, 190, 0, 200, 2, 0, 4200]],
    };
    expect(pastOf(table, quality)).toEqual({
      rows: 3, onlinePct: 95, usePct: 30, faults: 3, powerKw: 60, energyKwh: 100,
      timelyPct: 95, missingPct: 2, rejectedPct: 1, p95S: 4.2,
    });
    expect(pastOf({ columns: ['ts'], rows: [] }, null)).toEqual({
      rows: 0, onlinePct: null, usePct: null, faults: null, powerKw: null, energyKwh: null,
      timelyPct: null, missingPct: null, rejectedPct: null, p95S: null,
    });
  });

  test('what is not known stands last, whichever way it is sorted', () => {
    const row = (id: string, powerKw?: number): Row => ({ id, name: id, lastReportAt: null, ...(powerKw === undefined ? {} : { powerKw }) });
    const rows = [row('a', 3), row('b'), row('c', 9), row('d', 9)];
    const power = COLUMNS.find((c) => c.id === 'power');
    expect(sorted(rows, power, 'now', true).map((r) => r.id)).toEqual(['c', 'd', 'a', 'b']);
    expect(sorted(rows, power, 'now', false).map((r) => r.id)).toEqual(['a', 'c', 'd', 'b']);
  });

  test('every number leads to a definition and to the data under it', () => {
    const known = new Set(CHAPTERS.flatMap((c) => c.list.map((d) => d.id)));
    for (const column of COLUMNS) {
      expect(known, column.id).toContain(column.define);
      for (const who of column.who) expect(column.href({ id: 'x', name: 'x', lastReportAt: null }, who)).toMatch(/^#\/\w+/);
      expect(column.who.flatMap((who) => USUAL[who]), column.id).toBeDefined();
    }
    const ids = new Set(COLUMNS.map((c) => c.id));
    for (const id of Object.values(USUAL).flat()) expect(ids).toContain(id);
  });
});

describe('definitions', () => {
  test('are whole in both languages, and each has its own id', () => {
    const all = CHAPTERS.flatMap((c) => c.list);
    expect(new Set(all.map((d) => d.id)).size).toBe(all.length);
    for (const d of all) {
      expect(d.name.concat(d.formula).every((text) => text.trim().length > 0), d.id).toBe(true);
      expect(d.formula[0], d.id).toMatch(/[\u4e00-\u9fff]/);
      expect(d.formula[1].replace(/[(（].*?[)）]/g, ''), d.id).not.toMatch(/[\u4e00-\u9fff]{3}/);
    }
    for (const [chapter, least] of [['alarms', 17], ['rules', 40], ['quality', 6]] as const) {
      expect(CHAPTERS.find((c) => c.id === chapter)?.list.length, chapter).toBeGreaterThanOrEqual(least);
    }
  });
});

describe('supply and demand', () => {
  test('the largest gap comes first, and cells without an outline are left out', () => {
    const ring: [number, number][] = [[102, 25], [104, 25], [104, 27], [102, 27]];
    const cells = {
      demand: new Map([['a', 2], ['b', 5], ['c', 9]]), free: new Map([['b', 1]]), inUse: new Map(), vehicles: new Map([['a', 7]]),
    };
    const places = placesOf(cells, new Map([['a', ring], ['b', ring]]));
    expect(places.map((p) => [p.cell, p.gap, p.vehicles])).toEqual([['b', 4, 0], ['a', 2, 7]]);
    expect(places[0]?.at).toEqual([103, 26]);
  });
});
