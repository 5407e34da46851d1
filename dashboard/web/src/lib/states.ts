// The states of piles and stations, and the one order they are shown in.
import type { PileCounts } from './types.ts';

/** The parts that piles are shown in; they add up to the total. */
export const PARTS = ['free', 'charging', 'occupied', 'reserved', 'fault', 'offline'] as const;
export type Part = (typeof PARTS)[number];

/** Splits counts into the parts shown: `inUse` is charging and occupied. */
export function parts(c: PileCounts): Record<Part, number> {
  return {
    free: c.free,
    charging: c.charging,
    occupied: c.inUse - c.charging,
    reserved: c.reserved,
    fault: c.fault,
    offline: c.offline,
  };
}

export function online(c: PileCounts): number {
  return c.total - c.offline;
}

/** A station's shape on map and list: circle, rounded square, square, dashed ring, cross. */
export type Shape = 'free' | 'few' | 'full' | 'old' | 'fault';

export const OLD_MS = 180_000; // a station not heard from for longer is not to be trusted
const FEW = 0.25; // less than this share free is "few"

/**
 * The shape of a station whose newest report is `ageMs` old (NaN: never), with
 * `free` of `total` piles that fit, and its counts of all piles.
 */
export function shapeOf(ageMs: number, free: number, total: number, piles: PileCounts): Shape {
  if (!(ageMs <= OLD_MS)) return 'old';
  if (free === 0 && piles.total > 0 && piles.fault + piles.offline === piles.total) {
    return piles.fault > 0 ? 'fault' : 'old';
  }
  if (free === 0) return 'full';
  return free / Math.max(total, 1) < FEW ? 'few' : 'free';
}
