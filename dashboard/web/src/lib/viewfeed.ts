// The objects of a view that may need several subscriptions, as one map.
import type { Channel, Change } from './channel.ts';
import type { Feed, Live } from './live.ts';

const GATHER_MS = 60; // frames of one revision arrive together and are shown together

/** Ids that changed or went; null when anything may have. */
export type Touched = Set<string> | null;

interface Part {
  end(): void;
  channels: Map<string, Channel>;
}

export class ViewFeed<T> {
  readonly items = new Map<string, T>();
  #live: Pick<Live, 'sub'>;
  #changed: (touched: Touched) => void;
  #parts = new Map<string, Part>();
  #touched: Touched = new Set();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(live: Pick<Live, 'sub'>, changed: (touched: Touched) => void) {
    this.#live = live;
    this.#changed = changed;
  }

  /** Subscribes to exactly these feeds; those that run already go on undisturbed. */
  show(feeds: readonly Feed[]): void {
    const wanted = new Map(feeds.map((feed) => [JSON.stringify(feed), feed]));
    const ended = [...this.#parts].filter(([key]) => !wanted.has(key));
    for (const [key, feed] of wanted) if (!this.#parts.has(key)) this.#begin(key, feed);
    for (const [key, part] of ended) {
      part.end();
      this.#parts.delete(key);
    }
    if (ended.length) this.#rebuild();
  }

  stop(): void {
    for (const part of this.#parts.values()) part.end();
    this.#parts.clear();
    this.items.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #begin(key: string, feed: Feed): void {
    const channels = new Map<string, Channel>();
    const end = this.#live.sub(feed, (channel, change, name) => {
      channels.set(name, channel);
      this.#apply(channel, change);
    });
    this.#parts.set(key, { end, channels });
  }

  #apply(channel: Channel, change: Change): void {
    if (change.whole) {
      this.#rebuild();
      return;
    }
    for (const id of change.changed) this.items.set(id, channel.items.get(id) as T);
    for (const id of change.removed) this.items.delete(id);
    for (const id of [...change.changed, ...change.removed]) this.#touched?.add(id);
    this.#soon();
  }

  #rebuild(): void {
    this.items.clear();
    for (const part of this.#parts.values()) {
      for (const channel of part.channels.values()) {
        for (const [id, item] of channel.items) this.items.set(id, item as T);
      }
    }
    this.#touched = null;
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      const touched = this.#touched;
      this.#timer = undefined;
      this.#touched = new Set();
      this.#changed(touched);
    }, GATHER_MS);
  }
}
