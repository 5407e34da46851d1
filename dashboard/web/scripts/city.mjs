// A platform for the programs beside this file: the one that DIANCHI_URL names
// (with DIANCHI_BIN and DIANCHI_DATA for what needs tokens), else a simulated
// city of our own, in a folder that goes away with it.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const say = (text) => process.stderr.write(`${text}\n`);

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Starts a city of so many vehicles and piles; `stop` ends it and removes its folder. */
export async function openCity({ vehicles = 20_000, piles = 20_000, cadence = '30s', settleS = 300 } = {}) {
  const bin = process.env.DIANCHI_BIN ?? join(root, 'bin/dianchi');
  const known = process.env;
  if (known.DIANCHI_URL) return city(known.DIANCHI_URL, bin, known.DIANCHI_DATA, known.DIANCHI_MQTT, async () => {});
  const data = mkdtempSync(join(tmpdir(), 'dianchi-screens-'));
  const mqtt = `127.0.0.1:${await freePort()}`;
  const influxd = join(root, 'bin/influxd');
  const env = existsSync(influxd) ? { ...process.env, DIANCHI_INFLUXD: influxd } : process.env;
  const child = spawn(bin, [
    '--demo', '--vehicles', String(vehicles), '--piles', String(piles), '--cadence', cadence, '--data', data,
    '--http', '127.0.0.1:0', '--mqtt', mqtt, '--log-level', 'error',
  ], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('exit', done));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().then(() => process.exit(1)));
  const url = await new Promise((found, failed) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const port = /http:\/\/localhost:(\d+)/.exec(text)?.[1];
      if (port) found(`http://127.0.0.1:${port}`);
    });
    child.once('exit', (code) => failed(new Error(`the platform ended with ${code}`)));
  });
  say(`a city of ${vehicles} vehicles and ${piles} piles at ${url}; it settles for ${settleS} s`);
  await sleep(settleS * 1000);
  return city(url, bin, data, mqtt, stop);
}

function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

function city(address, bin, data, mqtt, stop) {
  const url = address.replace(/\/$/, '');
  const admin = async (...args) => {
    if (!data) throw new Error('set DIANCHI_DATA to the data folder of the platform at DIANCHI_URL');
    return (await run(bin, [...args, '--data', data])).stdout.trim();
  };
  const ask = async (path, token) => {
    const response = await fetch(`${url}/api/v1${path}`, token ? { headers: { Authorization: `Bearer ${token}` } } : {});
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.json();
  };
  return { url, bin, data, mqtt, admin, ask, stop };
}

/** Chromium, drawing by software; without WebGL if asked. */
export function browser(webgl = true) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run',
      ...(webgl ? ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'] : ['--disable-3d-apis']),
    ],
  });
}
