// Takes the pictures of docs/screens:
//   npm run pictures              all of them, of a simulated city of our own
//   npm run pictures -- wall-zh   those whose names begin so
// DIANCHI_URL, DIANCHI_BIN and DIANCHI_DATA name a platform that runs already;
// CHROMIUM names the browser, /usr/bin/chromium by default.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { browser, openCity, sleep } from './city.mjs';
import { PICTURES } from './pictures.list.mjs';

const out = process.env.PICTURES_TO ? `${process.env.PICTURES_TO}/` : fileURLToPath(new URL('../../../docs/screens/', import.meta.url));
mkdirSync(out, { recursive: true });
const asked = process.argv.slice(2);
const chosen = PICTURES.filter((p) => asked.length === 0 || asked.some((name) => p.name.startsWith(name)));

const city = await openCity();
const browsers = {};
const failed = [];
const patience = Number(process.env.PATIENCE ?? 1); // more where the machine is busy, so that maps are drawn
try {
  const tokens = {
    regulator: await city.admin('token', 'add', '--role', 'regulator'),
    operator: await city.admin('token', 'add', '--role', 'operator', '--party', 'teld'),
    maker: await city.admin('token', 'add', '--role', 'maker', '--party', 'byd'),
  };
  const known = await things(tokens.regulator);
  for (const picture of chosen) {
    try {
      await take(picture, tokens, known);
    } catch (error) {
      failed.push(`${picture.name}: ${String(error).split('\n')[0]}`);
      console.error(failed.at(-1));
    }
  }
} finally {
  for (const opened of Object.values(browsers)) await opened.close();
  await city.stop();
}
if (failed.length > 0) process.exit(1);

/** Objects of the city that pictures show: busy ones, so that there is something to see. */
async function things(token) {
  const { districts } = await city.ask('/districts');
  const { stations } = await city.ask('/stations?near=102.71,25.039&limit=60');
  const busy = stations.toSorted((a, b) => b.piles.charging - a.piles.charging)[0];
  const detail = await city.ask(`/stations/${encodeURIComponent(busy.id)}`);
  const pile = detail.station.pileList.find((p) => p.state === 'charging') ?? detail.station.pileList[0];
  const { vehicles } = await city.ask('/vehicles?bbox=102.68,25.02,102.74,25.06', token);
  const moving = vehicles.find((v) => v.speedKmh > 20) ?? vehicles[0];
  const own = await city.ask('/stations?near=102.71,25.039&radiusM=20000&operator=teld&limit=50', token);
  const { spans } = await city.ask('/moments');
  const moment = Date.parse(spans.at(-1)?.[1] ?? 0);
  return {
    moment: minute(moment), gap: minute(Date.parse(spans[0]?.[0] ?? 0) - 3_600_000),
    district: districts.toSorted((a, b) => b.piles.inUse - a.piles.inUse)[0].id,
    station: encodeURIComponent(busy.id), pile: encodeURIComponent(pile.id),
    vin: moving.vin, own: encodeURIComponent((own.stations[0] ?? busy).id),
  };
}

/** A time as the wall's address has it. */
function minute(at) {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}

async function take(p, tokens, known) {
  const key = p.webgl === false ? 'plain' : 'drawn';
  browsers[key] ??= await browser(p.webgl !== false);
  const locale = p.lang === 'en' ? 'en-GB' : 'zh-CN';
  const context = await browsers[key].newContext({
    viewport: { width: p.width, height: p.height }, deviceScaleFactor: p.scale ?? 1, locale,
    colorScheme: p.dark ? 'dark' : 'light', geolocation: { longitude: 102.71, latitude: 25.039 },
    permissions: ['geolocation'], timezoneId: 'Asia/Shanghai', javaScriptEnabled: p.script !== false,
    isMobile: p.width < 500, hasTouch: p.width < 500,
  });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    if (p.role) {
      await page.goto(`${city.url}/icon.svg`);
      await page.evaluate((token) => sessionStorage.setItem('dianchi.token', token), tokens[p.role]);
    }
    const lose = p.cut ? await connection(page) : undefined;
    const named = (text) => text.replace(/\{(\w+)\}/g, (_, name) => known[name]);
    const path = named(p.path);
    if (p.full) await fill(page, decodeURIComponent(named(p.full)));
    await page.goto(city.url + path);
    if (p.wait) await page.locator(p.wait).first().waitFor({ state: 'attached' });
    await p.act?.(page);
    if (lose) {
      await sleep(3000);
      await lose();
    }
    await sleep((p.settleS ?? 4) * 1000 * patience);
    const jpeg = p.width > 2000; // a picture of a 4K wall is large
    const name = `${p.name}.${jpeg ? 'jpg' : 'png'}`;
    await page.screenshot({ path: out + name, timeout: 120_000, ...(jpeg ? { type: 'jpeg', quality: 85 } : {}) });
    console.log(`docs/screens/${name}`);
  } finally {
    await context.close();
  }
}

/** Takes every free pile of a station, in answers and frames alike: a simulated city has no full one to offer. */
async function fill(page, id) {
  const change = (value) => {
    if (!value || typeof value !== 'object') return;
    if (value.id === id && value.piles) {
      const { piles } = value;
      Object.assign(piles, { inUse: piles.inUse + piles.free, charging: piles.charging + piles.free, free: 0 });
      for (const pile of value.pileList ?? []) if (pile.state === 'free') Object.assign(pile, { state: 'inUse', status: 3, powerKw: pile.ratedKw / 2 });
    }
    Object.values(value).forEach(change);
  };
  const changed = (text) => {
    const value = JSON.parse(text);
    change(value);
    return JSON.stringify(value);
  };
  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => socket.send(changed(String(message))));
  });
  await page.route(/\/api\/v1\/stations/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: changed(await response.text()) });
  });
}

/** Lets a page's websockets through until the function that it returns is called. */
async function connection(page) {
  const sockets = [];
  let lost = false;
  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
    if (lost) return void socket.close();
    socket.connectToServer();
    sockets.push(socket);
  });
  return async () => {
    lost = true;
    for (const socket of sockets) await socket.close();
  };
}
