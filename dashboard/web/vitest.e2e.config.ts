// Tests of the pages in a real browser, against a running platform:
//   DIANCHI_URL=http://localhost:8080 npm run e2e
// CHROMIUM names the browser, /usr/bin/chromium by default.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test/e2e',
    testTimeout: 90_000,
    hookTimeout: 60_000,
    fileParallelism: false, // one software-drawn map at a time is enough for two cores
  },
});
