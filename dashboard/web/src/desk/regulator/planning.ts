// Where vehicles want to charge and where piles are free, cell by cell.
import type { LonLat } from '../../lib/types.ts';

export const PLAN_LAYERS = ['demand', 'free', 'inUse', 'vehicles'] as const;
export type PlanLayer = (typeof PLAN_LAYERS)[number];

export type Cells = Record<PlanLayer, ReadonlyMap<string, number>>;

export interface Place {
  cell: string;
  at: LonLat;
  demand: number;
  free: number;
  inUse: number;
  vehicles: number;
  gap: number; // demand beyond what is free in the cell, at least 0
}

/** The middle of a ring. */
export function middle(ring: readonly LonLat[]): LonLat {
  const [x, y] = ring.reduce<[number, number]>((sum, [lon, lat]) => [sum[0] + lon, sum[1] + lat], [0, 0]);
  return [x / ring.length, y / ring.length];
}

/** Cells with demand, the largest gap first; cells whose outline is not known are left out. */
export function placesOf(cells: Cells, rings: ReadonlyMap<string, readonly LonLat[]>): Place[] {
  const out: Place[] = [];
  for (const [cell, demand] of cells.demand) {
    const ring = rings.get(cell);
    if (!ring || demand <= 0) continue;
    const free = cells.free.get(cell) ?? 0;
    out.push({
      cell, at: middle(ring), demand, free, inUse: cells.inUse.get(cell) ?? 0, vehicles: cells.vehicles.get(cell) ?? 0,
      gap: Math.max(0, demand - free),
    });
  }
  return out.sort((a, b) => b.gap - a.gap || b.demand - a.demand || (a.cell < b.cell ? -1 : 1));
}

/** The places as GeoJSON (RFC 7946) with their outlines. */
export function geojson(places: readonly Place[], rings: ReadonlyMap<string, readonly LonLat[]>): Blob {
  const features = places.map(({ at: _, ...properties }) => {
    const ring = rings.get(properties.cell) ?? [];
    return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [[...ring, ring[0]]] } };
  });
  return new Blob([JSON.stringify({ type: 'FeatureCollection', features })], { type: 'application/geo+json' });
}
