// What both drawings of the driver's map share.
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
