// What both drawings of the driver's map share.
import { circle } from '../lib/geo.ts';
import type { Shape } from '../lib/states.ts';
import type { LonLat } from '../lib/types.ts';

/** A station as a shape with a number on the map. */
export interface Pin {
  id: string;
  at: LonLat;
  shape: Shape;
  count: number;
}

/** Circles of distance around the start, in metres. */
export const RINGS_M = [500, 1000, 2000, 5000];

/** A ring's label: metres below a kilometre; both languages know the units. */
export function ringLabel(metres: number): string {
  return metres < 1000 ? `${metres} m` : `${metres / 1000} km`;
}

/** Where a ring's label stands: to the north-east, where it covers no other ring. */
export function labelAt(centre: LonLat, metres: number): LonLat {
  return circle(centre, metres)[9] as LonLat;
}

// CSS pixels of the map: between pins' centres, around the start, and around a ring's label.
export const APART = 52;
export const ME_CLEAR = 34;
export const LABEL_CLEAR = 38;

const PANE_PX = 145; // half the height of a phone's map
const MOST_ZOOM = 14.5;
const LEAST_ZOOM = 10.5;
const NEAREST = 8; // stations that should be in sight at first

/** The zoom that shows the nearest stations around the start, in MapLibre's tiles of 512 pixels. */
export function zoomFor(distancesM: readonly number[], lat: number): number {
  const sorted = distancesM.toSorted((a, b) => a - b);
  const reach = sorted[Math.min(sorted.length, NEAREST) - 1];
  if (reach === undefined) return 13;
  const perPixel = Math.max(reach, 250) / PANE_PX;
  const zoom = Math.log2((40_075_016.7 * Math.cos((lat * Math.PI) / 180)) / (512 * perPixel));
  return Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
}
