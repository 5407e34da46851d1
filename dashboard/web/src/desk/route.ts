// The view in the address: #/stations/teld:S1?page=2

export interface Place {
  path: string; // "/stations/teld:S1", decoded piece by piece when matched
  query: URLSearchParams;
}

/** Reads a location's hash; "/" when it names no view. */
export function placeOf(hash: string): Place {
  const text = hash.replace(/^#/, '');
  if (!text.startsWith('/')) return { path: '/', query: new URLSearchParams() };
  const cut = text.indexOf('?');
  return cut < 0
    ? { path: text, query: new URLSearchParams() }
    : { path: text.slice(0, cut), query: new URLSearchParams(text.slice(cut + 1)) };
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** The hash of a view; what is not set is left out. */
export function hrefOf(path: string, query: Query = {}): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '' || value === false) continue;
    out.set(name, value === true ? '1' : String(value));
  }
  const text = out.toString();
  return `#${path}${text && `?${text}`}`;
}

/** A path of pieces: each is escaped, so that an id may hold anything. */
export function pathOf(...pieces: string[]): string {
  return `/${pieces.map(encodeURIComponent).join('/')}`;
}

/** The parameters of `path` if `pattern` ("/stations/:id") fits it, else null. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (const [i, piece] of want.entries()) {
    const value = have[i] ?? '';
    if (!piece.startsWith(':')) {
      if (piece !== value) return null;
      continue;
    }
    try {
      params[piece.slice(1)] = decodeURIComponent(value);
    } catch {
      return null;
    }
    if (value === '') return null;
  }
  return params;
}
