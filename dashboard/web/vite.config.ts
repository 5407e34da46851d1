import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { compress } from './build/compress.ts';
import { licences } from './build/licences.ts';
import { worker } from './build/worker.ts';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const modules = new URL('./node_modules/', import.meta.url);
const platform = process.env.DIANCHI_URL ?? 'http://localhost:8080';

// In development the pages stand at the addresses that the platform gives them.
const addresses: Plugin = {
  name: 'dianchi-addresses',
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      const [path, query] = (request.url ?? '').split('?');
      const page = { '/': '/driver.html', '/wall': '/wall.html', '/desk': '/desk.html' }[path ?? ''];
      if (page) request.url = query ? `${page}?${query}` : page;
      next();
    });
  },
};

export default defineConfig({
  plugins: [svelte(), addresses, licences(modules), worker('driver.html'), compress(dist)],
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the page's policy allows no data: fonts
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200, // MapLibre; test/unit/sizes.test.ts holds the real budgets
    rolldownOptions: {
      input: { driver: 'driver.html', wall: 'wall.html', desk: 'desk.html', sw: 'src/driver/sw.ts' },
      output: {
        // The worker's scope is the folder that it lies in, and its name must stay.
        entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': { target: platform, ws: true } } },
});
