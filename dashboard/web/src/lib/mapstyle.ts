// The base map as MapLibre layers, and MapLibre itself, loaded when wanted.
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import { lakeNames, type Base } from './basemap.ts';
import { datumOf, geoBy, type Datum } from './gcj.ts';
import type { Lang } from './i18n.ts';

export interface Palette {
  background: string;
  city: string;
  urban: string;
  river: string;
  lake: string;
  shore: string;
  lakeText: string;
  inner: string;
  outer: string;
  text: string;
  halo: string;
}

export const DARK: Palette = {
  background: '#0b1117', city: '#101b24', urban: '#172733', river: '#17344a', lake: '#0c2638', shore: '#2a5f85',
  lakeText: '#86b9dc', inner: '#8fa6b5', outer: '#6f95ad', text: '#f3f8fb', halo: '#0b1117',
};

export const LIGHT: Palette = {
  background: '#f1f3ee', city: '#f1f3ee', urban: '#e3e6df', river: '#b9d7e8', lake: '#b9d7e8', shore: '#8fb9d0',
  lakeText: '#23587a', inner: '#93a39a', outer: '#7d9085', text: '#14212b', halo: '#f6f7f4',
};

/** Fonts of the reader's own machine: labels are drawn without glyph files. */
export const FONT = ['Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', 'sans-serif'];

/** Loads MapLibre with its worker from our own origin; throws where WebGL 2 is missing. */
export async function loadMapLibre(): Promise<typeof import('maplibre-gl')> {
  if (!document.createElement('canvas').getContext('webgl2')) throw new Error('no WebGL 2');
  const [maplibre, worker] = await Promise.all([
    import('maplibre-gl'),
    import('maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'),
    import('./maplibre.css'),
  ]);
  maplibre.setWorkerUrl(worker.default);
  return maplibre;
}

/** The ground as sources, moved onto the datum of the tiles that it lies on. */
export function baseSources(base: Base, datum: Datum = datumOf(null)): StyleSpecification['sources'] {
  const inline = (data: GeoJSON.GeoJSON) => ({ type: 'geojson' as const, data: geoBy(datum.to, data) });
  return {
    districts: inline(base.districts),
    inner: inline(base.inner),
    outer: inline(base.outer),
    water: inline(base.water),
    districtNames: inline(base.names),
    lakeNames: inline(lakeNames(base)),
  };
}

const kind = (k: string): LayerSpecification & { filter: unknown } =>
  ({ source: 'water', filter: ['==', ['get', 'k'], k] }) as never;

/** What lies under the data: land, built-up area, rivers. */
export function lowerLayers(p: Palette): LayerSpecification[] {
  return [
    { id: 'background', type: 'background', paint: { 'background-color': p.background } },
    { id: 'city', type: 'fill', source: 'districts', paint: { 'fill-color': p.city, 'fill-antialias': false } },
    {
      ...kind('urban'), id: 'urban', type: 'fill', maxzoom: 11.5,
      paint: { 'fill-color': p.urban, 'fill-antialias': false },
    },
    { ...kind('river'), id: 'river', type: 'line', paint: { 'line-color': p.river, 'line-width': 1.2 } },
  ] as LayerSpecification[];
}

/** What lies over the hexagons: borders, lakes, names. `k` scales lines and letters. */
export function upperLayers(p: Palette, lang: Lang, k: number): LayerSpecification[] {
  const halo = { 'text-halo-width': 2 * k, 'text-halo-blur': 0.5 };
  return [
    {
      id: 'inner', type: 'line', source: 'inner',
      paint: { 'line-color': p.inner, 'line-opacity': 0.34, 'line-width': k, 'line-dasharray': [4, 3] },
    },
    { ...kind('lake'), id: 'lake', type: 'fill', paint: { 'fill-color': p.lake, 'fill-antialias': false } },
    { ...kind('lake'), id: 'shore', type: 'line', paint: { 'line-color': p.shore, 'line-width': 1.2 * k } },
    { id: 'outer', type: 'line', source: 'outer', paint: { 'line-color': p.outer, 'line-width': 1.6 * k } },
    {
      id: 'lakeNames', type: 'symbol', source: 'lakeNames',
      layout: {
        'text-field': ['get', lang], 'text-font': FONT, 'text-size': 15 * k,
        'text-letter-spacing': 0.12, 'text-max-width': 5,
      },
      paint: { 'text-color': p.lakeText, 'text-halo-color': p.lake, 'text-halo-width': k },
    },
    {
      id: 'districtNames', type: 'symbol', source: 'districtNames',
      layout: {
        'text-field': ['get', lang], 'text-font': FONT, 'text-padding': 4, 'text-letter-spacing': 0.06,
        'text-size': ['interpolate', ['linear'], ['zoom'], 8, 15 * k, 11, 19 * k],
      },
      paint: { 'text-color': p.text, 'text-halo-color': p.halo, ...halo },
    },
  ] as LayerSpecification[];
}
