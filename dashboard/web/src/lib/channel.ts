// What a browser knows of one live channel, and how frames change it.

export interface Frame {
  ch: string;
  rev: string;
  at: string | number;
  full?: boolean;
  data: Record<string, unknown>;
}

type Item = Record<string, unknown>;

/** Members of a whole frame that hold a list of objects, with what names an object. */
const LISTS: readonly (readonly [member: string, key: string])[] = [
  ['stations', 'id'],
  ['vehicles', 'vin'],
  ['alarms', 'id'],
  ['messages', 'id'],
];

export interface Channel {
  rev: string;
  at: number; // epoch milliseconds of the revision
  /** The whole data, for feeds that come whole each time. */
  data: Record<string, unknown>;
  /** Objects by id, for feeds that come as a whole and then as changes. */
  items: Map<string, unknown>;
}

/** What a frame did: ids that changed and ids that went; all of them if `whole`. */
export interface Change {
  whole: boolean;
  changed: string[];
  removed: string[];
}

export function millis(at: string | number | null | undefined): number {
  if (at === null || at === undefined) return NaN;
  return typeof at === 'number' ? at : Date.parse(at);
}

/** Applies a frame to what was known; null if the frame builds on what is not known. */
export function applyFrame(known: Channel | undefined, frame: Frame): [Channel, Change] | null {
  const { data } = frame;
  const stamp = { rev: frame.rev, at: millis(frame.at) };
  if (frame.full || !isDelta(data)) return whole(stamp, data);
  if (!known) return null;
  const changed: string[] = [];
  for (const entry of list(data.changed)) {
    const id = apply(known.items, entry);
    if (id !== undefined) changed.push(id);
  }
  const removed = list(data.removed).map(String);
  for (const id of removed) known.items.delete(id);
  const beside = Object.entries(data).filter(([name]) => name !== 'changed' && name !== 'removed');
  Object.assign(known.data, Object.fromEntries(beside)); // such as the counts of alarms
  return [Object.assign(known, stamp), { whole: false, changed, removed }];
}

function isDelta(data: Record<string, unknown>): boolean {
  return 'changed' in data || 'removed' in data;
}

function whole(stamp: { rev: string; at: number }, data: Record<string, unknown>): [Channel, Change] {
  const items = new Map<string, unknown>();
  for (const [member, key] of LISTS) {
    for (const item of list(data[member]) as Item[]) items.set(String(item[key]), item);
  }
  for (const [id, value] of list(data.cells) as [string, number][]) items.set(id, value);
  return [{ ...stamp, data, items }, { whole: true, changed: [], removed: [] }];
}

/** A change is [id, value], or an object that replaces the members it names. */
function apply(items: Map<string, unknown>, entry: unknown): string | undefined {
  if (Array.isArray(entry)) {
    items.set(String(entry[0]), entry[1]);
    return String(entry[0]);
  }
  const item = entry as Item;
  const id = item.id ?? item.vin;
  if (id === undefined) return undefined;
  items.set(String(id), { ...(items.get(String(id)) as Item | undefined), ...item });
  return String(id);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
