import { beforeEach, expect, test, vi } from 'vitest';
import type { Channel } from '../../src/lib/channel.ts';
import type { Feed, Listener } from '../../src/lib/live.ts';
import type { Box } from '../../src/lib/types.ts';
import { ViewFeed } from '../../src/lib/viewfeed.ts';

const feed = (west: number): Feed => ({ feed: 'stations', bbox: [west, 0, west + 1, 1] as Box });

function channel(...ids: string[]): Channel {
  return { rev: '', at: 0, data: {}, items: new Map(ids.map((id) => [id, id])) };
}

const WHOLE = { whole: true, changed: [], removed: [] };

function set(): { view: ViewFeed<string>; listeners: Map<string, Listener>; seen: (Set<string> | null)[] } {
  const listeners = new Map<string, Listener>();
  const seen: (Set<string> | null)[] = [];
  const sub = (f: Feed, listener: Listener): (() => void) => {
    const key = String(f.bbox?.[0]);
    listeners.set(key, listener);
    return () => listeners.delete(key);
  };
  return { view: new ViewFeed<string>({ sub } as never, (touched) => seen.push(touched)), listeners, seen };
}

beforeEach(() => {
  vi.useFakeTimers();
});

test('joins its parts, and drops what belonged to a part that is left', () => {
  const { view, listeners } = set();
  view.show([feed(1), feed(2)]);
  listeners.get('1')?.(channel('a', 'b'), WHOLE, 'ch1');
  listeners.get('2')?.(channel('c'), WHOLE, 'ch2');
  expect([...view.items.keys()]).toEqual(['a', 'b', 'c']);
  view.show([feed(2), feed(3)]);
  expect([...view.items.keys()]).toEqual(['c']);
  expect([...listeners.keys()]).toEqual(['2', '3']);
});

test('a part that stays is not subscribed again', () => {
  const { view, listeners } = set();
  view.show([feed(1)]);
  const first = listeners.get('1');
  view.show([feed(1)]);
  expect(listeners.get('1')).toBe(first);
});

test('the frames of one revision are told of together', () => {
  const { view, listeners, seen } = set();
  view.show([feed(1), feed(2)]);
  const [one, two] = [channel('a', 'b'), channel('c')];
  listeners.get('1')?.(one, WHOLE, 'ch1');
  vi.advanceTimersByTime(100);
  listeners.get('1')?.(one, { whole: false, changed: ['a'], removed: [] }, 'ch1');
  listeners.get('2')?.(two, { whole: false, changed: ['c'], removed: ['d'] }, 'ch2');
  vi.advanceTimersByTime(100);
  expect(seen).toEqual([null, new Set(['a', 'c', 'd'])]);
});
