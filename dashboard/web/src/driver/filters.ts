// The driver's filters: in the address, and as parameters of a query.
import type { Params } from '../lib/api.ts';
import type { LonLat } from '../lib/types.ts';
import type { Say } from './texts.ts';

export interface Filters {
  free: boolean;
  kind: '' | 'ac' | 'dc';
  minKw: number; // 0: any
  maxYuan: number; // per kWh, service fee included; 0: any
  parking: boolean; // free parking
  open: boolean;
  operator: string;
  q: string;
  saved: boolean; // favourites and stations seen, wherever they are; goes with no other filter
  sort: Sort;
}

/** Nearest first, soonest plugged in first, or cheapest whole stop first. */
export type Sort = 'near' | 'plug' | 'cost';

export const NO_FILTERS: Filters = {
  free: false, kind: '', minKw: 0, maxYuan: 0, parking: false, open: false, operator: '', q: '',
  saved: false, sort: 'near',
};

const SORTS: Record<string, Sort> = { plug: 'plug', cost: 'cost', price: 'cost' }; // price: as it was called before

export function filtersOf(query: URLSearchParams): Filters {
  const number = (name: string): number => {
    const n = Number(query.get(name));
    return n > 0 && Number.isFinite(n) ? n : 0;
  };
  const kind = query.get('kind');
  return {
    free: query.get('free') === '1',
    kind: kind === 'ac' || kind === 'dc' ? kind : '',
    minKw: number('minKw'),
    maxYuan: number('maxYuan'),
    parking: query.get('parking') === 'free',
    open: query.get('open') === '1',
    operator: query.get('operator') ?? '',
    q: query.get('q') ?? '',
    saved: query.get('saved') === '1',
    sort: SORTS[query.get('sort') ?? ''] ?? 'near',
  };
}

/** What the filters say in an address: nothing for what is not set. */
export function filterParams(f: Filters): Record<string, string> {
  const all: Record<string, string> = {
    free: f.free ? '1' : '',
    kind: f.kind,
    minKw: f.minKw ? String(f.minKw) : '',
    maxYuan: f.maxYuan ? String(f.maxYuan) : '',
    parking: f.parking ? 'free' : '',
    open: f.open ? '1' : '',
    operator: f.operator,
    q: f.q.trim(),
    saved: f.saved ? '1' : '',
    sort: f.sort === 'near' ? '' : f.sort,
  };
  return Object.fromEntries(Object.entries(all).filter(([, v]) => v !== ''));
}

/** The address with the filters in it and everything else kept. */
export function withFilters(href: string, f: Filters): string {
  const url = new URL(href);
  for (const name of Object.keys(NO_FILTERS)) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(filterParams(f))) url.searchParams.set(name, value);
  return url.pathname + url.search;
}

/** Whether anything is left out; the order leaves nothing out. */
export function narrows(f: Filters): boolean {
  return Object.keys(filterParams({ ...f, sort: 'near' })).length > 0;
}

/** The filters in force, each with its name and the choice without it. */
export function activeFilters(f: Filters, t: Say): { name: string; rest: Filters }[] {
  const names: [on: boolean, name: string, off: Partial<Filters>][] = [
    [f.free, t('onlyFree'), { free: false }],
    [f.kind !== '', t(f.kind === 'ac' ? 'ac' : 'fast'), { kind: '' }],
    [f.minKw > 0, t('kw', { n: f.minKw }), { minKw: 0 }],
    [f.maxYuan > 0, t('yuan', { n: f.maxYuan.toFixed(2) }), { maxYuan: 0 }],
    [f.parking, t('freeParking'), { parking: false }],
    [f.open, t('openNow'), { open: false }],
    [f.operator !== '', t('operator'), { operator: '' }],
    [f.q !== '', f.q, { q: '' }],
  ];
  return names.filter(([on]) => on).map(([, name, off]) => ({ name, rest: { ...f, ...off } }));
}

/** Whether counts must be of some piles only: those that fit one and the same filter. */
export function countsSome(f: Filters): boolean {
  return f.kind !== '' || f.minKw > 0;
}

/** Parameters of the query for stations around a point. */
export function stationParams(f: Filters, near: LonLat, radiusM: number, limit: number): Params {
  const { sort: _, saved: __, ...rest } = filterParams(f);
  return { near, radiusM, limit, ...rest };
}
