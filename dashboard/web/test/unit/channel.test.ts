import { describe, expect, test } from 'vitest';
import { applyFrame, millis, type Channel, type Frame } from '../../src/lib/channel.ts';

const AT = '2026-11-01T00:00:00.000Z';
const frame = (data: Record<string, unknown>, full = false): Frame => ({ ch: 's/1', rev: 'x.1', at: AT, full, data });

function after(...frames: Frame[]): Channel | undefined {
  let known: Channel | undefined;
  for (const f of frames) known = applyFrame(known, f)?.[0] ?? known;
  return known;
}

const S1 = { id: 'teld:S1', name: 'A', piles: { total: 8, free: 3 } };
const S2 = { id: 'teld:S2', name: 'B', piles: { total: 4, free: 4 } };

describe('a channel of stations', () => {
  test('holds what the whole frame named', () => {
    expect([...(after(frame({ stations: [S1, S2] }, true))?.items.values() ?? [])]).toEqual([S1, S2]);
  });

  test('a change replaces the members that it names, and only those', () => {
    const known = after(
      frame({ stations: [S1, S2] }, true),
      frame({ changed: [{ id: 'teld:S1', piles: { total: 8, free: 2 } }], removed: [] }),
    );
    expect(known?.items.get('teld:S1')).toEqual({ ...S1, piles: { total: 8, free: 2 } });
    expect(known?.items.get('teld:S2')).toEqual(S2);
  });

  test('what is removed is gone', () => {
    const known = after(frame({ stations: [S1, S2] }, true), frame({ changed: [], removed: ['teld:S1'] }));
    expect([...(known?.items.keys() ?? [])]).toEqual(['teld:S2']);
  });

  test('a whole frame forgets what it does not name', () => {
    const known = after(frame({ stations: [S1] }, true), frame({ stations: [S2] }, true));
    expect([...(known?.items.keys() ?? [])]).toEqual(['teld:S2']);
  });

  test('a change to what is not known is refused', () => {
    expect(applyFrame(undefined, frame({ changed: [S1] }))).toBeNull();
  });

  test('tells which ids changed and which went', () => {
    const known = after(frame({ stations: [S1, S2] }, true));
    const change = applyFrame(known, frame({ changed: [{ id: 'teld:S2' }], removed: ['teld:S1'] }))?.[1];
    expect(change).toEqual({ whole: false, changed: ['teld:S2'], removed: ['teld:S1'] });
  });
});

test('a channel of cells holds values by cell', () => {
  const known = after(
    frame({ cells: [['88a', 4], ['88b', 5]] }, true),
    frame({ changed: [['88b', 6], ['88c', 1]], removed: ['88a'] }),
  );
  expect([...(known?.items ?? [])]).toEqual([['88b', 6], ['88c', 1]]);
});

test('an overview, whose `stations` is a number, is kept as it is', () => {
  const known = after(frame({ stations: 3500, powerKw: 12 }));
  expect(known?.data).toEqual({ stations: 3500, powerKw: 12 });
  expect(known?.items.size).toBe(0);
});

test('moments come as text or as milliseconds', () => {
  expect(millis(AT)).toBe(1793491200000);
  expect(millis(5)).toBe(5);
  expect(millis(null)).toBeNaN();
});
