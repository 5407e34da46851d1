// What each part of the wall's map costs to draw, in CPU of the browser's drawing
// process and of the page (which a busy machine changes little), and how many
// frames a second that leaves here and now: a row for each part left out.
//   npm run frames             all variants, of a simulated city of our own or that of DIANCHI_URL
//   npm run frames -- gaps     those whose names begin so
import { browser, openCity, sleep } from './city.mjs';

const SIZE = { width: 1920, height: 1080 };
const hide = (...ids) => ({ hide: ids });

/** Each is applied to the page as it is; `hide` names layers, `css` is added, `ratio` is the canvas's. */
const VARIANTS = {
  'as it is': {},
  'without cells': hide('cells'),
  'without borders': hide('inner', 'outer'),
  'without dashes': { paint: [['inner', 'line-dasharray', null]] },
  'without lakes': hide('lake', 'shore'),
  'without rivers and built-up area': hide('river', 'urban'),
  'without ground': hide('city', 'urban', 'river', 'inner', 'outer', 'lake', 'shore', 'lakeNames', 'districtNames'),
  'without names': hide('lakeNames', 'districtNames'),
  'without faults': hide('faults', 'stations', 'chosen'),
  'nothing but the background': { only: 'background' },
  'half the pixels each way': { ratio: 0.5 },
  'without lakes and borders': hide('lake', 'shore', 'inner', 'outer'),
  'without what stands over it': { css: '.map > :not(.view) { display: none !important }' },
  'without round corners': { css: '.map { border-radius: 0 !important; overflow: visible !important }' },
  'without what stands beside it': { css: '.left, .right, .figures, .makers, header { visibility: hidden !important }' },
};

// MapLibre keeps its container under this name: the map is found without a word of it in the page.
const FIND_MAP = () => Object.defineProperty(Object.prototype, '_container', {
  configurable: true,
  set(value) {
    Object.defineProperty(this, '_container', { value, writable: true, configurable: true, enumerable: true });
    if (this.queryRenderedFeatures) window.theMap = this;
  },
});

const asked = process.argv.slice(2);
const city = await openCity({ vehicles: Number(process.env.VEHICLES ?? 20_000), piles: Number(process.env.PILES ?? 20_000), settleS: 60 });
const chromium = await browser();
try {
  const context = await chromium.newContext({ viewport: SIZE, locale: 'zh-CN' });
  const page = await context.newPage();
  await page.addInitScript(FIND_MAP);
  await page.goto(`${city.url}/wall?lang=zh`);
  await page.locator('.ticks').waitFor({ timeout: 60_000 });
  await sleep(5000);
  const system = await chromium.newBrowserCDPSession();
  const cpu = async () => {
    const { processInfo } = await system.send('SystemInfo.getProcessInfo');
    const of = (type) => processInfo.filter((p) => p.type === type).reduce((sum, p) => sum + p.cpuTime, 0) * 1000;
    return { gpu: of('GPU'), page: of('renderer') };
  };
  /** Milliseconds of CPU that something took in the drawing process and in the page's, each by `n`. */
  const spent = async (what) => {
    const before = await cpu();
    const n = await what();
    const after = await cpu();
    return [n, ...['gpu', 'page'].map((k) => ((after[k] - before[k]) / n).toFixed(1))];
  };
  console.log('| | drawing, ms a frame | page, ms a frame | dragged: frames/s | drawing, ms a frame | page | at rest: frames/s | drawing, ms a second | page |');
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|');
  for (const [name, variant] of Object.entries(VARIANTS)) {
    if (asked.length > 0 && !asked.some((a) => name.startsWith(a))) continue;
    await page.evaluate(apply, variant);
    await sleep(800);
    const [, ...frame] = await spent(() => page.evaluate(redraw, 24));
    let fps = 0;
    const [, ...drag] = await spent(async () => {
      fps = await dragged(page, 3);
      return page.evaluate(() => window.rendered);
    });
    await sleep(300);
    let rest = 0;
    const [, ...still] = await spent(async () => {
      rest = await page.evaluate(count, 3000);
      return 3;
    });
    console.log(`| ${[name, ...frame, fps.toFixed(1), ...drag, rest.toFixed(1), ...still].join(' | ')} |`);
    await page.evaluate(undo);
  }
} finally {
  await chromium.close();
  await city.stop();
}

function apply({ hide = [], only, paint = [], ratio, css }) {
  const map = window.theMap;
  const undone = [];
  for (const { id } of map.getStyle().layers) {
    if (!(hide.includes(id) || (only && id !== only))) continue;
    const before = map.getLayoutProperty(id, 'visibility') ?? 'visible';
    map.setLayoutProperty(id, 'visibility', 'none');
    undone.push(() => map.setLayoutProperty(id, 'visibility', before));
  }
  for (const [id, name, value] of paint) {
    const before = map.getPaintProperty(id, name);
    map.setPaintProperty(id, name, value);
    undone.push(() => map.setPaintProperty(id, name, before));
  }
  if (ratio) {
    const before = map.getPixelRatio();
    map.setPixelRatio(ratio);
    undone.push(() => map.setPixelRatio(before));
  }
  if (css) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets.push(sheet);
    undone.push(() => (document.adoptedStyleSheets = []));
  }
  window.undone = undone;
}

function undo() {
  for (const f of window.undone) f();
}

/** Draws so many frames until their pixels are there. */
function redraw(n) {
  const map = window.theMap;
  const gl = map.painter.context.gl;
  const pixel = new Uint8Array(4);
  for (let i = 0; i < n; i++) {
    map.redraw();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  }
  return n;
}

function count(ms) {
  return new Promise((done) => {
    const began = performance.now();
    let n = 0;
    const next = (now) => {
      n++;
      if (now - began < ms) requestAnimationFrame(next);
      else done((1000 * n) / (now - began));
    };
    requestAnimationFrame(next);
  });
}

async function dragged(page, seconds) {
  await page.evaluate(() => {
    window.rendered = 0;
    window.theMap.on('render', () => window.rendered++);
  });
  const counted = page.evaluate(count, seconds * 1000);
  const until = performance.now() + seconds * 1000;
  await page.mouse.move(900, 500);
  await page.mouse.down();
  for (let i = 0; performance.now() < until; i++) await page.mouse.move(900 + 120 * Math.sin(i / 6), 500 + 80 * Math.cos(i / 6));
  await page.mouse.move(900, 500);
  await page.mouse.up();
  return counted;
}
