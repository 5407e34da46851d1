import type { Layer } from '../lib/types.ts';
import type { TextKey } from './texts.ts';

/** What a layer is called. */
export const LAYER_WORD: Record<Layer, TextKey> = {
  vehicles: 'vehicles',
  demand: 'demand',
  charging: 'layer_charging',
  free: 'layer_free',
  inUse: 'inUse',
  powerKw: 'powerKw',
};
