// The last hours of a pile, a vehicle or a station, and how they are drawn.
import { midnight } from '../../lib/format.ts';
import type { HistoryTable } from '../../lib/types.ts';
import type { Desk } from '../desk.svelte.ts';
import { everyFor, gapOf, gaps, lines, stretches, trace, type Every } from './series.ts';
import type { Say } from './texts.ts';
import type { Band, Lane } from './TimeChart.svelte';

/** Objects, whose reports are drawn, and sums: rows of five minutes. */
export type Kind = 'pile' | 'vehicle' | 'station' | Sum;
export type Sum = 'operators' | 'makers' | 'districts' | 'quality';

export type Period = '1h' | '6h' | '24h' | '72h' | '168h';

const SUMS: readonly Kind[] = ['operators', 'makers', 'districts', 'quality'];
const ROW_MS = 300_000; // of sums

export const isSum = (kind: Kind): kind is Sum => SUMS.includes(kind);

/** What can be looked back on: raw reports are kept for three days, sums for ever. */
export const periodsOf = (kind: Kind): readonly Period[] =>
  isSum(kind) ? ['6h', '24h', '72h', '168h'] : ['1h', '6h', '24h', '72h'];

/** The window that a chart of a period asks for. */
export function stepOf(kind: Kind, period: Period, width: number): Every {
  const every = everyFor(periodMs(period), width);
  return isSum(kind) && every.ms < ROW_MS ? { every: '5m', ms: ROW_MS } : every;
}

/** Where an object's rows are asked for; '' for a station, which has none of its own. */
export function historyPath(kind: Kind, id: string): string {
  const words: Record<Kind, string> = {
    pile: 'piles', vehicle: 'vehicles', station: '', operators: 'operators', makers: 'makers', districts: 'districts',
    quality: 'quality',
  };
  return words[kind] && `/history/${words[kind]}/${encodeURIComponent(id)}`;
}

export const periodMs = (p: Period): number => parseInt(p, 10) * 3_600_000;

export interface Day {
  table: HistoryTable;
  from: number;
  to: number;
  every: Every;
}

const AT_ONCE = 4; // requests of a station's piles under way

/** Reads the history of an object; `piles` are a station's. */
export async function loadDay(
  desk: Desk, kind: Kind, id: string, piles: readonly string[], period: Period, width: number, signal: AbortSignal,
): Promise<Day> {
  const to = desk.live.now();
  const every = stepOf(kind, period, width);
  // Whole windows only, so that none is cut: they begin at multiples from local midnight.
  const start = midnight(to, desk.city.zone) - 8 * 86_400_000;
  const from = every.ms ? start + Math.floor((to - periodMs(period) - start) / every.ms) * every.ms : to - periodMs(period);
  const params = { from, to, every: every.every };
  const one = (path: string): Promise<HistoryTable> => desk.ask<HistoryTable>(path, params, signal);
  if (kind !== 'station') return { table: await one(historyPath(kind, id)), from, to, every };
  const tables: HistoryTable[] = [];
  for (let i = 0; i < piles.length; i += AT_ONCE) {
    const some = piles.slice(i, i + AT_ONCE).map((p) => one(`/history/piles/${encodeURIComponent(p)}`));
    tables.push(...(await Promise.all(some)));
  }
  return { table: sumPiles(tables, every.ms), from, to, every };
}

export const STATION_COLUMNS = ['ts', 'powerKw', 'charging', 'occupied', 'free', 'fault', 'reporting'] as const;

const COUNTED: Record<number, number> = { 3: 2, 2: 3, 1: 4, 255: 5 }; // status to column

/** A station as the sum of its piles: one row a window in which any of them reported. */
export function sumPiles(tables: readonly HistoryTable[], ms: number): HistoryTable {
  const windows = new Map<number, (number | null)[]>();
  for (const table of tables) {
    const status = trace(table, 'status');
    const power = trace(table, 'powerKw');
    status.times.forEach((at, i) => {
      const start = ms ? at : Math.floor(at / 60_000) * 60_000;
      let row = windows.get(start);
      if (!row) windows.set(start, (row = [null, 0, 0, 0, 0, 0]));
      const kw = power.values[i];
      if (typeof kw === 'number') row[0] = (row[0] ?? 0) + kw;
      const column = COUNTED[Number(status.values[i])];
      if (column) row[column - 1] = (row[column - 1] ?? 0) + 1;
      row[5] = (row[5] ?? 0) + 1;
    });
  }
  const rows = [...windows].sort(([a], [b]) => a - b)
    .map(([at, row]) => [new Date(at).toISOString(), ...row] as (string | number | null)[]);
  return { columns: [...STATION_COLUMNS], rows };
}

const PILE_STATE: Record<number, string> = { 0: 'offline', 1: 'free', 2: 'occupied', 3: 'charging', 4: 'reserved', 255: 'fault' };

/** A vehicle's state of a row: what it does, or that it is in trouble. */
function vehicleStates(table: HistoryTable): { times: number[]; values: (string | null)[] } {
  const level = trace(table, 'alarmLevel').values;
  const charge = trace(table, 'charge').values;
  const speed = trace(table, 'speedKmh').values;
  const state = trace(table, 'state');
  return {
    times: state.times,
    values: state.values.map((v, i) => {
      if (Number(level[i] ?? 0) >= 2) return 'alarm';
      if (charge[i] === 1) return 'charging';
      if (v === 1 || Number(speed[i] ?? 0) > 0) return 'driving';
      return v === null && charge[i] === null ? null : 'parked';
    }),
  };
}

export interface Drawing {
  lanes: Lane[];
  bands: Band[];
  holes: [number, number][];
}

const FULL = 1;

function sumLanes(kind: Sum, of: (column: string) => Lane['lines'], t: Say): Lane[] {
  const lane = (id: string, name: string, colour: string, unit = ''): Lane =>
    ({ id, name, unit, colour, lines: of(id), low: 0, high: 4, digits: unit ? 1 : 0 });
  if (kind === 'quality') {
    return [
      lane('received', t('q_received'), '--action'), lane('missing', t('q_missing'), '--warn'),
      lane('rejected', t('q_rejected'), '--fault'), lane('flagged', t('q_flagged'), '--occupied'),
      lane('late', t('q_late'), '--reserved'), lane('online', t('q_online'), '--free'),
    ];
  }
  const vehicles = [
    lane('vehiclesOnline', t('v_online'), '--free'), lane('vehiclesDriving', t('st_driving'), '--action'),
    lane('vehiclesCharging', t('v_charging'), '--charging'), lane('vehiclesAlarm', t('v_alarm'), '--fault'),
  ];
  if (kind === 'makers') return vehicles;
  return [
    lane('powerKw', t('power'), '--charging', 'kW'), lane('pilesInUse', t('p_inUse'), '--occupied'),
    lane('pilesFree', t('st_free'), '--free'), lane('pilesFault', t('st_fault'), '--fault'),
    lane('pilesOffline', t('p_offline'), '--offline'), ...(kind === 'districts' ? vehicles : []),
  ];
}

/** What a chart of an object shows. */
export function drawingOf(kind: Kind, day: Day, t: Say): Drawing {
  const { table, from, to, every } = day;
  const gap = gapOf(every.ms) + (isSum(kind) ? ROW_MS : 0);
  const of = (column: string) => lines(trace(table, column), gap);
  const holes = gaps({ times: trace(table, 'ts').times, values: [] }, gap, from, to)
    .map(([a, b]): [number, number] => [a === from ? a : Math.min(b, a + every.ms), b])
    .sort((x, y) => x[0] - y[0]);
  const power = (name: string): Lane => ({
    id: 'powerKw', name: t('power'), unit: name, colour: '--charging', lines: of('powerKw'), low: 0, high: 1,
  });
  if (isSum(kind)) return { holes, bands: [], lanes: sumLanes(kind, of, t) };
  if (kind === 'station') {
    const count = (id: string, name: string, colour: string): Lane =>
      ({ id, name, unit: '', colour, lines: of(id), low: 0, high: 4, digits: 0 });
    return {
      holes, bands: [],
      lanes: [
        power('kW'), count('charging', t('st_charging'), '--charging'), count('free', t('st_free'), '--free'),
        count('fault', t('st_fault'), '--fault'),
      ],
    };
  }
  const soc: Lane = { id: 'socPct', name: t('soc'), unit: '%', colour: '--free', lines: of('socPct'), low: 0, high: 100, digits: 0 };
  const volts: Lane = { id: 'voltageV', name: t('voltage'), unit: 'V', colour: '--reserved', lines: of('voltageV') };
  const amps: Lane = { id: 'currentA', name: t('current'), unit: 'A', colour: '--occupied', lines: of('currentA') };
  if (kind === 'pile') {
    const look = (state: string, colour: string, height: number) => ({ state, name: t(`st_${state}` as never), colour, height });
    const status = trace(table, 'status');
    return {
      holes, lanes: [power('kW'), soc, volts, amps],
      bands: [{
        name: t('states'),
        stretches: stretches(status, (v) => (v === null ? null : (PILE_STATE[Number(v)] ?? null)), gap, to),
        states: [
          look('free', '--free', 0.35), look('occupied', '--occupied', 0.65), look('charging', '--charging', FULL),
          look('reserved', '--reserved', 0.5), look('fault', '--fault', FULL), look('offline', '--offline', 0.2),
        ],
      }],
    };
  }
  const look = (state: string, colour: string, height: number) => ({ state, name: t(`st_${state}` as never), colour, height });
  return {
    holes,
    lanes: [
      soc, { id: 'speedKmh', name: t('speed'), unit: 'km/h', colour: '--action', lines: of('speedKmh'), low: 0, high: 10 },
      volts, amps,
    ],
    bands: [{
      name: t('states'), stretches: stretches(vehicleStates(table), (v) => (v === null ? null : String(v)), gap, to),
      states: [
        look('parked', '--offline', 0.35), look('driving', '--action', 0.7), look('charging', '--charging', FULL),
        look('alarm', '--fault', FULL),
      ],
    }],
  };
}
