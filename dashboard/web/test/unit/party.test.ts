import { describe, expect, test } from 'vitest';
import { command, payload, TOPICS } from '../../src/desk/party/examples.ts';
import { costsOf, nextGrade } from '../../src/desk/party/grade.ts';
import { csvRows, rowsOf, valueIn, valuesOf } from '../../src/desk/party/met.ts';
import { fits, quarters } from '../../src/desk/party/own.ts';
import type { GradeComponent, RuleCount, Sample } from '../../src/desk/types.ts';
import type { Station } from '../../src/lib/types.ts';

const sample = (payloadText: string, detail = ''): Sample => ({
  rule: 'r', action: 'reject', kind: 'piles', id: 'X', ts: null, at: null, detail, payload: payloadText,
});

describe('the value of a member in a payload', () => {
  test.each([
    ['{"id":"X9","ts":5}', 'id', '"X9"'],
    ['{"id":"X9","ts":5}', 'ts', '5'],
    ['{"id" : "a\\"b" }', 'id', '"a\\"b"'],
    ['{"socPct":-1.5,"x":1', 'socPct', '-1.5'],
    ['{"list":[1', 'list', '[1'],
    ['{"id":"cut here', 'id', '"cut here'],
    ['{"id":1}', 'x', null],
    ['', 'id', null],
  ])('%s, %s is %s', (text, member, want) => {
    expect(valueIn(text, member)).toBe(want);
  });

  test('without members of the rule those that the sentence names are shown', () => {
    const s = sample('{"id":"X","status":9,"powerKw":5}', 'status must be 0, 1, 2, 3, 4 or 255');
    expect(valuesOf(s, [])).toEqual([['status', '9']]);
    expect(valuesOf(s, ['powerKw', 'none'])).toEqual([['powerKw', '5']]);
  });
});

describe('the rules', () => {
  const count = (id: string, action: RuleCount['action'], n: number): RuleCount => ({ id, action, count: n, zh: '中', en: 'e', mend: { zh: null, en: null }, fields: ['id'] });

  test('come with the rejected ones first, then by how many', () => {
    const rows = rowsOf([count('d', 'duplicate', 99), count('b', 'reject', 1), count('a', 'reject', 2), count('other', null, 5)], undefined);
    expect(rows.map((r) => r.id)).toEqual(['a', 'b', 'd']);
  });

  test('give a row a sample, or one without any', () => {
    const met = { id: 'a', action: 'reject', count: 3, firstAt: null, lastAt: null, zh: null, en: null, mend: { zh: null, en: null }, fields: ['id'], samples: [sample('{"id":"X"}'), sample('{"id":"Y"}')] };
    const rows = rowsOf([count('a', 'reject', 2), count('b', 'flag', 1)], { at: null, party: 'p', rules: [met] });
    const lines = csvRows(rows);
    expect(lines).toHaveLength(3);
    expect(new Set(lines.map((l) => l.length)).size).toBe(1);
    expect(lines[0]).toContain('id="X"');
  });
});

describe('a grade', () => {
  const part = (id: string, points: number | null, weight: number): GradeComponent => ({
    id, name: { zh: id, en: id }, valuePct: 1, sample: 1, fullPct: 1, nonePct: 2, points, weight, needed: true, reason: { zh: '', en: '' },
  });
  const grading = { formula: { zh: '', en: '' }, minSample: 100, grades: [{ grade: 'A', fromScore: 90 }, { grade: 'B', fromScore: 80 }] };

  test('loses what its parts cost, the dearest first', () => {
    const costs = costsOf({ grade: 'B', score: 80, reason: null, components: [part('x', 100, 30), part('y', 50, 10), part('z', 90, 60), part('n', null, 50)] });
    expect(costs.map((c) => [c.id, c.cost])).toEqual([['z', 6], ['y', 5], ['x', 0], ['n', 0]]);
  });

  test('has a next one, unless it is the best', () => {
    expect(nextGrade(grading, { grade: 'B', score: 84, reason: null, components: [] })).toEqual({ grade: 'A', points: 6 });
    expect(nextGrade(grading, { grade: 'A', score: 95, reason: null, components: [] })).toBeNull();
    expect(nextGrade(grading, { grade: null, score: null, reason: null, components: [] })).toBeNull();
  });
});

describe('own stations', () => {
  const at = Date.parse('2026-11-24T00:00:00Z');
  const station = (free: number, fault: number): Station => ({
    id: 'teld:S1', name: '世纪城站', nameEn: 'Shijicheng', piles: { total: 4, free, inUse: 1, charging: 1, reserved: 0, fault, offline: 0 },
    updatedAt: '2026-11-23T23:59:00Z',
  }) as Station;

  test.each([
    ['free', '', true], ['full', '', false], ['fault', '', true], ['offline', '', false], ['old', '', false],
    [null, '世纪', true], [null, 'shiji s1', true], [null, 'none', false],
  ] as const)('state %s and words "%s": %s', (state, words, want) => {
    expect(fits(station(2, 1), state, words, at)).toBe(want);
  });

  test('a silent one is old', () => {
    expect(fits(station(2, 1), 'old', '', at + 600_000)).toBe(true);
  });

  test('quarters cover the box', () => {
    expect(quarters([0, 0, 4, 2])).toEqual([[0, 0, 2, 1], [2, 0, 4, 1], [0, 1, 2, 2], [2, 1, 4, 2]]);
  });
});

describe('examples', () => {
  test('name the party, and their times are filled in by the shell', () => {
    const text = command('sessions', 'teld', 'ev.example', true);
    expect(text).toContain('-u teld');
    expect(text).toContain('dianchi/v1/teld/sessions');
    expect(text).toContain(`"endTs":'$(date +%s)000'`);
    expect(text).toContain('-p 8883');
    expect(command('feedback', 'teld', 'h', false)).toMatch(/^mosquitto_sub -h h -p 1883/);
  });

  test('are of the party\'s kind', () => {
    expect(TOPICS.maker).not.toContain('stations');
    expect(payload('piles', 5)).toMatchObject({ ts: 5 });
  });
});
