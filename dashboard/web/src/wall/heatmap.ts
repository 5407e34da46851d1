// The wall's map in MapLibre: hexagons whose values are feature states, and
// single stations where the map is near enough.
import type { ExpressionSpecification, LayerSpecification, Map as GLMap } from 'maplibre-gl';
import { loadBase } from '../lib/basemap.ts';
import { HEAT, intensity, STOPS } from '../lib/heat.ts';
import type { City } from '../lib/config.ts';
import type { Lang } from '../lib/i18n.ts';
import { datumOf, type Datum } from '../lib/gcj.ts';
import { cellOutline } from '../lib/geo.ts';
import { baseSources, DARK, loadMapLibre, lowerLayers, upperLayers } from '../lib/mapstyle.ts';
import { keepPace } from '../lib/pace.ts';
import type { Shape } from '../lib/states.ts';
import type { Box, LonLat } from '../lib/types.ts';
import { addTiles } from '../lib/tiles.ts';
import type { Touched } from '../lib/viewfeed.ts';
import type { View } from './settings.ts';

const EMPTY = { type: 'FeatureCollection' as const, features: [] };
const DOT: Record<Shape, string> = {
  free: '#5fe0c0', few: '#f5b544', full: '#7db4f0', old: '#8496a3', fault: '#ff5a45',
};

export interface Options {
  lang: Lang;
  city: City;
  view: View | null; // to begin with; null: the whole city
  /** The map shows another view; zoom is as on a wall 1920 wide. */
  viewed(box: Box, view: View, byHand: boolean): void;
  /** A station was clicked. */
  picked(id: string): void;
  /** Whether the deployer's base map is seen. */
  tiles(state: 'shown' | 'away'): void;
}

export interface Dot {
  id: string;
  at: LonLat;
  shape: Shape;
}

/** Below this zoom only faults are dots, from it on every station. */
export const STATIONS_FROM = 11.2;
const PLACE_ZOOM = 13.4; // of a single station

/** Times that everything is larger than on a wall 1920 wide. */
const scale = (): number => Math.max(1, Math.min(innerWidth / 1920, innerHeight / 1080));

/** Room for what stands on the map: layers and inset above, the legend below. */
function margins(): { top: number; bottom: number; left: number; right: number } {
  const k = scale();
  if (innerWidth < 900) return { top: 16, bottom: 16, left: 16, right: 16 }; // on a phone they stand beside it
  return { top: 64 * k, bottom: 64 * k, left: 20 * k, right: 150 * k };
}

export class HeatMap {
  #map: GLMap;
  #numbers = new Map<string, number>(); // cell to the number of its feature
  #lit = new Set<string>(); // cells that have a value on the map
  #options: Options;
  #byHand = false;
  #datum: Datum;

  private constructor(map: GLMap, options: Options) {
    this.#map = map;
    this.#options = options;
    this.#datum = datumOf(options.city.tiles?.crs ?? null);
    this.#byHand = options.view !== null;
    map.on('movestart', (event) => {
      if ('originalEvent' in event && event.originalEvent) this.#byHand = true;
    });
    map.on('moveend', () => this.#viewed());
    map.on('resize', () => {
      if (!this.#byHand) this.home();
    });
    for (const layer of ['stations', 'faults']) {
      map.on('click', layer, (event) => {
        const id: unknown = event.features?.[0]?.properties.id;
        if (typeof id === 'string') options.picked(id);
      });
      map.on('mouseenter', layer, () => (map.getCanvas().style.cursor = 'pointer'));
      map.on('mouseleave', layer, () => (map.getCanvas().style.cursor = ''));
    }
  }

  /** Builds the map in `container`; rejects where it cannot be drawn. */
  static async create(container: HTMLElement, options: Options): Promise<HeatMap> {
    const [{ Map: GL }, base] = await Promise.all([loadMapLibre(), loadBase(options.city)]);
    const k = scale();
    const datum = datumOf(options.city.tiles?.crs ?? null);
    const begin = options.view
      ? { center: datum.to(options.view.centre), zoom: options.view.zoom + Math.log2(k) }
      : { bounds: options.city.builtUp, fitBoundsOptions: { padding: margins() } };
    const map = new GL({
      container,
      ...begin,
      minZoom: 7.8,
      maxZoom: 16,
      attributionControl: false,
      fadeDuration: 0,
      dragRotate: false,
      pitchWithRotate: false,
      pixelRatio: Math.min(2, devicePixelRatio),
      style: {
        version: 8,
        sources: {
          ...baseSources(base, datum),
          cells: { type: 'geojson', data: EMPTY },
          stations: { type: 'geojson', data: EMPTY },
          faults: { type: 'geojson', data: EMPTY },
          chosen: { type: 'geojson', data: EMPTY },
        },
        layers: [
          ...lowerLayers(DARK), cellLayer(), ...upperLayers(DARK, options.lang, k), ...stationLayers(k), chosenLayer(k),
        ],
      },
    });
    map.touchZoomRotate.disableRotation();
    map.getCanvas().removeAttribute('aria-label');
    await new Promise<void>((resolve) => map.once('load', () => resolve()));
    keepPace(map);
    const heat = new HeatMap(map, options);
    heat.#viewed();
    const { tiles, borders } = options.city;
    if (tiles) {
      void addTiles(map, {
        style: tiles.style, before: 'cells', palette: DARK, dark: true, lang: options.lang,
        keep: borders ? ['inner', 'districtNames'] : [], told: options.tiles,
      });
    }
    return heat;
  }

  /** Shows a box, such as a district's, as large as it fits; at once if it is where the page begins. */
  fit(box: Box, atOnce = false): void {
    this.#byHand = true;
    const [a, b] = [this.#datum.to([box[0], box[1]]), this.#datum.to([box[2], box[3]])];
    this.#map.fitBounds([...a, ...b] as Box, { padding: margins(), ...(atOnce ? { animate: false } : this.#motion()) });
  }

  /** Shows a station and marks it; null takes the mark away. */
  mark(at: LonLat | null, move = true): void {
    const features = at ? [{ type: 'Feature' as const, properties: {}, geometry: this.#point(at) }] : [];
    this.#set('chosen', { type: 'FeatureCollection', features });
    if (!at || !move) return;
    this.#byHand = true;
    const zoom = Math.max(this.#map.getZoom(), PLACE_ZOOM + Math.log2(scale()));
    const offset: [number, number] = [-170 * scale(), 0]; // beside the card
    this.#map.easeTo({ center: this.#datum.to(at), zoom, offset, ...this.#motion() });
  }

  #motion(): { animate: boolean; duration?: number } {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    return still ? { animate: false } : { animate: true, duration: 900 };
  }

  #point(at: LonLat): GeoJSON.Point {
    return { type: 'Point', coordinates: this.#datum.to(at) };
  }

  /** Back to the whole city. */
  home(): void {
    this.#byHand = false;
    const [w, so, e, n] = this.#options.city.builtUp;
    const box = [...this.#datum.to([w, so]), ...this.#datum.to([e, n])] as Box;
    this.#map.fitBounds(box, { padding: margins(), animate: false });
  }

  outlines(rings: ReadonlyMap<string, LonLat[]>): void {
    this.#numbers.clear();
    this.#lit.clear();
    this.#map.removeFeatureState({ source: 'cells' });
    const features = [...rings].map(([id, ring], i) => {
      this.#numbers.set(id, i + 1);
      const outline = cellOutline(ring).map((at) => this.#datum.to(at));
      const geometry = { type: 'Polygon' as const, coordinates: [outline] };
      return { type: 'Feature' as const, id: i + 1, properties: {}, geometry };
    });
    this.#set('cells', { type: 'FeatureCollection', features });
  }

  values(values: ReadonlyMap<string, number>, most: number, touched: Touched): void {
    for (const id of touched ?? values.keys()) this.#light(id, values.get(id), most);
    for (const id of [...this.#lit]) if (!values.has(id)) this.#light(id, undefined, most);
  }

  /** All stations of the view, or where the faults of the city are. */
  dots(of: 'stations' | 'faults', dots: readonly Dot[]): void {
    const features = dots.map(({ id, at, shape }) => ({
      type: 'Feature' as const, properties: { id, shape }, geometry: this.#point(at),
    }));
    this.#set(of, { type: 'FeatureCollection', features });
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

  #set(source: string, data: GeoJSON.FeatureCollection): void {
    const found = this.#map.getSource(source);
    if (found && 'setData' in found) (found as { setData(d: GeoJSON.GeoJSON): void }).setData(data);
  }

  #viewed(): void {
    const b = this.#map.getBounds();
    const { lng, lat } = this.#map.getCenter();
    const [west, south] = this.#datum.from([b.getWest(), b.getSouth()]);
    const [east, north] = this.#datum.from([b.getEast(), b.getNorth()]);
    const zoom = this.#map.getZoom() - Math.log2(scale());
    this.#options.viewed([west, south, east, north], { zoom, centre: this.#datum.from([lng, lat]) }, this.#byHand);
  }
}

function cellLayer(): LayerSpecification {
  const value: ExpressionSpecification = ['coalesce', ['feature-state', 'v'], 0];
  const stops = HEAT.flatMap((colour, i) => [STOPS[i] ?? 1, colour]);
  const colours = ['interpolate', ['linear'], value, ...stops] as ExpressionSpecification;
  return {
    id: 'cells', type: 'fill', source: 'cells',
    paint: {
      'fill-color': colours,
      'fill-opacity': ['case', ['<=', value, 0], 0, 0.92],
      'fill-antialias': false,
    },
  };
}

/** Faults small and red at city zoom; every station by its shape's colour when near. */
function stationLayers(k: number): LayerSpecification[] {
  const colours = ['match', ['get', 'shape'], ...Object.entries(DOT).flat(), DOT.old] as unknown as ExpressionSpecification;
  const stroke = { 'circle-stroke-color': DARK.background, 'circle-stroke-width': k };
  const near = STATIONS_FROM + Math.log2(k);
  return [
    {
      id: 'faults', type: 'circle', source: 'faults', maxzoom: near,
      paint: { 'circle-radius': 3 * k, 'circle-color': DOT.fault, ...stroke },
    },
    {
      id: 'stations', type: 'circle', source: 'stations', minzoom: near,
      paint: {
        'circle-radius': ['interpolate', ['linear'], ['zoom'], 11, 3 * k, 15, 8 * k], 'circle-color': colours, ...stroke,
      },
    },
  ];
}

function chosenLayer(k: number): LayerSpecification {
  return {
    id: 'chosen', type: 'circle', source: 'chosen',
    paint: {
      'circle-radius': 14 * k, 'circle-color': 'transparent', 'circle-stroke-color': DARK.text, 'circle-stroke-width': 2 * k,
    },
  };
}
