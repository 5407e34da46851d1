// Which requests the worker of the driver's page answers, and how.

/** page: the shell; file: from the device first; answer: from the platform first; none: not its business. */
export type Route = 'page' | 'file' | 'answer' | 'none';

const STATION = /^\/api\/v1\/stations\/[^/]+$/;

export function routeOf(method: string, url: URL, origin: string, shell: readonly string[]): Route {
  if (method !== 'GET' || url.origin !== origin) return 'none';
  const { pathname } = url;
  if (pathname === '/') return 'page';
  if (shell.includes(pathname) || /^\/assets\/(maplibre|pinmap|mapstyle)[\w.-]*$/.test(pathname)) return 'file';
  if (pathname === '/api/v1/config' || pathname === '/api/v1/operators' || STATION.test(pathname)) return 'answer';
  return 'none';
}
