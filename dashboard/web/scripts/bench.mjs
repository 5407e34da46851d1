// The budgets of the screens on a simulated city of our own (or that of
// DIANCHI_URL), as a Markdown table on stdout; exit status 1 where one does not hold:
//   npm run bench
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCity } from './city.mjs';

const size = {
  vehicles: Number(process.env.VEHICLES ?? 50_000), piles: Number(process.env.PILES ?? 50_000),
  settleS: Number(process.env.SETTLE_S ?? 120),
};
const city = await openCity(size);
const folder = mkdtempSync(join(tmpdir(), 'dianchi-bench-screens-'));
const report = join(folder, 'report.md');
let code = 1;
try {
  const child = spawn('npx', ['vitest', 'run', '--config', 'vitest.e2e.config.ts', 'budgets', 'report'], {
    env: {
      ...process.env, DIANCHI_URL: city.url, DIANCHI_BIN: city.bin, DIANCHI_DATA: city.data, DIANCHI_MQTT: city.mqtt,
      DIANCHI_REPORT: report,
    },
    stdio: ['ignore', process.stderr, process.stderr],
  });
  code = await new Promise((done) => child.once('exit', done));
  const { vehicles, piles } = await city.ask('/overview');
  console.log(`${vehicles.total} vehicles, ${piles.total} piles; load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores\n`);
  console.log('| | measured | budget |\n|---|---|---|');
  if (existsSync(report)) console.log(readFileSync(report, 'utf8'));
} finally {
  await city.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code ?? 1);
