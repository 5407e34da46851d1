// States of vehicles as they are shown, and where each is between two reports.
import type { Box, LonLat } from '../../lib/types.ts';
import { inBox } from '../../lib/geo.ts';
import type { VehicleBrief } from './facts.ts';

export const ORDER = ['alarm', 'driving', 'charging', 'parked', 'silent'] as const;
export type VehicleState = (typeof ORDER)[number];

/** Name, token of colour, and shape: never colour alone. */
export const STATES: Record<VehicleState, { name: readonly [zh: string, en: string]; token: string; shape: Shape }> = {
  alarm: { name: ['报警', 'Alarm'], token: 'fault', shape: 'cross' },
  driving: { name: ['行驶', 'Driving'], token: 'action', shape: 'triangle' },
  charging: { name: ['充电', 'Charging'], token: 'charging', shape: 'square' },
  parked: { name: ['停放', 'Parked'], token: 'offline', shape: 'circle' },
  silent: { name: ['失联', 'Silent'], token: 'old', shape: 'ring' },
};

export type Shape = 'cross' | 'triangle' | 'square' | 'circle' | 'ring';

const ALARM_FROM = 2; // level that the platform raises an alarm at

/** One state a vehicle, the most important first. */
export function stateOf(v: Pick<VehicleBrief, 'online' | 'alarmLevel' | 'state' | 'charge' | 'speedKmh'>): VehicleState {
  if (!v.online) return 'silent';
  if ((v.alarmLevel ?? 0) >= ALARM_FROM) return 'alarm';
  if (v.charge === 1) return 'charging';
  return v.state === 1 || (v.speedKmh ?? 0) > 0 ? 'driving' : 'parked';
}

/** How many of each state stand in a box. */
export function countStates(vehicles: Iterable<VehicleBrief>, box: Box): Record<VehicleState, number> & { total: number } {
  const out = { alarm: 0, driving: 0, charging: 0, parked: 0, silent: 0, total: 0 };
  for (const v of vehicles) {
    if (v.lon === null || v.lat === null || !inBox([v.lon, v.lat], box)) continue;
    out[stateOf(v)]++;
    out.total++;
  }
  return out;
}

const GLIDE_MS = 1_500; // from the former position to the new one; a report is not guessed ahead
const JUMP_DEG = 0.05; // further than this is no glide

interface Glide {
  from: LonLat;
  to: LonLat;
  began: number;
}

/** Positions on their way from report to report. */
export class Glides {
  #known = new Map<string, Glide>();

  /** Notes where a vehicle is said to be now. */
  set(vin: string, to: LonLat, now: number): void {
    const before = this.#known.get(vin);
    if (before && before.to[0] === to[0] && before.to[1] === to[1]) return;
    const from = before ? this.#at(before, now) : to;
    const jump = Math.abs(from[0] - to[0]) > JUMP_DEG || Math.abs(from[1] - to[1]) > JUMP_DEG;
    this.#known.set(vin, { from: jump ? to : from, to, began: now });
  }

  /** Forgets all that are not among `vins`. */
  keep(vins: { has(vin: string): boolean }): void {
    for (const vin of this.#known.keys()) if (!vins.has(vin)) this.#known.delete(vin);
  }

  at(vin: string, now: number): LonLat | undefined {
    const glide = this.#known.get(vin);
    return glide && this.#at(glide, now);
  }

  /** Whether anything is still on its way. */
  moving(now: number): boolean {
    for (const g of this.#known.values()) {
      if (now - g.began < GLIDE_MS && (g.from[0] !== g.to[0] || g.from[1] !== g.to[1])) return true;
    }
    return false;
  }

  #at({ from, to, began }: Glide, now: number): LonLat {
    const share = Math.min(1, Math.max(0, (now - began) / GLIDE_MS));
    return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
  }
}
