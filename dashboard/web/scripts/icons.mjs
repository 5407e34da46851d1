// Draws public/icons from public/icon.svg: run it when the icon changes.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../public/', import.meta.url));
const svg = readFileSync(`${root}icon.svg`, 'utf8');
mkdirSync(`${root}icons`, { recursive: true });

// A maskable icon is cut to any shape: its ground fills the square, its sign stays in the middle.
const masked = svg.replace(' rx="7"', '').replace('<path', '<path transform="translate(16 16) scale(.72) translate(-16 -16)"');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const [name, size, source] of [['192', 192, svg], ['512', 512, svg], ['maskable', 512, masked], ['touch', 180, masked]]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw}</style>${source}`);
  writeFileSync(`${root}icons/${name}.png`, await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
