// Requests to the platform's HTTP interface.

import { token } from './session.ts';

const BASE = '/api/v1';

/** What the platform refused; `code` is stable, 'network' when it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export type Params = Record<string, string | number | boolean | undefined | null | readonly number[]>;

/** Parameters as an address's query: booleans as 1, lists with commas, nothing for what is not set. */
export function queryString(params: Params): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null || value === false || value === '') continue;
    out.set(name, value === true ? '1' : Array.isArray(value) ? value.join(',') : String(value));
  }
  const text = out.toString();
  return text && `?${text}`;
}

/** GETs `path` under /api/v1, with the tab's token if there is one; throws ApiError. */
export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return ask<T>(path + queryString(params), { signal: signal ?? null });
}

/** POSTs `body` as JSON to `path` under /api/v1; throws ApiError. */
export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers = { 'Content-Type': 'application/json' };
  return ask<T>(path, { method: 'POST', headers, body: JSON.stringify(body), signal: signal ?? null });
}

async function ask<T>(address: string, init: RequestInit): Promise<T> {
  const shown = token();
  const headers = { ...init.headers, ...(shown ? { Authorization: `Bearer ${shown}` } : {}) };
  let response: Response;
  try {
    response = await fetch(BASE + address, { ...init, headers });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError('network', 0, String(cause));
  }
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; title?: string };
  throw new ApiError(problem.code ?? 'internal', response.status, problem.detail ?? problem.title ?? '');
}

/** The address of the live feeds beside the page. */
export function liveURL(page: Pick<Location, 'protocol' | 'host'> = location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}${BASE}/live`;
}
