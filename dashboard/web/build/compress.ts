// A Vite plugin: writes .br and .gz beside each text file of the finished
// build, and the placeholder that keeps the output folder in git.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const TEXT = new Set(['.css', '.geojson', '.html', '.js', '.json', '.mjs', '.svg', '.txt', '.webmanifest']);
const LEAST = 512; // bytes; below, the headers cost more than is saved

function* filesUnder(dir: string): Generator<string> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

export function compress(dir: string): Plugin {
  return {
    name: 'dianchi-compress',
    apply: 'build',
    closeBundle() {
      writeFileSync(join(dir, '.gitkeep'), '');
      for (const path of [...filesUnder(dir)]) {
        if (!TEXT.has(extname(path))) continue;
        const body = readFileSync(path);
        if (body.length < LEAST) continue;
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
        writeFileSync(`${path}.br`, brotliCompressSync(body, { params }));
        writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
      }
    },
  };
}
