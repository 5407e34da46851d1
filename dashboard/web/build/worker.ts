// A Vite plugin: tells the driver's worker which files its page needs. The
// map's code is left out: the worker keeps it once it was used.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const FIXED = ['/', '/icon.svg', '/driver.webmanifest', '/geo/base.geojson', '/geo/districts.topo.json'];
const LATER = /maplibre/;

interface Chunk {
  type: 'chunk';
  imports: string[];
  dynamicImports: string[];
  viteMetadata?: { importedCss: Set<string>; importedAssets: Set<string> };
}

/** The files that an entry reaches, through imports of both kinds. */
export function reached(bundle: Record<string, { type: string }>, entry: string): string[] {
  const files = new Set<string>();
  const visit = (name: string): void => {
    const chunk = bundle[name] as Chunk | undefined;
    if (!chunk || files.has(name) || LATER.test(name)) return;
    files.add(name);
    if (chunk.type !== 'chunk') return;
    for (const asset of [...(chunk.viteMetadata?.importedCss ?? []), ...(chunk.viteMetadata?.importedAssets ?? [])]) {
      visit(asset);
    }
    for (const next of [...chunk.imports, ...chunk.dynamicImports]) visit(next);
  };
  visit(entry);
  return [...files].toSorted();
}

export function worker(html: string): Plugin {
  return {
    name: 'dianchi-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const entry = Object.values(bundle).find((f) => f.type === 'chunk' && f.isEntry && f.name === 'driver');
      const own = bundle['sw.js'];
      if (!entry || own?.type !== 'chunk') throw new Error('the bundle lacks the driver\'s page or its worker');
      const fonts = Object.keys(bundle).filter((name) => name.endsWith('.woff2'));
      const files = [...new Set([...reached(bundle, entry.fileName), ...fonts])];
      const shell = [...FIXED, ...files.map((name) => `/${name}`)];
      const hash = createHash('sha256').update(JSON.stringify(shell)).update(readFileSync(html)).update(own.code);
      const version = hash.digest('hex').slice(0, 12);
      own.code = `self.shell=${JSON.stringify(shell)};self.version=${JSON.stringify(version)};\n${own.code}`;
    },
  };
}
