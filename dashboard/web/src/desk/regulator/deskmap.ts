// The desk's map in MapLibre: heat, stations, a track, and a canvas over it on
// which vehicles move without the map being drawn anew.
import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GLMap } from 'maplibre-gl';
import { loadBase, point } from '../../lib/basemap.ts';
import type { City } from '../../lib/config.ts';
import { HEAT, intensity, STOPS } from '../../lib/heat.ts';
import type { Lang } from '../../lib/i18n.ts';
import { baseSources, DARK, LIGHT, loadMapLibre, lowerLayers, upperLayers } from '../../lib/mapstyle.ts';
import type { Theme } from '../../lib/theme.ts';
import type { Box, LonLat } from '../../lib/types.ts';
import type { Touched } from '../../lib/viewfeed.ts';

export interface DeskMapOptions {
  city: City;
  lang: Lang;
  theme: Theme;
  box: Box; // shown first
  label: string;
  viewed?(box: Box, zoom: number, byHand: boolean): void;
  moved?(): void; // the view moves: what is drawn over it must follow
  clicked?(at: LonLat, stations: string[]): void;
}

export interface StationDot {
  id: string;
  at: LonLat;
  colour: string; // #rrggbb
}

const EMPTY = { type: 'FeatureCollection' as const, features: [] };
const FINGER = 10; // CSS pixels around a click
const NEAREST = 16;

/** Zoom from which the schematic's borders, which are kilometres off, are left out. */
const COARSE_TO = 11.5;

export class DeskMap {
  #map: GLMap;
  #numbers = new Map<string, number>();
  #lit = new Set<string>();

  private constructor(map: GLMap, options: DeskMapOptions) {
    this.#map = map;
    let byHand = false;
    map.on('movestart', (event) => {
      if ('originalEvent' in event && event.originalEvent) byHand = true;
    });
    const viewed = (): void => options.viewed?.(this.box, map.getZoom(), byHand);
    map.on('moveend', viewed);
    map.on('move', () => options.moved?.());
    map.on('resize', () => {
      options.moved?.();
      viewed();
    });
    map.on('click', (event) => {
      const { x, y } = event.point;
      const hits = map.queryRenderedFeatures([[x - FINGER, y - FINGER], [x + FINGER, y + FINGER]], { layers: ['stations'] });
      options.clicked?.([event.lngLat.lng, event.lngLat.lat], hits.map((hit) => String(hit.properties.id)));
    });
    viewed();
  }

  /** Builds the map in `container`; rejects where it cannot be drawn. */
  static async create(container: HTMLElement, options: DeskMapOptions): Promise<DeskMap> {
    const [{ Map: GL }, base] = await Promise.all([loadMapLibre(), loadBase(options.city)]);
    const palette = options.theme === 'dark' ? DARK : LIGHT;
    const own = { type: 'geojson' as const, data: EMPTY };
    const map = new GL({
      container,
      bounds: options.box,
      fitBoundsOptions: { padding: 24, maxZoom: NEAREST },
      minZoom: 7.5,
      maxZoom: 17,
      attributionControl: false,
      fadeDuration: 0,
      dragRotate: false,
      pitchWithRotate: false,
      style: {
        version: 8,
        sources: { ...baseSources(base), cells: own, stations: own, track: own, ends: own },
        layers: [
          ...lowerLayers(palette), ...cellLayers(palette.background),
          ...upperLayers(palette, options.lang, 0.9).map(coarse), ...ownLayers(options.theme, palette.background),
        ],
      },
    });
    map.touchZoomRotate.disableRotation();
    map.getCanvas().setAttribute('aria-label', options.label);
    await new Promise<void>((resolve) => map.once('load', () => resolve()));
    return new DeskMap(map, options);
  }

  get box(): Box {
    const b = this.#map.getBounds();
    return [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()];
  }

  /** Where a position stands in the container, in CSS pixels. */
  project(at: LonLat): [x: number, y: number] {
    const { x, y } = this.#map.project(at);
    return [x, y];
  }

  outlines(rings: ReadonlyMap<string, LonLat[]>): void {
    this.#numbers.clear();
    this.#lit.clear();
    this.#map.removeFeatureState({ source: 'cells' });
    const features = [...rings].map(([id, ring], i) => {
      this.#numbers.set(id, i + 1);
      const geometry = { type: 'Polygon' as const, coordinates: [[...ring, ring[0] as LonLat]] };
      return { type: 'Feature' as const, id: i + 1, properties: {}, geometry };
    });
    this.#set('cells', features);
  }

  values(values: ReadonlyMap<string, number>, most: number, touched: Touched): void {
    for (const id of touched ?? values.keys()) this.#light(id, values.get(id), most);
    for (const id of [...this.#lit]) if (!values.has(id)) this.#light(id, undefined, most);
  }

  stations(dots: readonly StationDot[]): void {
    this.#set('stations', dots.map((d) => point(d.at, { id: d.id, colour: d.colour })));
  }

  /** Draws lines, the last of which ends now, and a ring at the moment that is read off. */
  track(parts: readonly LonLat[][], end: LonLat | null, moment: LonLat | null): void {
    this.#set('track', parts.filter((p) => p.length > 1).map((coordinates) => (
      { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates } }
    )));
    this.#set('ends', [
      ...(end ? [point(end, { k: 'end' })] : []), ...(moment ? [point(moment, { k: 'moment' })] : []),
    ]);
  }

  fit(box: Box): void {
    this.#map.fitBounds(box, { padding: 32, maxZoom: NEAREST, animate: false });
  }

  goTo(at: LonLat, zoom?: number): void {
    this.#map.easeTo({ center: at, ...(zoom === undefined ? {} : { zoom }), duration: still() ? 0 : 600 });
  }

  destroy(): void {
    this.#map.remove();
  }

  #light(id: string, value: number | undefined, most: number): void {
    const number = this.#numbers.get(id);
    if (number === undefined) return;
    if (value === undefined) this.#lit.delete(id);
    else this.#lit.add(id);
    this.#map.setFeatureState({ source: 'cells', id: number }, { v: value === undefined ? 0 : intensity(value, most) });
  }

  #set(source: string, features: GeoJSON.Feature[]): void {
    (this.#map.getSource(source) as GeoJSONSource | undefined)?.setData({ type: 'FeatureCollection', features });
  }
}

/** Whether the reader asked for less motion. */
export function still(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function coarse(layer: LayerSpecification): LayerSpecification {
  return ['inner', 'outer', 'districtNames'].includes(layer.id) ? { ...layer, maxzoom: COARSE_TO } : layer;
}

function cellLayers(ground: string): LayerSpecification[] {
  const value: ExpressionSpecification = ['coalesce', ['feature-state', 'v'], 0];
  const stops = HEAT.flatMap((colour, i) => [STOPS[i] ?? 1, colour]);
  const lit = (opacity: number): ExpressionSpecification => ['case', ['<=', value, 0], 0, opacity];
  return [
    {
      id: 'cells', type: 'fill', source: 'cells',
      paint: {
        'fill-color': ['interpolate', ['linear'], value, ...stops] as ExpressionSpecification,
        'fill-opacity': lit(0.9), 'fill-antialias': false,
      },
    },
    {
      id: 'gaps', type: 'line', source: 'cells',
      paint: { 'line-color': ground, 'line-opacity': lit(1), 'line-width': 0.8 },
    },
  ];
}

function ownLayers(theme: Theme, ground: string): LayerSpecification[] {
  const accent = theme === 'dark' ? '#4fb3d9' : '#0f5c7a';
  return [
    {
      id: 'stations', type: 'circle', source: 'stations',
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 10, 3, 15, 8],
        'circle-color': ['get', 'colour'], 'circle-stroke-color': ground, 'circle-stroke-width': 1.5,
      },
    },
    {
      id: 'track', type: 'line', source: 'track', layout: { 'line-join': 'round', 'line-cap': 'round' },
      paint: { 'line-color': accent, 'line-width': 3.5 },
    },
    {
      id: 'end', type: 'circle', source: 'ends', filter: ['==', ['get', 'k'], 'end'],
      paint: { 'circle-radius': 8, 'circle-color': accent, 'circle-stroke-color': '#ffffff', 'circle-stroke-width': 2.5 },
    },
    {
      id: 'moment', type: 'circle', source: 'ends', filter: ['==', ['get', 'k'], 'moment'],
      paint: {
        'circle-radius': 10, 'circle-color': '#f5b544', 'circle-opacity': 0.5, 'circle-stroke-color': '#f5b544',
        'circle-stroke-width': 3,
      },
    },
  ];
}
