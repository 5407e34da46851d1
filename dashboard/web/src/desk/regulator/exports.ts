// Files to take away: what the platform converts, and what a page shows.
import { ApiError, request, type Params } from '../../lib/api.ts';

export type Format = 'csv' | 'geojson' | 'xlsx';

/** A name that says what, whose and of when: `dianchi_alarms_teld_20261124T0310.csv`. */
export function fileName(parts: readonly (string | undefined)[], at: number, zone: string, format: Format): string {
  const clean = parts.filter((p): p is string => !!p).map((p) => p.replace(/[^\p{L}\p{N}.-]+/gu, '-'));
  return `dianchi_${[...clean, stamp(at, zone)].join('_')}.${format}`;
}

function stamp(at: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const of = (type: string): string => parts.find((p) => p.type === type)?.value ?? '';
  return `${of('year')}${of('month')}${of('day')}T${of('hour')}${of('minute')}`;
}

const TYPES: Record<Format, string> = {
  csv: 'text/csv', geojson: 'application/geo+json',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

/** Fetches an answer of the platform in another form; throws ApiError, also when it came in no such form. */
export async function fetchAs(path: string, params: Params, format: Format): Promise<Blob> {
  const response = await request(path, { ...params, format });
  if (!(response.headers.get('Content-Type') ?? '').startsWith(TYPES[format])) {
    throw new ApiError('not-acceptable', response.status, '');
  }
  return response.blob();
}

export type Cell = string | number | null | undefined;

/** A table as CSV (RFC 4180) that spreadsheets read: UTF-8 with a mark, no cell that is a formula. */
export function csv(header: readonly string[], rows: readonly (readonly Cell[])[]): Blob {
  const line = (cells: readonly Cell[]): string => cells.map(cellText).join(',');
  return new Blob(['\ufeff', [header, ...rows].map(line).join('\r\n'), '\r\n'], { type: 'text/csv;charset=utf-8' });
}

export function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
