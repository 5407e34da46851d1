// The heat of what the map shows: values from the live feed, outlines of the
// cells from the platform, so that no library of hexagons is needed here.
import { get } from '../lib/api.ts';
import { clip, splitBox, tileBox } from '../lib/geo.ts';
import { steadyTop, top } from '../lib/heat.ts';
import type { Live } from '../lib/live.ts';
import type { Box, Layer, LonLat } from '../lib/types.ts';
import { ViewFeed, type Touched } from '../lib/viewfeed.ts';

export interface HeatSink {
  /** New outlines: all of `rings` may be drawn from now on. */
  outlines(rings: ReadonlyMap<string, LonLat[]>): void;
  /** New values; `most` is what the brightest colour stands for. */
  values(values: ReadonlyMap<string, number>, most: number, touched: Touched): void;
}

/** H3 resolution for a map zoom, as on a wall 1920 wide. */
export function resolutionFor(zoom: number): number {
  if (zoom < 8) return 6;
  if (zoom < 9.4) return 7;
  return zoom < 12.6 ? 8 : 9;
}

/** Mean area of a cell in km², for the legend. */
export const CELL_KM2: Record<number, number> = { 6: 36.1, 7: 5.16, 8: 0.74, 9: 0.11 };

export class HeatFeed {
  #feed: ViewFeed<number>;
  #sink: HeatSink;
  #rings = new Map<string, LonLat[]>();
  #asked = new Set<string>();
  #res = 0;
  #layer: Layer | undefined;
  #most = 0;
  #then: ReadonlyMap<string, number> | null = null; // values of another time

  constructor(live: Live, sink: HeatSink) {
    this.#sink = sink;
    this.#feed = new ViewFeed<number>(live, (touched) => this.#show(touched));
  }

  /** Shows a layer in what of `view` lies in the city; of the past only its outlines, whose values come by then(). */
  show(view: Box, limits: Box, res: number, layer: Layer, past = false): void {
    const inside = clip(view, limits);
    if (!inside) return;
    if (res !== this.#res) {
      this.#rings = new Map();
      this.#asked.clear();
    }
    if (res !== this.#res || layer !== this.#layer) this.#most = 0;
    this.#res = res;
    this.#layer = layer;
    const boxes = splitBox(tileBox(inside)).map(rounded);
    for (const bbox of boxes) void this.#outlines(bbox, res);
    this.#feed.show(past ? [] : boxes.map((bbox) => ({ feed: 'heatmap', layer, res, bbox })));
  }

  /** Shows the values of another time in place of the live ones; null ends it. */
  then(values: ReadonlyMap<string, number> | null): void {
    if (values === this.#then) return;
    if (!values || !this.#then) this.#most = 0;
    this.#then = values;
    this.#show(null);
  }

  stop(): void {
    this.#feed.stop();
  }

  async #outlines(bbox: Box, res: number): Promise<void> {
    const key = bbox.join();
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    try {
      const answer = await get<{ cells: Record<string, LonLat[]> }>('/cells', { res, bbox });
      if (res !== this.#res) return;
      for (const [id, ring] of Object.entries(answer.cells)) this.#rings.set(id, ring);
      this.#sink.outlines(this.#rings);
      this.#show(null);
    } catch {
      this.#asked.delete(key);
      setTimeout(() => res === this.#res && void this.#outlines(bbox, res), 5000);
    }
  }

  /** Of another time everything comes: what is in view counts, as it does live. */
  #outlined(values: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    return new Map([...values].filter(([id]) => this.#rings.has(id)));
  }

  #show(touched: Touched): void {
    const items = this.#then ? this.#outlined(this.#then) : this.#feed.items;
    const most = steadyTop(this.#most, top(items.values()));
    const again = most !== this.#most;
    this.#most = most;
    this.#sink.values(items, most, again || this.#then ? null : touched);
  }
}

function rounded(box: Box): Box {
  return box.map((v) => Math.round(v * 1e6) / 1e6) as Box;
}
