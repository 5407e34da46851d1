// Tests of the pages in a real browser, against a running platform:
//   DIANCHI_URL=http://localhost:8080 npm run e2e
// The desk's tests also need DIANCHI_BIN, DIANCHI_DATA and DIANCHI_MQTT (test/e2e/platform.ts).
// CHROMIUM names the browser, /usr/bin/chromium by default.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    dir: 'test/e2e',
    testTimeout: 240_000, // patience for a machine that does other things; a quiet one needs seconds
    hookTimeout: 60_000,
    expect: { poll: { timeout: 60_000, interval: 100 } },
    fileParallelism: false, // one software-drawn map at a time is enough for two cores
  },
});
