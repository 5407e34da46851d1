// What the wall's address says: language, layer, turning of layers.
import { LAYERS, type Layer } from '../lib/types.ts';

export interface Settings {
  layer: Layer;
  rotateS: number; // seconds a layer stays; 0: it does not turn
}

export function settingsOf(query: URLSearchParams): Settings {
  const asked = query.get('layer') as Layer;
  const rotate = Number(query.get('rotate'));
  return {
    layer: LAYERS.includes(asked) ? asked : 'vehicles',
    rotateS: rotate > 0 ? Math.min(3600, Math.max(10, rotate)) : 0,
  };
}

/** The address with a layer put into its query. */
export function withParam(href: string, name: string, value: string): string {
  const url = new URL(href);
  url.searchParams.set(name, value);
  return url.pathname + url.search;
}

export function nextLayer(layer: Layer): Layer {
  return LAYERS[(LAYERS.indexOf(layer) + 1) % LAYERS.length] as Layer;
}
