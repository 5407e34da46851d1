// Every member of an object's newest report, in words.
import { clock, day, kilowatts, midnight } from '../../lib/format.ts';
import { millis } from '../../lib/channel.ts';
import type { Lang } from '../../lib/i18n.ts';
import type { PileState } from '../../lib/types.ts';
import { flagWords, word } from './words.ts';

export interface PileFull {
  id: string;
  operator: string;
  station: string;
  lon: number;
  lat: number;
  kind: 'ac' | 'dc';
  ratedKw: number;
  standard?: string | null;
  bay?: string | null;
  status: number | null;
  state: PileState;
  powerKw: number | null;
  voltageV: number | null;
  currentA: number | null;
  socPct: number | null;
  energyKwh: number | null;
  meterKwh: number | null;
  fault: string | null;
  parkStatus: number | null;
  lockStatus: number | null;
  session?: string | null;
  vin?: string | null;
  flagged: boolean;
  updatedAt: string | null;
  receivedAt: string | null;
}

export interface VehicleBrief {
  vin: string;
  maker: string;
  class: string;
  lon: number | null;
  lat: number | null;
  online: boolean;
  speedKmh: number | null;
  socPct: number | null;
  state: number | null;
  charge: number | null;
  alarmLevel: number | null;
  updatedAt: string | null;
}

export interface VehicleFull extends VehicleBrief {
  model: string | null;
  batteryKwh: number | null;
  odometerKm: number | null;
  voltageV: number | null;
  currentA: number | null;
  alarms: number | null;
  rangeKm: number | null;
  insulationKohm: number | null;
  flagged: boolean;
  receivedAt: string | null;
}

export interface Fact {
  key: string;
  name: string;
  value: string | null; // null: not reported
  href?: string;
}

type Names = Record<string, readonly [zh: string, en: string]>;

const NAMES: Names = {
  id: ['编号', 'Id'], vin: ['VIN', 'VIN'], station: ['充电站', 'Station'], kind: ['类型', 'Kind'],
  ratedKw: ['额定功率', 'Rated power'], standard: ['接口标准', 'Connector'], bay: ['车位', 'Bay'],
  state: ['平台状态', 'State here'], status: ['上报状态', 'Status as reported'], powerKw: ['功率', 'Power'],
  voltageV: ['电压', 'Voltage'], currentA: ['电流', 'Current'], socPct: ['SOC', 'SOC'],
  energyKwh: ['本次电量', 'Energy of the session'], meterKwh: ['电表读数', 'Meter'], session: ['订单', 'Session'],
  fault: ['故障', 'Fault'], parkStatus: ['车位占用', 'Bay sensor'], lockStatus: ['地锁', 'Bay lock'],
  position: ['位置 WGS-84', 'Position, WGS-84'], flagged: ['被规则标记', 'Marked by a rule'],
  updatedAt: ['报文时间', 'Time of the report'], receivedAt: ['接收时间', 'Received'], delay: ['时延', 'Delay'],
  online: ['在线', 'On line'], class: ['用途', 'Class'], model: ['车型', 'Model'], batteryKwh: ['电池容量', 'Battery'],
  vehicleState: ['车辆状态', 'Vehicle'], charge: ['充电状态', 'Charging'], speedKmh: ['车速', 'Speed'],
  odometerKm: ['里程', 'Odometer'], rangeKm: ['剩余续航', 'Range left'], insulationKohm: ['绝缘电阻', 'Insulation'],
  alarmLevel: ['最高报警等级', 'Highest alarm level'], alarms: ['报警标志', 'Alarm flags'],
};

interface Making {
  lang: Lang;
  zone: string;
}

/** A time with its day where that is not today's. */
export function when(at: string | null | undefined, zone: string, lang: Lang, now: number): string | null {
  const ms = millis(at ?? null);
  if (!Number.isFinite(ms)) return null;
  const time = clock(ms, zone, true);
  return ms >= midnight(now, zone) && ms <= now + 60_000 ? time : `${day(ms, zone, lang)} ${time}`;
}

const NBSP = '\u00a0';
const unit = (v: number | null | undefined, u: string, digits = 1): string | null =>
  v === null || v === undefined ? null : `${grouped(v, digits)}${u === '%' ? '' : NBSP}${u}`;
const grouped = (v: number, digits: number): string => v.toLocaleString('en-US', { maximumFractionDigits: digits });
const yes = (v: boolean, lang: Lang): string => (lang === 'zh' ? (v ? '是' : '否') : v ? 'yes' : 'no');

function times(o: { updatedAt: string | null; receivedAt: string | null }, { lang, zone }: Making, now: number):
  [string, string | null][] {
  const delay = millis(o.receivedAt) - millis(o.updatedAt);
  return [
    ['updatedAt', when(o.updatedAt, zone, lang, now)],
    ['receivedAt', when(o.receivedAt, zone, lang, now)],
    ['delay', Number.isFinite(delay) ? unit(delay / 1000, 's') : null],
  ];
}

const place = (lon: number | null, lat: number | null): string | null =>
  lon === null || lat === null ? null : `${lon.toFixed(6)}, ${lat.toFixed(6)}`;

function named(list: [string, string | null][], lang: Lang): Fact[] {
  return list.map(([key, value]) => ({ key, name: NAMES[key]![lang === 'zh' ? 0 : 1], value }));
}

export function pileFacts(p: PileFull, making: Making, now: number): Fact[] {
  const { lang } = making;
  return named([
    ['status', word('status', p.status, lang)], ['powerKw', unit(p.powerKw, 'kW', 2)],
    ['voltageV', unit(p.voltageV, 'V')], ['currentA', unit(p.currentA, 'A')], ['socPct', unit(p.socPct, '%')],
    ['energyKwh', unit(p.energyKwh, 'kWh', 3)], ['meterKwh', unit(p.meterKwh, 'kWh', 3)], ['session', p.session ?? null],
    ['vin', p.vin ?? null], ['fault', p.fault], ['parkStatus', word('park', p.parkStatus, lang)],
    ['lockStatus', word('lock', p.lockStatus, lang)], ['kind', word('kind', p.kind, lang)],
    ['ratedKw', kilowatts(p.ratedKw)], ['standard', p.standard ?? null], ['bay', p.bay ?? null],
    ['position', place(p.lon, p.lat)], ['flagged', yes(p.flagged, lang)], ...times(p, making, now),
  ], lang);
}

export function vehicleFacts(v: VehicleFull, making: Making, now: number): Fact[] {
  const { lang } = making;
  return named([
    ['vehicleState', word('vehicle', v.state, lang)], ['charge', word('charge', v.charge, lang)],
    ['speedKmh', unit(v.speedKmh, 'km/h')], ['socPct', unit(v.socPct, '%')], ['voltageV', unit(v.voltageV, 'V')],
    ['currentA', unit(v.currentA, 'A')], ['odometerKm', unit(v.odometerKm, 'km')], ['rangeKm', unit(v.rangeKm, 'km')],
    ['insulationKohm', unit(v.insulationKohm, 'kΩ')], ['alarmLevel', v.alarmLevel === null ? null : String(v.alarmLevel)],
    ['alarms', v.alarms === null ? null : flagWords(v.alarms, lang) || '0'], ['model', v.model],
    ['class', word('class', v.class, lang)], ['batteryKwh', unit(v.batteryKwh, 'kWh')],
    ['position', place(v.lon, v.lat)], ['flagged', yes(v.flagged, lang)], ...times(v, making, now),
  ], lang);
}
