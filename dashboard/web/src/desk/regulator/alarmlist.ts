// Alarms as a list that can be filtered, grouped and put in order of harm.
import { millis } from '../../lib/channel.ts';
import type { Alarm as Brief, AlarmCounts } from '../../lib/types.ts';

/** An alarm with all its members. */
export interface Alarm extends Brief {
  alarms: number | null; // flags of a vehicle, GB/T 32960.3
  updatedAt: string | null;
  reason: string | null; // why it was cleared
}

export type { AlarmCounts };

export type Severity = Alarm['severity'];

export type AlarmState = 'open' | 'recent' | 'all';

export interface AlarmFilters {
  state: AlarmState;
  party: string;
  rule: string;
  severity: Severity | '';
  unseen: boolean; // only those that nobody has acknowledged
}

export const NO_ALARM_FILTERS: AlarmFilters = { state: 'open', party: '', rule: '', severity: '', unseen: false };

const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info'];

export function alarmFiltersOf(query: URLSearchParams): AlarmFilters {
  const one = <T extends string>(name: string, among: readonly T[], otherwise: T): T =>
    among.find((v) => v === query.get(name)) ?? otherwise;
  return {
    state: one('state', ['open', 'recent', 'all'], 'open'),
    party: query.get('party') ?? '',
    rule: query.get('rule') ?? '',
    severity: one<Severity | ''>('severity', SEVERITIES, ''),
    unseen: query.get('unseen') === '1',
  };
}

/** As parameters of an address and of GET /alarms; the address leaves out what is usual. */
export function alarmParams(f: AlarmFilters): Record<string, string> {
  const out: Record<string, string> = {};
  if (f.state !== 'open') out.state = f.state;
  if (f.party) out.party = f.party;
  if (f.rule) out.rule = f.rule;
  if (f.severity) out.severity = f.severity;
  return out;
}

export function matches(a: Alarm, f: AlarmFilters): boolean {
  return (!f.party || a.party === f.party) && (!f.rule || a.rule === f.rule) &&
    (!f.severity || a.severity === f.severity) && (!f.unseen || a.ackedAt === null);
}

const KIND_HARM: Record<Alarm['kind'], number> = { platform: 1, party: 1, station: 2, pile: 4, vehicle: 4 };

/** The platform's own order of open alarms (docs/alarms.md): the worst first. */
export function harm(a: Alarm, b: Alarm): number {
  const rank = (x: Alarm): number[] => [
    SEVERITIES.indexOf(x.severity), x.level === 4 ? 0 : x.level === 3 ? 3 : KIND_HARM[x.kind], -millis(x.raisedAt),
  ];
  const [ra, rb] = [rank(a), rank(b)];
  for (let i = 0; i < ra.length; i++) if (ra[i] !== rb[i]) return ra[i]! - rb[i]!;
  return a.id < b.id ? -1 : 1;
}

export type GroupBy = 'none' | 'rule' | 'party' | 'station';

export interface Group {
  key: string; // a rule, a slug, a station, or '' for all
  alarms: Alarm[]; // the worst first
  objects: number; // that they cover
  unseen: number;
}

/** Groups in order of their worst alarm, then of how many they hold. */
export function groups(alarms: readonly Alarm[], by: GroupBy): Group[] {
  const out = new Map<string, Group>();
  for (const a of alarms) {
    const key = by === 'none' ? '' : by === 'rule' ? a.rule : by === 'party' ? (a.party ?? '') : stationOf(a);
    let group = out.get(key);
    if (!group) out.set(key, (group = { key, alarms: [], objects: 0, unseen: 0 }));
    group.alarms.push(a);
    group.objects += a.count;
    if (a.ackedAt === null) group.unseen++;
  }
  return [...out.values()];
}

function stationOf(a: Alarm): string {
  return a.kind === 'station' ? (a.object ?? '') : (a.station ?? '');
}

/** How long an alarm has lasted, in milliseconds: until it was cleared, or until now. */
export function lasted(a: Alarm, now: number): number {
  return (a.clearedAt ? millis(a.clearedAt) : now) - millis(a.since ?? a.raisedAt);
}
