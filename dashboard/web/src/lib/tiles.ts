// The deployer's own base map under our data: tiles, a style, or a PMTiles
// file. Whatever fails, the drawing that needs no tiles stays beneath.
import type { LayerSpecification, Map as GLMap, SourceSpecification, StyleSpecification } from 'maplibre-gl';
import { FONT, type Palette } from './mapstyle.ts';
import type { Lang } from './i18n.ts';

const PREFIX = 'base-';
const PATIENCE_MS = 10_000; // then a base map without a single tile counts as away: MapLibre is silent on 404

/** Layers of the drawing that a base map of its own takes the place of. */
const DRAWN = ['city', 'urban', 'river', 'lake', 'shore', 'inner', 'outer', 'lakeNames', 'districtNames'];

export interface TilesOptions {
  style: string; // address of a style, of tiles with {z}/{x}/{y}, or of a PMTiles file
  before: string; // our lowest layer of data
  palette: Palette;
  dark: boolean;
  lang: Lang;
  keep: readonly string[]; // of the drawing, such as official borders
  /** Called once tiles are seen, and once when they cannot be had. */
  told(state: 'shown' | 'away'): void;
}

interface Parts {
  sources: Record<string, SourceSpecification>;
  layers: LayerSpecification[];
}

/** Puts the base map under the layer `before`; never rejects. */
export async function addTiles(map: GLMap, options: TilesOptions): Promise<void> {
  let [shown, away] = [false, false];
  const failed = (why: unknown): void => {
    if (away) return;
    away = true;
    console.info('base map away:', String(why)); // once; a wall runs for months
    if (!shown) options.told('away');
  };
  map.on('error', (event) => {
    const source = (event as { sourceId?: string }).sourceId ?? '';
    if (source === '' || source.startsWith(PREFIX)) failed(event.error.message);
  });
  map.on('sourcedata', (event) => {
    if (shown || !event.tile || !event.sourceId?.startsWith(PREFIX) || !map.isSourceLoaded(event.sourceId)) return;
    const { state } = event.tile as { state?: string };
    if (state !== undefined && state !== 'loaded') return;
    shown = true;
    for (const id of DRAWN) {
      if (!options.keep.includes(id) && map.getLayer(id)) map.setLayoutProperty(id, 'visibility', 'none');
    }
    options.told('shown');
  });
  try {
    const { sources, layers } = await partsOf(map, options);
    for (const [id, source] of Object.entries(sources)) map.addSource(PREFIX + id, source);
    for (const layer of layers) {
      const source = 'source' in layer ? { source: PREFIX + String(layer.source) } : {};
      map.addLayer({ ...layer, ...source, id: PREFIX + layer.id } as LayerSpecification, options.before);
    }
    setTimeout(() => shown || failed('no tile came'), PATIENCE_MS);
  } catch (error) {
    failed(error);
  }
}

async function partsOf(map: GLMap, options: TilesOptions): Promise<Parts> {
  const address = new URL(options.style, location.href).href.replaceAll('%7B', '{').replaceAll('%7D', '}');
  if (/\.pmtiles(\?|$)/.test(address)) return pmtiles(address, options);
  if (address.includes('{z}')) {
    return raster({ type: 'raster', tiles: [address], tileSize: 256 }, options.dark);
  }
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const style = (await response.json()) as StyleSpecification;
  if (style.glyphs) map.setGlyphs(style.glyphs);
  if (typeof style.sprite === 'string') map.setSprite(style.sprite);
  return { sources: style.sources, layers: style.layers };
}

/** Pictures, calmed under our colours on a dark screen. */
function raster(source: SourceSpecification, dark: boolean): Parts {
  const paint = dark ? { 'raster-saturation': -0.6, 'raster-brightness-max': 0.55 } : {};
  return { sources: { tiles: source }, layers: [{ id: 'tiles', type: 'raster', source: 'tiles', paint }] };
}

let protocol: Promise<unknown> | undefined;

async function pmtiles(address: string, options: TilesOptions): Promise<Parts> {
  const [{ PMTiles, Protocol, TileType }, { addProtocol }] = await Promise.all([import('pmtiles'), import('maplibre-gl')]);
  const file = new PMTiles(address);
  const header = await file.getHeader();
  protocol ??= (async () => addProtocol('pmtiles', new Protocol().tile))();
  await protocol;
  const url = `pmtiles://${address}`;
  if (header.tileType !== TileType.Mvt) return raster({ type: 'raster', url, tileSize: 256 }, options.dark);
  const metadata = (await file.getMetadata()) as { vector_layers?: { id: string }[] };
  const there = new Set((metadata.vector_layers ?? []).map((l) => l.id));
  return { sources: { tiles: { type: 'vector', url } }, layers: vectorLayers(there, options) };
}

/** Our own look for the two usual schemas, Protomaps' and OpenMapTiles', as far as the file has their layers. */
export function vectorLayers(there: ReadonlySet<string>, { palette: p, dark, lang }: Pick<TilesOptions, 'palette' | 'dark' | 'lang'>): LayerSpecification[] {
  const fill = (id: string, colour: string): LayerSpecification =>
    ({ id, type: 'fill', source: 'tiles', 'source-layer': id, paint: { 'fill-color': colour } });
  const line = (id: string, colour: string, width: number): LayerSpecification => ({
    id, type: 'line', source: 'tiles', 'source-layer': id,
    paint: { 'line-color': colour, 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.4 * width, 14, 2 * width] },
  });
  const name = ['coalesce', ['get', lang === 'zh' ? 'name:zh' : 'name:en'], ['get', 'name']];
  const names = (id: string): LayerSpecification => ({
    id, type: 'symbol', source: 'tiles', 'source-layer': id,
    layout: { 'text-field': name as never, 'text-font': FONT, 'text-size': 15 },
    paint: { 'text-color': p.text, 'text-halo-color': p.halo, 'text-halo-width': 1.5 },
  });
  const road = dark ? '#2b4152' : '#ffffff';
  return [
    fill('earth', p.city), fill('landcover', p.city), fill('landuse', p.urban), fill('water', p.lake),
    line('waterway', p.river, 1), fill('buildings', p.urban), fill('building', p.urban),
    line('roads', road, 1), line('transportation', road, 1), line('boundaries', p.inner, 0.8), line('boundary', p.inner, 0.8),
    names('places'), names('place'),
  ].filter((l) => 'source-layer' in l && there.has(l['source-layer'] ?? ''));
}
