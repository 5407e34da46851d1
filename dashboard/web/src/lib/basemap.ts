// The map that needs no tiles: our own schematic of the districts, lakes and
// rivers, and the built-up area. Drawn the same by MapLibre and as SVG.
import type { Feature, FeatureCollection, MultiLineString, MultiPolygon, Polygon } from 'geojson';
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import { get } from './api.ts';
import type { City } from './config.ts';
import type { Box, LonLat } from './types.ts';

export interface DistrictName {
  code: string;
  zh: string;
  en: string;
}

export interface Base {
  districts: FeatureCollection<Polygon | MultiPolygon, DistrictName>;
  inner: MultiLineString; // borders between districts
  outer: MultiLineString; // border of the city
  water: FeatureCollection<GeoJSON.Geometry, { k: string; zh?: string; en?: string }>;
  names: FeatureCollection<GeoJSON.Point>; // of districts, or of places where no districts are drawn
}

/** Where a district's name stands on the schematic. */
const NAME_AT: Record<string, LonLat> = {
  530102: [102.672, 25.095], 530103: [102.8, 25.155], 530111: [102.865, 25.045], 530112: [102.575, 25.02],
  530113: [103.1, 26.15], 530114: [102.875, 24.865], 530115: [102.56, 24.63], 530124: [102.5, 25.3],
  530125: [103.15, 24.86], 530126: [103.4, 24.78], 530127: [103.08, 25.28], 530128: [102.58, 25.9],
  530129: [103.15, 25.65], 530181: [102.42, 24.87],
};

/** Where a lake's name stands: a point in its widest part. */
const LAKE_NAME_AT: Record<string, LonLat> = {
  滇池: [102.7, 24.8], 阳宗海: [103.008, 24.905], 抚仙湖: [102.89, 24.52],
};

/** Points of the shortest line of the outer border; less is a gap where districts meet. */
const SHORTEST = 20;

let loading: Promise<Base> | undefined;
let official: Promise<Base> | undefined;

/**
 * The ground of a city, loaded once a page: the schematic of Kunming with
 * official borders where there are some, else those and the names of places.
 */
export function loadBase(city: Pick<City, 'schematic' | 'places'> & Partial<Pick<City, 'borders'>>): Promise<Base> {
  if (city.borders) {
    official ??= loadOfficial(city).catch((error: unknown) => {
      official = undefined;
      throw error;
    });
    return official;
  }
  if (!city.schematic) return Promise.resolve(emptyGround(city.places));
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

function emptyGround(places: City['places']): Base {
  const none = { type: 'FeatureCollection' as const, features: [] };
  const lines = { type: 'MultiLineString' as const, coordinates: [] };
  const features = places.map((p) => point([p.lon, p.lat], { zh: p.name, en: p.nameEn ?? p.name }));
  return { districts: none, inner: lines, outer: lines, water: none, names: { ...none, features } };
}

/** Official borders, over the schematic's water where it is this city's. */
async function loadOfficial(city: Pick<City, 'schematic' | 'places'>): Promise<Base> {
  const [districts, under] = await Promise.all([
    get<Base['districts']>('/borders'),
    loadBase({ schematic: city.schematic, places: city.places }),
  ]);
  const inner = { type: 'MultiLineString' as const, coordinates: districts.features.flatMap((f) => rings(f.geometry)) };
  const outer = { type: 'MultiLineString' as const, coordinates: [] };
  const names = { ...under.names, features: districts.features.map((f) => point(middleOf(f.geometry), f.properties)) };
  return { ...under, districts, inner, outer, names };
}

/** The middle of the box of a polygon's largest part: where its name stands. */
function middleOf(geometry: Polygon | MultiPolygon): LonLat {
  const boxes = rings(geometry).map(boxOf);
  const size = ([w, s, e, n]: Box): number => (e - w) * (n - s);
  const [west, south, east, north] = boxes.reduce((a, b) => (size(b) > size(a) ? b : a));
  return [(west + east) / 2, (south + north) / 2];
}

/** The box of positions. */
export function boxOf(line: readonly (readonly number[])[]): Box {
  const [lons, lats] = [line.map((p) => p[0] ?? 0), line.map((p) => p[1] ?? 0)];
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}

/** The box of a district; null where it is not drawn. */
export function districtBox(base: Base, code: string): Box | null {
  const found = base.districts.features.find((f) => f.properties.code === code);
  return found ? boxOf(rings(found.geometry).flat()) : null;
}

async function load(): Promise<Base> {
  const json = async <T>(path: string): Promise<T> => {
    const response = await fetch(path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  };
  const [topology, water] = await Promise.all([
    json<Topology<{ d: GeometryCollection<DistrictName> }>>('/geo/districts.topo.json'),
    json<Base['water']>('/geo/base.geojson'),
  ]);
  const { d } = topology.objects;
  const outer = mesh(topology, d, (a, b) => a === b);
  const districts = feature(topology, d) as Base['districts'];
  return {
    districts,
    names: districtNames(districts),
    inner: mesh(topology, d, (a, b) => a !== b),
    outer: { ...outer, coordinates: outer.coordinates.filter((line) => line.length >= SHORTEST) },
    water,
  };
}

export function point<P>(at: LonLat, properties: P): Feature<GeoJSON.Point, P> {
  return { type: 'Feature', properties, geometry: { type: 'Point', coordinates: at } };
}

function districtNames(districts: Base['districts']): Base['names'] {
  const features = districts.features.flatMap((f) => {
    const at = NAME_AT[f.properties.code];
    return at ? [point(at, f.properties)] : [];
  });
  return { type: 'FeatureCollection', features };
}

/** Lake names as points. */
export function lakeNames(base: Base): FeatureCollection {
  const features = base.water.features.flatMap((f) => {
    const at = LAKE_NAME_AT[f.properties.zh ?? ''];
    return at ? [point(at, { zh: f.properties.zh, en: f.properties.en?.replace(' Lake', '') })] : [];
  });
  return { type: 'FeatureCollection', features };
}

/** The rings of a polygon or of each part of one. */
export function rings(geometry: Polygon | MultiPolygon): number[][][] {
  return geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();
}
