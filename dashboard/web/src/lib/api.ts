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

export interface Asking {
  token?: string | null; // instead of the tab's
  method?: 'GET' | 'POST';
  body?: unknown; // sent as JSON
  accept?: string; // the form wanted, such as text/csv; JSON by default
  signal?: AbortSignal | undefined;
}

/** The answer to a request for `path` under /api/v1, with the tab's token if there is one; throws ApiError. */
export async function request(path: string, params: Params = {}, asking: Asking = {}): Promise<Response> {
  const { method = 'GET', body, accept, signal } = asking;
  const shown = asking.token ?? token();
  const headers: Record<string, string> = {};
  if (shown) headers.Authorization = `Bearer ${shown}`;
  if (accept) headers.Accept = accept;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(BASE + path + queryString(params), {
      method, headers, body: body === undefined ? null : JSON.stringify(body), signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError('network', 0, String(cause));
  }
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string; title?: string };
  throw new ApiError(problem.code ?? 'internal', response.status, problem.detail ?? problem.title ?? '');
}

/** GETs `path` under /api/v1, with the tab's token if there is one; throws ApiError. */
export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, params, { signal })).json()) as T;
}

/** POSTs `body` as JSON to `path` under /api/v1; throws ApiError. */
export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return (await (await request(path, {}, { method: 'POST', body, signal })).json()) as T;
}

/** The address of the live feeds beside the page. */
export function liveURL(page: Pick<Location, 'protocol' | 'host'> = location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}${BASE}/live`;
}
