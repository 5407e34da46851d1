// The desk's map in MapLibre: heat, stations, a track, and a canvas over it on
// which vehicles move without the map being drawn anew.
import type { ExpressionSpecification, GeoJSONSource, IControl, LayerSpecification, Map as GLMap } from 'maplibre-gl';
import { loadBase, point } from '../../lib/basemap.ts';
import type { City } from '../../lib/config.ts';
import { boxBy, datumOf, type Datum } from '../../lib/gcj.ts';
import { addTiles } from '../../lib/tiles.ts';
import { HEAT, intensity, STOPS } from '../../lib/heat.ts';
import type { Lang } from '../../lib/i18n.ts';
import { baseSources, DARK, FONT, LIGHT, loadMapLibre, lowerLayers, upperLayers, type Palette } from '../../lib/mapstyle.ts';
import { cellOutline } from '../../lib/geo.ts';
import { keepPace } from '../../lib/pace.ts';
import type { Theme } from '../../lib/theme.ts';
import type { Box, LonLat } from '../../lib/types.ts';
import type { Touched } from '../../lib/viewfeed.ts';

export interface DeskMapOptions {
  city: City;
  lang: Lang;
  theme: Theme;
  box: Box; // shown first
  where?: Where | undefined; // shown instead of `box`: how a map before this one stood
  label: string;
  viewed?(box: Box, zoom: number, byHand: boolean): void;
  moved?(): void; // the view moves: what is drawn over it must follow
  clicked?(at: LonLat, stations: string[]): void;
}

export interface Where {
  center: LonLat;
  zoom: number;
}

/** A station as a figure on the map: free of total, or why there is none. */
export interface StationMark {
  id: string;
  at: LonLat;
  text: string;
  free: boolean;
}

const EMPTY = { type: 'FeatureCollection' as const, features: [] };
const FINGER = 10; // CSS pixels around a click
const NEAREST = 16;
const ALONE = 13; // of a single place, so that names and water around it say where that is

/** Zoom from which the schematic's borders, which are kilometres off, are left out, and places are named. */
const COARSE_TO = 11.5;

/** Zoom from which stations stand on the map. */
export const STATIONS_FROM = 13;

export class DeskMap {
  #map: GLMap;
  #numbers = new Map<string, number>();
  #lit = new Set<string>();
  #datum: Datum;

  private constructor(map: GLMap, options: DeskMapOptions) {
    this.#map = map;
    this.#datum = datumOf(options.city.tiles?.crs ?? null);
    let byHand = false;
    map.on('movestart', (event) => {
      byHand = 'originalEvent' in event && Boolean(event.originalEvent);
    });
    const viewed = (): void => options.viewed?.(this.box, map.getZoom(), byHand);
    map.on('moveend', viewed);
    map.on('move', () => options.moved?.());
    map.on('resize', () => {
      byHand = false;
      options.moved?.();
      viewed();
    });
    map.on('click', (event) => {
      const { x, y } = event.point;
      const hits = map.queryRenderedFeatures([[x - FINGER, y - FINGER], [x + FINGER, y + FINGER]], { layers: ['stations'] });
      options.clicked?.(this.#datum.from([event.lngLat.lng, event.lngLat.lat]), hits.map((hit) => String(hit.properties.id)));
    });
    viewed();
  }

  /** Builds the map in `container`; rejects where it cannot be drawn. */
  static async create(container: HTMLElement, options: DeskMapOptions): Promise<DeskMap> {
    const [{ Map: GL, ScaleControl }, base] = await Promise.all([loadMapLibre(), loadBase(options.city)]);
    const palette = options.theme === 'dark' ? DARK : LIGHT;
    const { tiles, borders } = options.city;
    const datum = datumOf(tiles?.crs ?? null);
    const { where } = options;
    const own = { type: 'geojson' as const, data: EMPTY };
    const map = new GL({
      container,
      ...(where ? { ...where, center: datum.to(where.center) } : { bounds: boxBy(datum.to, options.box), fitBoundsOptions: { padding: 24, maxZoom: options.box[0] === options.box[2] ? ALONE : NEAREST } }),
      minZoom: 7.5,
      maxZoom: 17,
      attributionControl: false,
      fadeDuration: 0,
      dragRotate: false,
      pitchWithRotate: false,
      style: {
        version: 8,
        sources: { ...baseSources(base, datum), places: placesOf(options, datum), cells: own, stations: own, track: own, ends: own },
        layers: [
          ...lowerLayers(palette).map(coarse), cellLayer(),
          ...upperLayers(palette, options.lang, 0.9).map(coarse), ...ownLayers(options.theme, options.lang, palette),
        ],
      },
    });
    map.touchZoomRotate.disableRotation();
    keepPace(map);
    map.addControl(new ScaleControl({ maxWidth: 120 }), 'top-right');
    map.getCanvas().setAttribute('aria-label', options.label);
    await new Promise<void>((resolve) => map.once('load', () => resolve()));
    if (tiles) {
      const words = [tiles.attribution, tiles.reviewNo && `${options.lang === 'zh' ? '审图号：' : 'Map review '}${tiles.reviewNo}`];
      void addTiles(map, {
        style: tiles.style, before: 'cells', palette, dark: options.theme === 'dark', lang: options.lang,
        keep: borders ? ['inner', 'districtNames'] : [],
        told: (state) => state === 'shown' && map.addControl(new Line(words.filter(Boolean).join(' · ')), 'bottom-right'),
      });
    }
    return new DeskMap(map, options);
  }

  get where(): Where {
    const { lng, lat } = this.#map.getCenter();
    return { center: this.#datum.from([lng, lat]), zoom: this.#map.getZoom() };
  }

  get box(): Box {
    const b = this.#map.getBounds();
    return boxBy(this.#datum.from, [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]);
  }

  /** Where a position stands in the container, in CSS pixels. */
  project(at: LonLat): [x: number, y: number] {
    const { x, y } = this.#map.project(this.#datum.to(at));
    return [x, y];
  }

  outlines(rings: ReadonlyMap<string, LonLat[]>): void {
    this.#numbers.clear();
    this.#lit.clear();
    this.#map.removeFeatureState({ source: 'cells' });
    const features = [...rings].map(([id, ring], i) => {
      this.#numbers.set(id, i + 1);
      const geometry = { type: 'Polygon' as const, coordinates: [cellOutline(ring).map(this.#datum.to)] };
      return { type: 'Feature' as const, id: i + 1, properties: {}, geometry };
    });
    this.#set('cells', features);
  }

  values(values: ReadonlyMap<string, number>, most: number, touched: Touched): void {
    for (const id of touched ?? values.keys()) this.#light(id, values.get(id), most);
    for (const id of [...this.#lit]) if (!values.has(id)) this.#light(id, undefined, most);
  }

  stations(marks: readonly StationMark[]): void {
    this.#set('stations', marks.map((m) => point(this.#datum.to(m.at), { id: m.id, text: m.text, free: m.free })));
  }

  /** Draws lines, the last of which ends now, and a ring at the moment that is read off. */
  track(parts: readonly LonLat[][], end: LonLat | null, moment: LonLat | null): void {
    const { to } = this.#datum;
    this.#set('track', parts.filter((p) => p.length > 1).map((line) => (
      { type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: line.map(to) } }
    )));
    this.#set('ends', [
      ...(end ? [point(to(end), { k: 'end' })] : []), ...(moment ? [point(to(moment), { k: 'moment' })] : []),
    ]);
  }

  fit(box: Box): void {
    this.#map.fitBounds(boxBy(this.#datum.to, box), { padding: 32, maxZoom: NEAREST, animate: false });
  }

  goTo(at: LonLat, zoom?: number): void {
    this.#map.easeTo({ center: this.#datum.to(at), ...(zoom === undefined ? {} : { zoom }), duration: still() ? 0 : 600 });
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

/** A line of text on the map, such as whose ground it is. */
class Line implements IControl {
  #element = document.createElement('p');

  constructor(text: string) {
    this.#element.className = 'maplibregl-ctrl ground';
    this.#element.textContent = text;
  }

  onAdd(): HTMLElement {
    return this.#element;
  }

  onRemove(): void {
    this.#element.remove();
  }
}

/** Whether the reader asked for less motion. */
export function still(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function placesOf({ city }: DeskMapOptions, datum: Datum) {
  const features = city.places.map((p) => point(datum.to([p.lon, p.lat]), { zh: p.name, en: p.nameEn ?? p.name }));
  return { type: 'geojson' as const, data: { type: 'FeatureCollection' as const, features } };
}

function coarse(layer: LayerSpecification): LayerSpecification {
  return ['city', 'inner', 'outer', 'districtNames'].includes(layer.id) ? { ...layer, maxzoom: COARSE_TO } : layer;
}

function cellLayer(): LayerSpecification {
  const value: ExpressionSpecification = ['coalesce', ['feature-state', 'v'], 0];
  const stops = HEAT.flatMap((colour, i) => [STOPS[i] ?? 1, colour]);
  return {
    id: 'cells', type: 'fill', source: 'cells',
    paint: {
      'fill-color': ['interpolate', ['linear'], value, ...stops] as ExpressionSpecification,
      'fill-opacity': ['case', ['<=', value, 0], 0, 0.9], 'fill-antialias': false,
    },
  };
}

function ownLayers(theme: Theme, lang: Lang, ground: Palette): LayerSpecification[] {
  const accent = theme === 'dark' ? '#4fb3d9' : '#0f5c7a';
  const halo = { 'text-halo-color': ground.halo, 'text-halo-width': 2 };
  return [
    {
      id: 'places', type: 'symbol', source: 'places', minzoom: COARSE_TO,
      layout: { 'text-field': ['get', lang], 'text-font': FONT, 'text-size': 17, 'text-letter-spacing': 0.04 },
      paint: { 'text-color': ground.text, 'text-opacity': 0.85, ...halo },
    },
    {
      id: 'stations', type: 'symbol', source: 'stations', minzoom: STATIONS_FROM,
      layout: { 'text-field': ['get', 'text'], 'text-font': FONT, 'text-size': 14, 'text-padding': 1, 'text-offset': [0, -1] },
      paint: { 'text-color': ['case', ['get', 'free'], theme === 'dark' ? '#4ade9c' : '#0a6b4a', ground.text], ...halo },
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
