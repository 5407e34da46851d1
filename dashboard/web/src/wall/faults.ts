// Stations in order of a count of their piles.
import type { LonLat, PileCounts } from '../lib/types.ts';

export interface RankedStation {
  id: string;
  operator: string;
  name: string;
  nameEn: string | null;
  lon: number;
  lat: number;
  district: string;
  piles: PileCounts;
  updatedAt: string | null;
}

export interface FaultList {
  all: number;
  stations: RankedStation[];
}

export function placeOf(s: { lon: number; lat: number }): LonLat {
  return [s.lon, s.lat];
}
