// Alarms as lines: one a cause, the most harmful first.
import type { Alarm } from '../lib/types.ts';
import { millis } from '../lib/channel.ts';

/** What one line stands for: alarms of one rule about one place or party. */
export interface Line {
  key: string;
  worst: Alarm; // says what, who and since when
  alarms: Alarm[];
  objects: number;
  since: number; // epoch milliseconds of the first
  acked: boolean; // all of them
}

const KINDS: readonly Alarm['kind'][] = ['platform', 'party', 'station', 'pile', 'vehicle'];
const SEVERITIES: readonly Alarm['severity'][] = ['critical', 'warning', 'info'];

/** Less is worse: severity, fire, the platform and whole parties, stations, then the newest. */
function order(a: Alarm): number[] {
  const fire = a.level === 4 ? 0 : 1;
  return [SEVERITIES.indexOf(a.severity), fire, Math.max(0, KINDS.indexOf(a.kind) - 1), -(a.level ?? 0), -millis(a.raisedAt)];
}

export function compareHarm(a: Alarm, b: Alarm): number {
  const [x, y] = [order(a), order(b)];
  const i = x.findIndex((v, j) => v !== y[j]);
  return i < 0 ? (a.id < b.id ? -1 : 1) : (x[i] as number) - (y[i] as number);
}

/** Piles of one station are one line, vehicles of one maker and level likewise; all else stands alone. */
function keyOf(a: Alarm): string {
  if (a.kind === 'pile' && a.station) return `${a.rule} ${a.party} ${a.station}`;
  if (a.kind === 'vehicle') return `${a.rule} ${a.party} ${a.level}`;
  return a.id;
}

export function linesOf(alarms: Iterable<Alarm>): Line[] {
  const lines = new Map<string, Line>();
  for (const a of [...alarms].filter((one) => one.state !== 'cleared').sort(compareHarm)) {
    const key = keyOf(a);
    const line = lines.get(key) ?? { key, worst: a, alarms: [], objects: 0, since: Infinity, acked: true };
    line.alarms.push(a);
    line.objects += a.count;
    line.since = Math.min(line.since, millis(a.since ?? a.raisedAt));
    line.acked &&= a.state === 'acked';
    lines.set(key, line);
  }
  const all = [...lines.values()];
  return [...all.filter((l) => !l.acked), ...all.filter((l) => l.acked)];
}
