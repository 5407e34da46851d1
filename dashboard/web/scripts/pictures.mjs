// Takes the pictures of docs/screens from a running platform:
//   DIANCHI_URL=http://localhost:8080 npm run pictures
// CHROMIUM names the browser, /usr/bin/chromium by default.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const base = (process.env.DIANCHI_URL ?? 'http://localhost:8080').replace(/\/$/, '');
const out = fileURLToPath(new URL('../../../docs/screens/', import.meta.url));
mkdirSync(out, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run',
    '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
  ],
});

const nanping = { longitude: 102.71, latitude: 25.039 };
const pictures = [
  { name: 'wall-zh-1920', path: '/wall?lang=zh', width: 1920, height: 1080, locale: 'zh-CN', dark: true },
  { name: 'wall-en-1920', path: '/wall?lang=en&layer=charging', width: 1920, height: 1080, locale: 'en-GB', dark: true },
  { name: 'driver-zh-390', path: '/?lang=zh', width: 390, height: 844, locale: 'zh-CN', dark: false },
  { name: 'driver-en-390-dark', path: '/?lang=en', width: 390, height: 844, locale: 'en-GB', dark: true },
];

for (const p of pictures) {
  const context = await browser.newContext({
    viewport: { width: p.width, height: p.height }, locale: p.locale, colorScheme: p.dark ? 'dark' : 'light',
    geolocation: nanping, permissions: ['geolocation'], timezoneId: 'Asia/Shanghai',
  });
  const page = await context.newPage();
  await page.goto(base + p.path);
  await page.waitForTimeout(15_000); // long enough for the map under software drawing
  await page.screenshot({ path: `${out}${p.name}.png`, timeout: 120_000 });
  console.log(`docs/screens/${p.name}.png`);
  await context.close();
}
await browser.close();
