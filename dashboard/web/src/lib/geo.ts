// Distances, boxes and tiles. Positions are WGS-84 degrees.
import type { Box, LonLat } from './types.ts';

const EARTH_M = 6_371_008.8; // the sphere that the platform measures on
const RAD = Math.PI / 180;

/** Zoom of the tiles that boxes of the live feeds are counted in. */
const TILE_ZOOM = 12;

const HAIR = 1e-5; // of a tile: keeps an edge on its own side

/** Tiles that one subscription may cover. */
export const MAX_TILES = 64;

/** Great-circle distance in metres. */
export function distanceM(a: LonLat, b: LonLat): number {
  const dLat = (b[1] - a[1]) * RAD;
  const dLon = (b[0] - a[0]) * RAD;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[1] * RAD) * Math.cos(b[1] * RAD) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The point `metres` away from `from` towards `bearing` (degrees from north). */
export function moved(from: LonLat, metres: number, bearing: number): LonLat {
  const north = metres * Math.cos(bearing * RAD);
  const east = metres * Math.sin(bearing * RAD);
  const perDegree = EARTH_M * RAD;
  return [from[0] + east / (perDegree * Math.cos(from[1] * RAD)), from[1] + north / perDegree];
}

/** A closed ring of `steps` points `metres` around `centre`. */
export function circle(centre: LonLat, metres: number, steps = 72): LonLat[] {
  return Array.from({ length: steps + 1 }, (_, i) => moved(centre, metres, (i / steps) * 360));
}

const GAP = 0.045; // of a cell, between it and its neighbours

/** A cell's closed outline with a gap around it: cheaper to draw than lines over the edges. */
export function cellOutline(ring: readonly LonLat[]): LonLat[] {
  const [x, y] = ring.reduce<[number, number]>((sum, [lon, lat]) => [sum[0] + lon, sum[1] + lat], [0, 0]);
  const [cx, cy] = [x / ring.length, y / ring.length];
  const inner = ring.map(([lon, lat]): LonLat => [lon + (cx - lon) * GAP, lat + (cy - lat) * GAP]);
  return [...inner, inner[0] as LonLat];
}

/** The box that holds everything within `metres` of `centre`. */
export function boxAround(centre: LonLat, metres: number): Box {
  const [east, north] = [moved(centre, metres, 90)[0], moved(centre, metres, 0)[1]];
  return [2 * centre[0] - east, 2 * centre[1] - north, east, north];
}

const tileX = (lon: number): number => ((lon + 180) / 360) * 2 ** TILE_ZOOM;

function tileY(lat: number): number {
  const s = Math.sin(lat * RAD);
  return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * 2 ** TILE_ZOOM;
}

const lonOf = (x: number): number => (x / 2 ** TILE_ZOOM) * 360 - 180;
const latOf = (y: number): number => Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / 2 ** TILE_ZOOM))) / RAD;

interface Tiles {
  x0: number;
  y0: number;
  columns: number;
  rows: number;
}

function tilesOf([west, south, east, north]: Box): Tiles {
  const x0 = Math.floor(tileX(west));
  const y0 = Math.floor(tileY(north));
  return { x0, y0, columns: Math.floor(tileX(east)) - x0 + 1, rows: Math.floor(tileY(south)) - y0 + 1 };
}

/** The box of whole tiles that holds `box`, a hair inside their edges. */
export function tileBox(box: Box): Box {
  const { x0, y0, columns, rows } = tilesOf(box);
  return [
    lonOf(x0 + HAIR), latOf(y0 + rows - HAIR),
    lonOf(x0 + columns - HAIR), latOf(y0 + HAIR),
  ];
}

/** The part of `box` that lies in `limits`; null if none does. */
export function clip(box: Box, limits: Box): Box | null {
  const out: Box = [
    Math.max(box[0], limits[0]), Math.max(box[1], limits[1]),
    Math.min(box[2], limits[2]), Math.min(box[3], limits[3]),
  ];
  return out[0] < out[2] && out[1] < out[3] ? out : null;
}

/** How many tiles a box touches. */
export function tileCount(box: Box): number {
  const { columns, rows } = tilesOf(box);
  return columns * rows;
}

/**
 * Cuts a box along tile edges into boxes of at most `most` tiles, which
 * together cover it. The cuts lie just inside a tile, so that no part touches
 * its neighbour's tiles.
 */
export function splitBox(box: Box, most = MAX_TILES): Box[] {
  const { x0, y0, columns, rows } = tilesOf(box);
  if (columns * rows <= most) return [box];
  if (columns >= rows) {
    const cut = x0 + Math.ceil(columns / 2);
    return [
      ...splitBox([box[0], box[1], lonOf(cut - HAIR), box[3]], most),
      ...splitBox([lonOf(cut + HAIR), box[1], box[2], box[3]], most),
    ];
  }
  const cut = y0 + Math.ceil(rows / 2);
  return [
    ...splitBox([box[0], latOf(cut - HAIR), box[2], box[3]], most),
    ...splitBox([box[0], box[1], box[2], latOf(cut + HAIR)], most),
  ];
}

export function inBox([lon, lat]: LonLat, [west, south, east, north]: Box): boolean {
  return lon >= west && lon <= east && lat >= south && lat <= north;
}

/** A flat drawing of a box: degrees to units of a picture `width` wide. */
export interface Flat {
  width: number;
  height: number;
  point(at: LonLat): [x: number, y: number];
}

/** The equirectangular drawing of `box`, true at its middle latitude. */
export function flat(box: Box, width: number): Flat {
  const [west, south, east, north] = box;
  const perLon = width / (east - west);
  const perLat = perLon / Math.cos(((south + north) / 2) * RAD);
  return {
    width,
    height: (north - south) * perLat,
    point: ([lon, lat]) => [(lon - west) * perLon, (north - lat) * perLat],
  };
}

/** An SVG path of rings, closed unless told otherwise; null of none. A ring of fewer than two points draws nothing. */
export function svgPath(view: Flat, rings: readonly (readonly number[])[][], close = true): string | null {
  const text = ([lon = 0, lat = 0]: readonly number[]): string =>
    view.point([lon, lat]).map((v) => v.toFixed(1)).join(' ');
  const drawn = rings.filter((ring) => ring.length > 1);
  return drawn.map((ring) => `M${ring.map(text).join('L')}${close ? 'Z' : ''}`).join('') || null;
}
