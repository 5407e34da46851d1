// How much a built page makes a browser load: what its HTML names, and what
// that imports. Sizes are of the compressed files beside the plain ones.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** What one page loads, as paths in dist. */
export interface Load {
  first: Set<string>; // before anything is asked for
  later: Set<string>; // imported while running, fonts and pictures of styles, workers
}

const NAMED = /(?:src|href)="\/(assets\/[^"]+)"/g;
const STATIC = /(?:^|[;}\s])(?:import|export)\s*(?:[^"'();]*?from\s*)?["'](\.\/[^"']+)["']/g;
const OTHER = /["'`(]((?:\.\/|assets\/|\/assets\/)[\w./-]+\.(?:js|css|woff2))["'`)]/g;

export function loadOf(dist: string, page: string): Load {
  const first = new Set<string>();
  const later = new Set<string>();
  const visit = (path: string, into: Set<string>): void => {
    if (first.has(path) || later.has(path) || !existsSync(join(dist, path))) return;
    into.add(path);
    if (!/\.(js|css)$/.test(path)) return;
    const text = readFileSync(join(dist, path), 'utf8');
    const names = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map((m) => resolve(path, m[1] ?? ''));
    if (path.endsWith('.js')) for (const name of names(STATIC)) visit(name, into);
    for (const name of names(OTHER)) visit(name, later);
  };
  const html = readFileSync(join(dist, page), 'utf8');
  for (const [, path = ''] of html.matchAll(NAMED)) visit(path, first);
  first.add(page);
  return { first, later };
}

function resolve(from: string, name: string): string {
  if (name.startsWith('./')) return posix.join(posix.dirname(from), name);
  return name.replace(/^\//, '');
}

/** Bytes on the wire of files in one coding; files that are not compressed count as they are. */
export function bytes(dist: string, paths: Iterable<string>, suffix: '.br' | '.gz'): number {
  let sum = 0;
  for (const path of paths) {
    const packed = join(dist, path + suffix);
    sum += statSync(existsSync(packed) ? packed : join(dist, path)).size;
  }
  return sum;
}
