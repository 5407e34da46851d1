import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ServerClock } from '../../src/lib/clock.ts';
import { Live, waitBefore, waitTold } from '../../src/lib/live.ts';

class FakeSocket {
  static all: FakeSocket[] = [];
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onclose: ((event?: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
    this.onclose?.();
  }
  hear(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const AT = Date.UTC(2026, 10, 1);
const last = (): FakeSocket => FakeSocket.all.at(-1) as FakeSocket;

function connected(): Live {
  const live = new Live('ws://x', { socket: () => new FakeSocket() as never, random: () => 1 });
  live.connect();
  last().onopen?.();
  return live;
}

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers({ now: AT });
});

describe('subscriptions', () => {
  test('a frame reaches those who subscribed to its channel, once each', () => {
    const live = connected();
    const [a, b] = [vi.fn(), vi.fn()];
    live.sub({ feed: 'overview' }, a);
    live.sub({ feed: 'makers' }, b);
    last().hear({ op: 'sub', id: 's1', channels: ['o'] });
    last().hear({ op: 'sub', id: 's2', channels: ['m'] });
    last().hear({ ch: 'o', rev: 'x.7', at: AT, full: true, data: { powerKw: 5 } });
    expect(a).toHaveBeenCalledOnce();
    expect(a.mock.calls[0]?.[0]).toMatchObject({ data: { powerKw: 5 }, at: AT });
    expect(b).not.toHaveBeenCalled();
  });

  test('a second subscription to a channel sees at once what is known of it', () => {
    const live = connected();
    live.sub({ feed: 'overview' }, vi.fn());
    last().hear({ op: 'sub', id: 's1', channels: ['o'] });
    last().hear({ ch: 'o', rev: 'x.7', at: AT, full: true, data: { powerKw: 5 } });
    const second = vi.fn();
    live.sub({ feed: 'overview' }, second);
    last().hear({ op: 'sub', id: 's2', channels: ['o'] });
    expect(second).toHaveBeenCalledOnce();
  });

  test('after a loss it connects again and resumes by revision', () => {
    const live = connected();
    live.sub({ feed: 'overview' }, vi.fn());
    last().hear({ op: 'sub', id: 's1', channels: ['o'] });
    last().hear({ ch: 'o', rev: 'x.7', at: AT, full: true, data: {} });
    last().onclose?.();
    expect(live.status).toEqual({ open: false, at: AT });
    vi.advanceTimersByTime(500);
    expect(FakeSocket.all).toHaveLength(2);
    last().onopen?.();
    expect(last().sent).toEqual([{ op: 'sub', id: 's1', feed: 'overview', rev: { o: 'x.7' } }]);
  });

  test('an ended subscription is told to the platform and not resumed', () => {
    const live = connected();
    const end = live.sub({ feed: 'overview' }, vi.fn());
    end();
    expect(last().sent.at(-1)).toEqual({ op: 'unsub', id: 's1' });
    last().onclose?.();
    vi.advanceTimersByTime(500);
    last().onopen?.();
    expect(last().sent).toEqual([]);
  });

  test('a refusal reaches the one who asked', () => {
    const live = connected();
    const refused = vi.fn();
    live.sub({ feed: 'stations', bbox: [0, 0, 90, 90] }, vi.fn(), refused);
    last().hear({ op: 'sub', id: 's1', error: { code: 'box-too-large', message: '' } });
    expect(refused).toHaveBeenCalledExactlyOnceWith('box-too-large');
  });
});

describe('queries', () => {
  test('an answer finds its question', async () => {
    const live = connected();
    const answer = live.query({ near: [102.71, 25.04], free: true });
    expect(last().sent).toEqual([{ op: 'query', id: 'q1', near: [102.71, 25.04], free: true }]);
    last().hear({ op: 'query', id: 'q1', at: AT, data: { stations: [{ id: 'teld:S1' }] } });
    await expect(answer).resolves.toEqual({ at: AT, stations: [{ id: 'teld:S1' }] });
  });

  test('a question without an answer, or without a connection, fails', async () => {
    const live = connected();
    const slow = expect(live.query({ limit: 1 })).rejects.toThrow('no answer');
    vi.advanceTimersByTime(6000);
    await slow;
    const cut = expect(live.query({ limit: 1 })).rejects.toThrow('connection lost');
    last().onclose?.();
    await cut;
    await expect(live.query({ limit: 1 })).rejects.toThrow('not connected');
  });
});

test('a silent connection is asked, and given up when it does not answer', async () => {
  const live = connected();
  const socket = last();
  await vi.advanceTimersByTimeAsync(8000);
  expect(socket.sent).toMatchObject([{ op: 'query' }]);
  await vi.advanceTimersByTimeAsync(6000);
  expect(socket.closed).toBe(true);
  await vi.advanceTimersByTimeAsync(500);
  expect(FakeSocket.all).toHaveLength(2);
  live.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.all).toHaveLength(2);
});

test('waits double up to ten seconds, with jitter down to a half', () => {
  expect([0, 1, 2, 3, 9].map((n) => waitBefore(n, 1))).toEqual([500, 1000, 2000, 4000, 10_000]);
  expect(waitBefore(1, 0)).toBe(500);
});

describe('the platform\'s clock', () => {
  const ahead = (...differences: number[]): number => {
    const clock = new ServerClock();
    for (const d of differences) clock.note(AT, AT + d);
    return clock.ahead;
  };

  test.each([
    ['delay alone is no difference', [300, 120, 900], 0],
    ['a clock that is ahead', [3_600_300, 3_600_100], 3_600_100],
    ['a clock that is behind', [-59_000, -58_900], -59_000],
    ['nothing heard', [], 0],
  ])('%s', (_, differences, want) => {
    expect(ahead(...differences)).toBe(want);
  });
});

describe('tokens', () => {
  const shown = (token: string | null): Live => {
    const live = new Live('ws://x', { socket: () => new FakeSocket() as never, random: () => 1, token: () => token });
    live.connect();
    live.sub({ feed: 'alarms' }, vi.fn());
    last().onopen?.();
    return live;
  };

  test('a token is shown before anything is asked for, and nothing without one', () => {
    shown('T1');
    expect(last().sent.map((m) => m.op)).toEqual(['auth', 'sub']);
    expect(last().sent[0]).toEqual({ op: 'auth', token: 'T1' });
    shown(null);
    expect(last().sent.map((m) => m.op)).toEqual(['sub']);
  });

  test('a close with 4401 is told, and is no end of trying', () => {
    const live = shown('T1');
    live.unauthorized = vi.fn();
    (last() as unknown as { onclose(e: { code: number }): void }).onclose({ code: 4401 });
    expect(live.unauthorized).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  test('another token takes effect on a new connection, which gets everything whole', () => {
    const live = shown('T1');
    last().hear({ op: 'sub', id: 's1', channels: ['a+'] });
    last().hear({ ch: 'a+', rev: 'x.7', at: AT, full: true, data: { alarms: [] } });
    live.again();
    last().onopen?.();
    expect(FakeSocket.all).toHaveLength(2);
    expect(last().sent.at(-1)).toEqual({ op: 'sub', id: 's1', feed: 'alarms' });
  });
});

describe('when the platform says when to come back', () => {
  test('it is left alone until then, and is resumed', () => {
    connected();
    last().onclose?.({ code: 1012, reason: 'the platform restarts, retry in 7 s' });
    vi.advanceTimersByTime(7_999);
    expect(FakeSocket.all).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.all).toHaveLength(2);
    last().onclose?.(); // not there yet: from here on as ever
    vi.advanceTimersByTime(500);
    expect(FakeSocket.all).toHaveLength(3);
  });

  test('waiting is spread, and rubbish is no wait', () => {
    expect(waitTold({ code: 1012, reason: 'the platform restarts, retry in 7 s' }, 0)).toBe(7_000);
    expect(waitTold({ code: 1012, reason: 'the platform restarts, retry in 7 s' }, 0.5)).toBe(7_500);
    expect(waitTold({ code: 4429, reason: 'too many messages' }, 0)).toBe(10_000);
    expect(waitTold({ code: 1012, reason: 'come again' }, 0)).toBeUndefined();
    expect(waitTold({ code: 1006, reason: '' }, 0)).toBeUndefined();
    expect(waitTold(undefined, 0)).toBeUndefined();
  });
});
