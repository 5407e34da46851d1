// The wall's map in MapLibre: hexagons whose values are feature states, and
// single stations where the map is near enough.
import type { ExpressionSpecification, LayerSpecification, Map as GLMap } from 'maplibre-gl';
import { loadBase } from '../lib/basemap.ts';
import { HEAT, intensity, STOPS } from '../lib/heat.ts';
import type { City } from '../lib/config.ts';
import type { Lang } from '../lib/i18n.ts';
import { baseSources, DARK, loadMapLibre, lowerLayers, upperLayers } from '../lib/mapstyle.ts';
import type { Shape } from '../lib/states.ts';
import type { Box, LonLat } from '../lib/types.ts';
import type { Touched } from '../lib/viewfeed.ts';

const EMPTY = { type: 'FeatureCollection' as const, features: [] };
const DOT: Record<Shape, string> = {
  free: '#5fe0c0', few: '#f5b544', full: '#7db4f0', old: '#8496a3', fault: '#ff5a45',
};

export interface Options {
  lang: Lang;
  city: City;
  /** The map shows another view; zoom is as on a wall 1920 wide. */
  viewed(box: Box, zoom: number, byHand: boolean): void;
}

export interface Dot {
  at: LonLat;
  shape: Shape;
}

/** Times that everything is larger than on a wall 1920 wide. */
const scale = (): number => Math.max(1, Math.min(innerWidth / 1920, innerHeight / 1080));

/** Room for what stands on the map: layers and inset above, the legend below. */
function margins(): { top: number; bottom: number; left: number; right: number } {
  const k = scale();
  return { top: 64 * k, bottom: 64 * k, left: 20 * k, right: 150 * k };
}

export class HeatMap {
  #map: GLMap;
  #numbers = new Map<string, number>(); // cell to the number of its feature
  #lit = new Set<string>(); // cells that have a value on the map
  #options: Options;
  #byHand = false;

  private constructor(map: GLMap, options: Options) {
    this.#map = map;
    this.#options = options;
    map.on('movestart', (event) => {
      if ('originalEvent' in event && event.originalEvent) this.#byHand = true;
    });
    map.on('moveend', () => this.#viewed());
    map.on('resize', () => {
      if (!this.#byHand) this.home();
    });
  }

  /** Builds the map in `container`; rejects where it cannot be drawn. */
  static async create(container: HTMLElement, options: Options): Promise<HeatMap> {
    const [{ Map: GL }, base] = await Promise.all([loadMapLibre(), loadBase(options.city)]);
    const k = scale();
    const map = new GL({
      container,
      bounds: options.city.builtUp,
      fitBoundsOptions: { padding: margins() },
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
          ...baseSources(base),
          cells: { type: 'geojson', data: EMPTY },
          stations: { type: 'geojson', data: EMPTY },
        },
        layers: [...lowerLayers(DARK), ...cellLayers(k), ...upperLayers(DARK, options.lang, k), stationLayer(k)],
      },
    });
    map.touchZoomRotate.disableRotation();
    map.getCanvas().removeAttribute('aria-label');
    await new Promise<void>((resolve) => map.once('load', () => resolve()));
    const heat = new HeatMap(map, options);
    heat.#viewed();
    return heat;
  }

  /** Back to the whole city. */
  home(): void {
    this.#byHand = false;
    this.#map.fitBounds(this.#options.city.builtUp, { padding: margins(), animate: false });
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
    this.#set('cells', { type: 'FeatureCollection', features });
  }

  values(values: ReadonlyMap<string, number>, most: number, touched: Touched): void {
    for (const id of touched ?? values.keys()) this.#light(id, values.get(id), most);
    for (const id of [...this.#lit]) if (!values.has(id)) this.#light(id, undefined, most);
  }

  dots(dots: readonly Dot[]): void {
    const features = dots.map(({ at, shape }) => ({
      type: 'Feature' as const, properties: { shape }, geometry: { type: 'Point' as const, coordinates: at },
    }));
    this.#set('stations', { type: 'FeatureCollection', features });
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
    const zoom = this.#map.getZoom() - Math.log2(scale());
    this.#options.viewed([b.getWest(), b.getSouth(), b.getEast(), b.getNorth()], zoom, this.#byHand);
  }
}

function cellLayers(k: number): LayerSpecification[] {
  const value: ExpressionSpecification = ['coalesce', ['feature-state', 'v'], 0];
  const stops = HEAT.flatMap((colour, i) => [STOPS[i] ?? 1, colour]);
  const colours = ['interpolate', ['linear'], value, ...stops] as ExpressionSpecification;
  return [
    {
      id: 'cells', type: 'fill', source: 'cells',
      paint: {
        'fill-color': colours,
        'fill-opacity': ['case', ['<=', value, 0], 0, 0.92],
        'fill-antialias': false,
      },
    },
    {
      id: 'gaps', type: 'line', source: 'cells',
      paint: {
        'line-color': DARK.background,
        'line-opacity': ['case', ['<=', value, 0], 0, 1],
        'line-width': ['interpolate', ['linear'], ['zoom'], 9, 0.4 * k, 12, 1.4 * k],
      },
    },
  ];
}

function stationLayer(k: number): LayerSpecification {
  const colours = ['match', ['get', 'shape'], ...Object.entries(DOT).flat(), DOT.old] as unknown;
  return {
    id: 'stations', type: 'circle', source: 'stations',
    paint: {
      'circle-radius': ['interpolate', ['linear'], ['zoom'], 11, 2.4 * k, 15, 6 * k],
      'circle-color': colours as ExpressionSpecification,
      'circle-stroke-color': DARK.background,
      'circle-stroke-width': k,
    },
  };
}
