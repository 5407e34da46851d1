// The shapes of the platform's interface, version 1, as far as the pages read them.

/** Longitude and latitude in degrees, WGS-84 unless said otherwise. */
export type LonLat = [lon: number, lat: number];

/** West, south, east, north in degrees. */
export type Box = [west: number, south: number, east: number, north: number];

export interface PileCounts {
  total: number;
  free: number;
  inUse: number;
  charging: number; // part of inUse
  reserved: number;
  fault: number;
  offline: number;
}

export interface VehicleCounts {
  total: number;
  online: number;
  driving: number; // this and the next two are parts of online
  charging: number;
  alarm: number;
}

export interface Overview {
  vehicles: VehicleCounts;
  piles: PileCounts;
  powerKw: number;
  stations: number;
  operators: number;
  makers: number;
}

interface Row {
  id: string;
  name: string;
  nameEn?: string | null;
}

export interface OperatorRow extends Row {
  stations: number;
  piles: PileCounts;
  powerKw: number;
  lastReportAt: string | null;
}

export interface MakerRow extends Row {
  vehicles: VehicleCounts;
  lastReportAt: string | null;
}

export interface DistrictRow extends Row {
  piles: PileCounts;
  vehicles: VehicleCounts | null;
}

export interface Price {
  nowYuanPerKwh: number;
  energyYuanPerKwh: number;
  serviceYuanPerKwh: number;
  until: string | null;
  nextYuanPerKwh: number | null;
}

export interface Parking {
  type: number; // 0 free, 1 paid, 2 limited free, 3 reduced while charging, 255 ask
  text?: string | null;
  yuanPerHour?: number | null;
  freeMinutes?: number | null;
}

/** A station as the `stations` feed sends it. */
export interface StationBrief extends Row {
  operator: string;
  lon: number;
  lat: number;
  maxKw: number | null; // null without piles
  piles: PileCounts;
  updatedAt: string | null;
}

/** A station as queries answer it. */
export interface Station extends StationBrief {
  access: 'public' | 'restricted' | 'private';
  distanceM?: number | null;
  match: number;
  price: Price | null;
  parking: Parking | null;
}

export interface Pile {
  id: string;
  kind: 'ac' | 'dc';
  ratedKw: number;
  bay?: string | null; // where it stands, in the operator's words
  status: number;
  state: PileState;
  powerKw: number | null;
  socPct: number | null;
  updatedAt: string | null;
}

export type PileState = 'free' | 'inUse' | 'reserved' | 'fault' | 'offline';

export interface TariffBand {
  from: string; // HH:MM in the city's zone
  to: string;
  energyYuanPerKwh: number;
  serviceYuanPerKwh: number;
}

export interface StationDetail extends Station {
  district?: string; // adcode
  pileList: Pile[];
  tariff?: { bands: TariffBand[] } | null;
  address?: string | null;
  phone?: string | null;
  openHours?: string | null;
}

/** Rows of a history answer: `columns` names the members of each row. */
export interface HistoryTable {
  columns: string[];
  rows: (string | number | null)[][];
}

export const LAYERS = ['vehicles', 'demand', 'charging', 'free', 'inUse', 'powerKw'] as const;
export type Layer = (typeof LAYERS)[number];

/** A text in both languages, as alarms and rules carry them. */
export interface Words {
  zh: string;
  en: string;
}

export interface Alarm {
  id: string;
  rule: string;
  severity: 'info' | 'warning' | 'critical';
  state: 'open' | 'acked' | 'cleared';
  party: string | null; // slug; null: the platform's own
  kind: 'platform' | 'party' | 'station' | 'pile' | 'vehicle';
  object: string | null;
  station: string | null; // of a pile
  title: Words;
  detail: Words;
  do: Words;
  level: number | null;
  count: number; // objects that it covers
  lastKnown: boolean;
  since: string | null;
  raisedAt: string | null;
  ackedAt: string | null;
  ackedBy: string | null;
  note: string | null;
  clearedAt: string | null;
}

export interface AlarmCounts {
  open: number;
  acked: number; // part of open
  severity: Record<Alarm['severity'], number>;
  rule: Record<string, number>;
}
