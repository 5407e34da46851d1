// The driver's map in MapLibre: lakes, rings of distance, the stations' shapes.
import type { GeoJSONSource, LayerSpecification, Map as GLMap, MapMouseEvent } from 'maplibre-gl';
import { loadBase, point } from '../lib/basemap.ts';
import type { City } from '../lib/config.ts';
import { boxBy, datumOf, type Datum } from '../lib/gcj.ts';
import { circle } from '../lib/geo.ts';
import type { Lang } from '../lib/i18n.ts';
import { baseSources, DARK, FONT, LIGHT, loadMapLibre, lowerLayers, upperLayers } from '../lib/mapstyle.ts';
import { keepPace } from '../lib/pace.ts';
import type { Shape } from '../lib/states.ts';
import type { Box, LonLat } from '../lib/types.ts';
import { declutter, type Spot } from './declutter.ts';
import { PIN_COLOUR, PIN_RATIO, PIN_TEXT, pinImage } from './pins.ts';
import { APART, LABEL_CLEAR, labelAt, ME_CLEAR, ringLabel, RINGS_M, type Pin } from './rings.ts';

export interface PinMapOptions {
  city: City;
  centre: LonLat;
  zoom: number;
  title: string; // for readers of the screen
  theme: 'light' | 'dark';
  lang: Lang;
  viewed(box: Box): void;
  picked(id: string): void;
  /** Whether the deployer's base map is seen. */
  tiles(state: 'shown' | 'away'): void;
}

const FINGER = 14; // CSS pixels around a tap
const SHAPES: readonly Shape[] = ['free', 'few', 'full', 'old', 'fault'];

function collection(features: GeoJSON.Feature[]): GeoJSON.FeatureCollection {
  return { type: 'FeatureCollection', features };
}

export class PinMap {
  #map: GLMap;
  #pins: readonly Pin[] = [];
  #selected: string | null = null;
  #origin: LonLat;
  #whole: ReadonlySet<string> = new Set();
  #datum: Datum;

  private constructor(map: GLMap, options: PinMapOptions) {
    this.#map = map;
    this.#origin = options.centre;
    const datum = datumOf(options.city.tiles?.crs ?? null);
    this.#datum = datum;
    const viewed = (): void => {
      const b = map.getBounds();
      options.viewed(boxBy(datum.from, [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()]));
      this.#draw();
    };
    map.on('moveend', viewed);
    map.on('resize', viewed);
    map.on('click', (event: MapMouseEvent) => {
      const { x, y } = event.point;
      const box: [[number, number], [number, number]] = [[x - FINGER, y - FINGER], [x + FINGER, y + FINGER]];
      const [hit] = map.queryRenderedFeatures(box, { layers: ['pins', 'dots', 'chosenPin'] });
      if (hit) options.picked(String(hit.properties.id));
    });
    viewed();
  }

  /** Builds the map in `container`; rejects where it cannot be drawn. */
  static async create(container: HTMLElement, options: PinMapOptions): Promise<PinMap> {
    const [{ Map: GL }, base] = await Promise.all([loadMapLibre(), loadBase(options.city)]);
    const palette = options.theme === 'dark' ? DARK : LIGHT;
    const { tiles, borders } = options.city;
    const datum = datumOf(tiles?.crs ?? null);
    const empty = { type: 'geojson' as const, data: collection([]) };
    const map = new GL({
      container,
      center: datum.to(options.centre),
      zoom: options.zoom,
      minZoom: 8,
      maxZoom: 17,
      attributionControl: false,
      locale: { 'Map.Title': options.title },
      fadeDuration: 0,
      dragRotate: false,
      pitchWithRotate: false,
      style: {
        version: 8,
        sources: { ...baseSources(base, datum), rings: empty, ringNames: empty, me: empty, pins: empty, dots: empty, chosen: empty },
        layers: [
          ...lowerLayers(palette),
          ...upperLayers(palette, options.lang, 0.9).map(coarse),
          ...ownLayers(options.theme),
        ],
      },
    });
    map.touchZoomRotate.disableRotation();
    keepPace(map);
    await new Promise<void>((resolve) => map.once('load', () => resolve()));
    for (const shape of SHAPES) map.addImage(shape, pinImage(shape, options.theme), { pixelRatio: PIN_RATIO });
    const pins = new PinMap(map, options);
    pins.origin(options.centre);
    if (tiles) {
      void import('../lib/tiles.ts').then(({ addTiles }) => addTiles(map, {
        style: tiles.style, before: 'inner', palette, dark: options.theme === 'dark', lang: options.lang,
        keep: borders ? ['inner', 'districtNames'] : [], told: options.tiles,
      }));
    }
    return pins;
  }

  /** Draws the start and its rings; the view moves only by `goTo`. */
  origin(at: LonLat): void {
    this.#origin = at;
    const { to } = this.#datum;
    this.#set('me', [point(to(at), {})]);
    this.#set('rings', RINGS_M.map((r) => ({
      type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: circle(at, r).map(to) },
    })));
    this.#set('ringNames', RINGS_M.map((r) => point(to(labelAt(at, r)), { text: ringLabel(r) })));
  }

  goTo(at: LonLat, zoom: number): void {
    this.#map.jumpTo({ center: this.#datum.to(at), zoom });
  }

  /** Pins in order of importance; what has no room stands as a dot. The view stays as it is. */
  pins(pins: readonly Pin[], selected: string | null): void {
    this.#pins = pins;
    this.#selected = selected;
    this.#draw();
  }

  #draw(): void {
    const map = this.#map;
    const { to } = this.#datum;
    const { clientWidth: width, clientHeight: height } = map.getContainer();
    const spot = (at: LonLat, r: number): Spot => ({ ...map.project(to(at)), r });
    const { whole, dots } = declutter(this.#pins, {
      width, height, apart: APART, keep: this.#whole,
      first: new Set(this.#selected === null ? [] : [this.#selected]),
      clear: [
        spot(this.#origin, ME_CLEAR),
        ...RINGS_M.map((r) => spot(labelAt(this.#origin, r), LABEL_CLEAR)),
      ],
      project: (pin) => {
        const { x, y } = map.project(to(pin.at));
        return [x, y];
      },
    });
    this.#whole = new Set(whole.map((p) => p.id));
    const features = (list: readonly Pin[]): GeoJSON.Feature[] =>
      list.map((p) => point(to(p.at), { id: p.id, shape: p.shape, n: p.shape === 'fault' ? '' : String(p.count) }));
    this.#set('pins', features(whole.filter((p) => p.id !== this.#selected)));
    this.#set('dots', features(dots));
    this.#set('chosen', features(whole.filter((p) => p.id === this.#selected)));
  }

  destroy(): void {
    this.#map.remove();
  }

  #set(source: string, features: GeoJSON.Feature[]): void {
    (this.#map.getSource(source) as GeoJSONSource | undefined)?.setData(collection(features));
  }
}

/** The schematic's borders are kilometres off: near the ground they go. */
function coarse(layer: LayerSpecification): LayerSpecification {
  return ['inner', 'outer', 'districtNames'].includes(layer.id) ? { ...layer, maxzoom: 11.5 } : layer;
}

function ownLayers(theme: 'light' | 'dark'): LayerSpecification[] {
  const dark = theme === 'dark';
  const accent = dark ? '#4fb3d9' : '#0f5c7a';
  const soft = dark ? '#a9bac8' : '#4c5d6a';
  const halo = dark ? '#101922' : '#eef1ec';
  const colours = PIN_COLOUR[theme];
  const dots = SHAPES.flatMap((shape) => [shape, shape === 'old' || shape === 'fault' ? soft : colours[shape]]);
  const pin = {
    type: 'symbol',
    layout: {
      'icon-image': ['get', 'shape'], 'text-field': ['get', 'n'], 'text-size': 17, 'text-font': FONT,
      'icon-allow-overlap': true, 'text-allow-overlap': true, // they are kept apart already
    },
    paint: { 'text-color': ['case', ['==', ['get', 'shape'], 'old'], PIN_TEXT[theme].old, PIN_TEXT[theme].on] },
  };
  return [
    {
      id: 'rings', type: 'line', source: 'rings',
      paint: { 'line-color': dark ? '#3d5566' : '#b4c2bd', 'line-width': 1.4, 'line-dasharray': [3, 3] },
    },
    {
      id: 'dots', type: 'circle', source: 'dots',
      paint: {
        'circle-radius': 2.5, 'circle-color': ['match', ['get', 'shape'], ...dots, soft], 'circle-opacity': 0.55,
      },
    },
    {
      id: 'ringNames', type: 'symbol', source: 'ringNames',
      layout: { 'text-field': ['get', 'text'], 'text-size': 14, 'text-font': FONT, 'text-allow-overlap': true },
      paint: { 'text-color': soft, 'text-halo-color': halo, 'text-halo-width': 3 },
    },
    {
      id: 'halo', type: 'circle', source: 'me',
      paint: { 'circle-radius': 16, 'circle-color': accent, 'circle-opacity': 0.18 },
    },
    {
      id: 'me', type: 'circle', source: 'me',
      paint: {
        'circle-radius': 7, 'circle-color': accent, 'circle-stroke-color': '#ffffff', 'circle-stroke-width': 2.5,
      },
    },
    {
      id: 'chosen', type: 'circle', source: 'chosen',
      paint: {
        'circle-radius': 25, 'circle-color': accent, 'circle-opacity': 0.25,
        'circle-stroke-color': accent, 'circle-stroke-width': 3,
      },
    },
    { id: 'pins', source: 'pins', ...pin },
    { id: 'chosenPin', source: 'chosen', ...pin },
  ] as LayerSpecification[];
}
