// A Vite plugin: puts the licences of what is bundled beside the pages.
import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/** Packages whose code or fonts are in the pages, with their licence and notice files. */
const BUNDLED: readonly (readonly [name: string, ...files: string[]])[] = [
  ['svelte', 'LICENSE.md'],
  ['maplibre-gl', 'LICENSE.txt'],
  ['echarts', 'LICENSE', 'NOTICE'],
  ['zrender', 'LICENSE'],
  ['topojson-client', 'LICENSE'],
  ['fflate', 'LICENSE'],
  ['@fontsource/barlow-condensed', 'LICENSE'],
];

export function licences(modules: URL): Plugin {
  return {
    name: 'dianchi-licences',
    apply: 'build',
    generateBundle() {
      for (const [name, ...files] of BUNDLED) {
        const source = files.map((file) => readFileSync(new URL(`${name}/${file}`, modules), 'utf8')).join('\n\n');
        this.emitFile({ type: 'asset', fileName: `licences/${name.replace(/^@\w+\//, '')}.txt`, source });
      }
      // pmtiles comes without its licence's text.
      const source = readFileSync(new URL('pmtiles.txt', import.meta.url), 'utf8');
      this.emitFile({ type: 'asset', fileName: 'licences/pmtiles.txt', source });
    },
  };
}
