// Which stations stand on the map as pins, where there is no room for all.
import type { Pin } from './rings.ts';

export const MOST_PINS = 25;

/** A place of the picture that pins keep clear of. */
export interface Spot {
  x: number;
  y: number;
  r: number;
}

export interface Picture {
  width: number;
  height: number;
  apart: number; // least distance of two pins' centres
  keep: ReadonlySet<string>; // pins before; they stay if they can, so that fresh counts move nothing
  first: ReadonlySet<string>; // must stand there: the chosen station
  clear: readonly Spot[];
  project(pin: Pin): [x: number, y: number];
}

/** Splits pins, given in order of importance, into those drawn whole and those drawn as dots. */
export function declutter(pins: readonly Pin[], picture: Picture, most = MOST_PINS): { whole: Pin[]; dots: Pin[] } {
  const rank = (p: Pin): number => (picture.first.has(p.id) ? 0 : picture.keep.has(p.id) ? 1 : 2);
  const candidates = pins.toSorted((a, b) => rank(a) - rank(b)); // stable: within a rank the order given
  const taken: Spot[] = [];
  const whole: Pin[] = [];
  const dots: Pin[] = [];
  for (const p of candidates) {
    const [x, y] = picture.project(p);
    const inside = x >= 0 && y >= 0 && x <= picture.width && y <= picture.height;
    const must = picture.first.has(p.id);
    const free = (s: Spot): boolean => Math.hypot(s.x - x, s.y - y) >= s.r;
    const room = inside && whole.length < most && taken.every(free) && picture.clear.every(free);
    if (must || room) {
      whole.push(p);
      taken.push({ x, y, r: picture.apart });
    } else dots.push(p);
  }
  return { whole, dots };
}
