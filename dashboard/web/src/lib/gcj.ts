// GCJ-02, the datum of Chinese base maps. The formula is that of internal/geo.
import type { Box, LonLat } from './types.ts';

const A = 6_378_245;
const EE = 0.00669342162296594323;
const { PI, sin, cos, sqrt, abs } = Math;

/** A WGS-84 position on GCJ-02; outside of China it stays where it is. */
export function toGCJ([lon, lat]: LonLat): LonLat {
  if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lon, lat];
  const [x, y] = [lon - 105, lat - 35];
  const both = 20 * sin(6 * x * PI) + 20 * sin(2 * x * PI);
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + (both * 2) / 3
    + ((20 * sin(y * PI) + 40 * sin((y / 3) * PI)) * 2) / 3
    + ((160 * sin((y / 12) * PI) + 320 * sin((y * PI) / 30)) * 2) / 3;
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + (both * 2) / 3
    + ((20 * sin(x * PI) + 40 * sin((x / 3) * PI)) * 2) / 3
    + ((150 * sin((x / 12) * PI) + 300 * sin((x / 30) * PI)) * 2) / 3;
  const s = sin((lat * PI) / 180);
  const magic = 1 - EE * s * s;
  const root = sqrt(magic);
  return [
    lon + (east * 180) / ((A / root) * cos((lat * PI) / 180) * PI),
    lat + (north * 180) / (((A * (1 - EE)) / (magic * root)) * PI),
  ];
}

/** The WGS-84 position of one on GCJ-02, to better than 1e-9 degrees. */
export function fromGCJ(p: LonLat): LonLat {
  let q = p;
  for (let i = 0; i < 10; i++) {
    const g = toGCJ(q);
    const [dLon, dLat] = [p[0] - g[0], p[1] - g[1]];
    q = [q[0] + dLon, q[1] + dLat];
    if (abs(dLon) < 1e-12 && abs(dLat) < 1e-12) break;
  }
  return q;
}

/** How positions stand on a map's tiles, and back. */
export interface Datum {
  to(at: LonLat): LonLat;
  from(at: LonLat): LonLat;
}

const same = (at: LonLat): LonLat => at;

/** The datum of a base map: `crs` is "gcj02", else WGS-84. */
export function datumOf(crs: string | null): Datum {
  return crs === 'gcj02' ? { to: toGCJ, from: fromGCJ } : { to: same, from: same };
}

/** A box whose corners stand elsewhere. */
export function boxBy(move: (at: LonLat) => LonLat, [west, south, east, north]: Box): Box {
  const [a, b] = [move([west, south]), move([east, north])];
  return [a[0], a[1], b[0], b[1]];
}

/** GeoJSON with each position moved. */
export function geoBy<T extends GeoJSON.GeoJSON>(move: (at: LonLat) => LonLat, geo: T): T {
  if (move === same) return geo;
  const deep = (v: unknown): unknown => {
    if (!Array.isArray(v)) return v;
    if (typeof v[0] === 'number') return move([v[0], v[1] as number]);
    return v.map(deep);
  };
  const walk = (o: GeoJSON.GeoJSON): GeoJSON.GeoJSON => {
    if (o.type === 'FeatureCollection') return { ...o, features: o.features.map((f) => walk(f) as GeoJSON.Feature) };
    if (o.type === 'Feature') return { ...o, geometry: walk(o.geometry) as GeoJSON.Geometry };
    if (o.type === 'GeometryCollection') return { ...o, geometries: o.geometries.map((g) => walk(g) as GeoJSON.Geometry) };
    return { ...o, coordinates: deep(o.coordinates) } as GeoJSON.GeoJSON;
  };
  return walk(geo) as T;
}
