// What the wall's address says: language, layer, view, moment, what is selected, tour.
import { LAYERS, type Layer, type LonLat } from '../lib/types.ts';
import { momentOf } from './moments.ts';

/** What is looked at: nothing is the whole city; a pile names its station too. */
export interface Selection {
  district: string;
  station: string;
  pile: string;
}

export const NOTHING: Selection = { district: '', station: '', pile: '' };

export interface View {
  zoom: number; // as on a wall 1920 wide
  centre: LonLat;
}

export interface Settings {
  layer: Layer;
  rotateS: number; // seconds a view stays; 0: no tour
  bare: boolean; // a wall without anything to click
  table: boolean; // the map as a table
  selection: Selection;
  view: View | null; // null: the whole city
  at: number | null; // the moment looked at; null: now
  unread: string; // what the address says instead of a moment that can be shown; '' for nothing
}

const UNREAD_MOST = 20; // characters that are shown of what is no moment

export function settingsOf(query: URLSearchParams, now = Date.now()): Settings {
  const asked = query.get('layer') as Layer;
  const rotate = Number(query.get('rotate'));
  const said = query.get('at');
  const at = momentOf(said, now);
  return {
    layer: LAYERS.includes(asked) ? asked : 'vehicles',
    rotateS: rotate > 0 ? Math.min(3600, Math.max(10, rotate)) : 0,
    bare: query.get('wall') === '1',
    table: query.get('table') === '1',
    selection: {
      district: query.get('district') ?? '',
      station: query.get('station') ?? '',
      pile: query.get('station') ? (query.get('pile') ?? '') : '',
    },
    view: viewOf(query.get('view') ?? said), // it was `at` before the wall could look back
    at,
    unread: at === null && said && !viewOf(said) ? said.slice(0, UNREAD_MOST) : '',
  };
}

/** A view of the form "lon,lat,zoom". */
function viewOf(text: string | null): View | null {
  const [lon = NaN, lat = NaN, zoom = NaN] = (text ?? '').split(',').map(Number);
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 85 && zoom >= 5 && zoom <= 18 ? { centre: [lon, lat], zoom } : null;
}

export function viewText({ centre, zoom }: View): string {
  return [centre[0].toFixed(4), centre[1].toFixed(4), zoom.toFixed(2)].join(',');
}

/** The address with values put into its query; an empty one is taken out. */
export function withParams(href: string, values: Record<string, string>): string {
  const url = new URL(href);
  for (const [name, value] of Object.entries(values)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  return url.pathname + url.search.replaceAll('%2C', ',').replaceAll('%3A', ':');
}

export function withParam(href: string, name: string, value: string): string {
  return withParams(href, { [name]: value });
}

/** One view of the tour. */
export interface Stop {
  layer: Layer;
  district: string; // '' is the whole city
}

/** The tour: each layer over the whole city, and between them the districts with most piles in use. */
export function tourOf(districts: readonly { id: string; piles: { inUse: number } }[]): Stop[] {
  const busy = districts
    .filter((d) => d.id !== 'unknown' && d.piles.inUse > 0)
    .toSorted((a, b) => b.piles.inUse - a.piles.inUse)
    .map((d) => d.id);
  return LAYERS.flatMap((layer, i) => {
    const whole = { layer, district: '' };
    const district = i % 2 === 1 ? busy[(i - 1) / 2] : undefined;
    return district ? [whole, { layer, district }] : [whole];
  });
}
