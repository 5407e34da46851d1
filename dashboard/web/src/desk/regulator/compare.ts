// Figures of operators, makers and districts side by side: what each column
// is, where its number comes from, and the data under it.
import type { HistoryTable, PileCounts, VehicleCounts } from '../../lib/types.ts';
import { online } from '../../lib/states.ts';
import { hrefOf, pathOf } from '../route.ts';
import type { PartyQuality } from '../types.ts';
import { trace } from './series.ts';

export const WHO = ['operators', 'makers', 'districts'] as const;
export type Who = (typeof WHO)[number];
export const TIMES = ['now', '24h', '7d'] as const;
export type Time = (typeof TIMES)[number];

export interface Row {
  id: string;
  name: string;
  nameEn?: string | null;
  stations?: number;
  piles?: PileCounts;
  vehicles?: VehicleCounts | null;
  powerKw?: number;
  lastReportAt: string | null;
  quality?: PartyQuality | undefined; // of the period, where the platform has it
  past?: Past | undefined; // of the period, from the rows of history
  today?: number | null | undefined; // kWh since local midnight
  alarms?: number; // open now
}

/** Means and sums of a period's rows; null where nothing is known. */
export interface Past {
  rows: number;
  onlinePct: number | null;
  usePct: number | null;
  faults: number | null; // piles in fault, mean
  powerKw: number | null;
  energyKwh: number | null;
  timelyPct: number | null;
  missingPct: number | null;
  rejectedPct: number | null;
  p95S: number | null; // largest of the rows
}

const mean = (values: (number | null)[]): number | null => {
  const known = values.filter((v): v is number => v !== null && Number.isFinite(v));
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
};

const numbers = (table: HistoryTable, column: string): (number | null)[] =>
  trace(table, column).values.map((v) => (typeof v === 'number' ? v : null));

const shares = (part: (number | null)[], whole: (number | null)[]): (number | null)[] =>
  part.map((p, i) => (p === null || !whole[i] ? null : (100 * p) / whole[i]));

const total = (values: (number | null)[]): number | null =>
  values.some((v) => v !== null) ? values.reduce<number>((a, b) => a + (b ?? 0), 0) : null;

const pct = (part: number | null, whole: number | null): number | null =>
  part === null || !whole ? null : (100 * part) / whole;

/** What the rows of a party or district say of a period; `quality` are those of its reports. */
export function pastOf(table: HistoryTable, quality: HistoryTable | null): Past {
  const all = numbers(table, 'pilesTotal');
  const vehicles = numbers(table, 'vehiclesTotal');
  const off = shares(numbers(table, 'pilesOffline'), all);
  const sum = (column: string): number | null => (quality ? total(numbers(quality, column)) : null);
  const [missing, history] = [sum('missing'), sum('history')];
  const late = sum('late');
  const kept = sum('kept');
  const p95 = quality ? numbers(quality, 'maxP95Ms').filter((v): v is number => v !== null) : [];
  const timely = pct(late, kept);
  return {
    rows: table.rows.length,
    onlinePct: mean(off.some((v) => v !== null) ? off.map((v) => (v === null ? null : 100 - v)) : shares(numbers(table, 'vehiclesOnline'), vehicles)),
    usePct: mean(shares(numbers(table, 'pilesInUse'), all)),
    faults: mean(numbers(table, 'pilesFault')),
    powerKw: mean(numbers(table, 'powerKw')),
    energyKwh: total(numbers(table, 'energyKwh')),
    timelyPct: timely === null ? null : Math.max(0, 100 - timely),
    missingPct: missing === null ? null : pct(Math.max(0, missing - (history ?? 0)), sum('expected')),
    rejectedPct: pct(sum('rejected'), sum('received')),
    p95S: p95.length ? Math.max(...p95) / 1000 : null,
  };
}

export interface Column {
  id: string;
  text: readonly [zh: string, en: string];
  unit: string;
  digits: number;
  who: readonly Who[];
  times: readonly Time[];
  better: 'high' | 'low' | null; // null: more is neither
  define: string; // id of its definition
  value(row: Row, time: Time): number | string | null;
  /** The data under the number. */
  href(row: Row, who: Who): string;
}

const ALL: readonly Time[] = TIMES;
const NOW: readonly Time[] = ['now'];
const PILES: readonly Who[] = ['operators', 'districts'];
const PARTIES: readonly Who[] = ['operators', 'makers'];

const series = (row: Row, who: Who): string => hrefOf(pathOf('series', who, row.id));
const reports = (row: Row): string => hrefOf(pathOf('series', 'quality', row.id));
const party = (row: Row): string => hrefOf('/parties', { party: row.id });
const stations = (row: Row, who: Who): string => (who === 'operators' ? hrefOf('/stations', { operator: row.id }) : series(row, who));

const count = (
  id: keyof PileCounts, text: Column['text'], better: Column['better'] = null,
): Column => ({
  id, text, unit: '', digits: 0, who: PILES, times: NOW, better, define: 'piles',
  value: (r) => r.piles?.[id] ?? null, href: stations,
});

const share = (part: number | undefined, whole: number | undefined): number | null =>
  part === undefined || !whole ? null : (100 * part) / whole;

export const COLUMNS: readonly Column[] = [
  {
    id: 'stations', text: ['充电站', 'Stations'], unit: '', digits: 0, who: PILES, times: NOW, better: null, define: 'stations',
    value: (r) => r.stations ?? null, href: stations,
  },
  count('total', ['充电枪', 'Piles']), count('free', ['空闲', 'Free']), count('inUse', ['使用中', 'In use']),
  count('charging', ['充电中', 'Charging']), count('reserved', ['预约', 'Reserved']), count('offline', ['离线', 'Offline'], 'low'),
  {
    id: 'fault', text: ['故障', 'Fault'], unit: '', digits: 0, who: PILES, times: ALL, better: 'low', define: 'piles',
    value: (r, time) => (time === 'now' ? (r.piles?.fault ?? null) : (r.past?.faults ?? null)),
    href: (r, who) => (who === 'operators' ? hrefOf('/alarms', { party: r.id, rule: 'pile.fault' }) : series(r, who)),
  },
  {
    id: 'vehicles', text: ['车辆', 'Vehicles'], unit: '', digits: 0, who: ['makers', 'districts'], times: NOW, better: null, define: 'vehicles',
    value: (r) => r.vehicles?.total ?? null, href: series,
  },
  {
    id: 'driving', text: ['行驶', 'Driving'], unit: '', digits: 0, who: ['makers', 'districts'], times: NOW, better: null, define: 'vehicles',
    value: (r) => r.vehicles?.driving ?? null, href: series,
  },
  {
    id: 'vcharging', text: ['充电车辆', 'Charging'], unit: '', digits: 0, who: ['makers'], times: NOW, better: null, define: 'vehicles',
    value: (r) => r.vehicles?.charging ?? null, href: series,
  },
  {
    id: 'onlineRate', text: ['在线率', 'On line'], unit: '%', digits: 1, who: WHO, times: ALL, better: 'high', define: 'onlineRate',
    value: (r, time) => (time !== 'now' ? (r.past?.onlinePct ?? null)
      : r.piles ? share(online(r.piles), r.piles.total) : share(r.vehicles?.online, r.vehicles?.total)),
    href: series,
  },
  {
    id: 'use', text: ['使用率', 'Use'], unit: '%', digits: 1, who: PILES, times: ALL, better: null, define: 'use',
    value: (r, time) => (time === 'now' ? share(r.piles?.inUse, r.piles?.total) : (r.past?.usePct ?? null)), href: series,
  },
  {
    id: 'power', text: ['功率', 'Power'], unit: 'kW', digits: 0, who: PILES, times: ALL, better: null, define: 'power',
    value: (r, time) => (time === 'now' ? (r.powerKw ?? null) : (r.past?.powerKw ?? null)), href: series,
  },
  {
    id: 'energy', text: ['电量', 'Energy'], unit: 'kWh', digits: 0, who: PILES, times: ALL, better: null, define: 'energy',
    value: (r, time) => (time === 'now' ? (r.today ?? null) : (r.past?.energyKwh ?? null)), href: series,
  },
  {
    id: 'grade', text: ['评级', 'Grade'], unit: '', digits: 0, who: PARTIES, times: ['now', '24h'], better: 'low', define: 'grade',
    value: (r) => r.quality?.grade.grade ?? null, href: party,
  },
  {
    id: 'score', text: ['得分', 'Score'], unit: '', digits: 1, who: PARTIES, times: ['now', '24h'], better: 'high', define: 'grade',
    value: (r) => r.quality?.grade.score ?? null, href: party,
  },
  {
    id: 'timely', text: ['及时率', 'Timely'], unit: '%', digits: 1, who: PARTIES, times: ALL, better: 'high', define: 'timeliness',
    value: (r, time) => (time === '7d' ? (r.past?.timelyPct ?? null) : (r.quality?.timeliness.withinLimitPct ?? null)), href: reports,
  },
  {
    id: 'p95', text: ['时延 p95', 'Delay p95'], unit: 's', digits: 1, who: PARTIES, times: ALL, better: 'low', define: 'delay',
    value: (r, time) => (time === '7d' ? (r.past?.p95S ?? null) : (r.quality?.timeliness.p95S ?? null)), href: reports,
  },
  {
    id: 'missing', text: ['缺失率', 'Missing'], unit: '%', digits: 2, who: PARTIES, times: ALL, better: 'low', define: 'missing',
    value: (r, time) => (time === '7d' ? (r.past?.missingPct ?? null) : (r.quality?.missing.ratePct ?? null)), href: reports,
  },
  {
    id: 'accuracy', text: ['准确率', 'Accuracy'], unit: '%', digits: 1, who: PARTIES, times: ['now', '24h'], better: 'high', define: 'accuracy',
    value: (r) => r.quality?.flagged.accuracyPct ?? null, href: party,
  },
  {
    id: 'rejected', text: ['拒收率', 'Rejected'], unit: '%', digits: 2, who: PARTIES, times: ALL, better: 'low', define: 'rejected',
    value: (r, time) => (time === '7d' ? (r.past?.rejectedPct ?? null)
      : r.quality ? share(r.quality.account.rejected, r.quality.account.received) : null),
    href: reports,
  },
  {
    id: 'alarms', text: ['未结报警', 'Alarms'], unit: '', digits: 0, who: PARTIES, times: ALL, better: 'low', define: 'alarms',
    value: (r) => r.alarms ?? null, href: (r) => hrefOf('/alarms', { party: r.id }),
  },
];

/** What is shown first; the reader may choose others. */
export const USUAL: Record<Who, readonly string[]> = {
  operators: ['total', 'free', 'inUse', 'fault', 'onlineRate', 'use', 'power', 'energy', 'grade', 'timely', 'p95', 'missing', 'alarms'],
  makers: ['vehicles', 'driving', 'vcharging', 'onlineRate', 'grade', 'score', 'timely', 'p95', 'missing', 'accuracy', 'alarms'],
  districts: ['stations', 'total', 'free', 'inUse', 'fault', 'offline', 'onlineRate', 'use', 'power', 'energy'],
};

/** Rows in order of a column; what is not known comes last, either way. */
export function sorted(rows: readonly Row[], column: Column | undefined, time: Time, down: boolean): Row[] {
  if (!column) return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return rows.toSorted((a, b) => {
    const [x, y] = [column.value(a, time), column.value(b, time)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x) < String(y) ? -1 : String(x) > String(y) ? 1 : 0;
    return (down ? -order : order) || (a.id < b.id ? -1 : 1);
  });
}
