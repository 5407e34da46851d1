// Where the driver starts from: a place of the list, a point in the address,
// or the device's position, which is never put into the address.
import { lonLat, type Place } from '../lib/config.ts';
import { distanceM } from '../lib/geo.ts';
import type { LonLat } from '../lib/types.ts';

export interface Origin {
  at: LonLat;
  kind: 'me' | 'place' | 'point';
  place?: Place;
}

const SAME_M = 30; // a point so near a place is that place

/** "lon,lat" as a point; null if it is none. */
export function parsePoint(text: string | null): LonLat | null {
  const [lon, lat, ...more] = (text ?? '').split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (lon === undefined || lat === undefined || more.length > 0) return null;
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? [lon, lat] : null;
}

export function originAt(at: LonLat, places: readonly Place[]): Origin {
  const place = places.find((p) => distanceM(at, lonLat(p)) < SAME_M);
  return place ? { at: lonLat(place), kind: 'place', place } : { at, kind: 'point' };
}

export function pointText([lon, lat]: LonLat): string {
  return `${Number(lon.toFixed(5))},${Number(lat.toFixed(5))}`;
}

/** The device's position in WGS-84; rejects with 'denied' or 'failed'. */
export function locate(): Promise<LonLat> {
  return new Promise((resolve, reject) => {
    if (!('geolocation' in navigator)) {
      reject(new Error('failed'));
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve([coords.longitude, coords.latitude]),
      (error) => reject(new Error(error.code === error.PERMISSION_DENIED ? 'denied' : 'failed')),
      { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 },
    );
  });
}

/** Whether the device would give its position without asking. */
export async function mayLocate(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: 'geolocation' })).state === 'granted';
  } catch {
    return false;
  }
}
