// Every picture of docs/screens: a row each. `wait` names what must be there,
// `act` does what a user would do, `cut` takes the connection away, `full` fills a station, `settleS` is for maps under software drawing.
const wall = { width: 1920, height: 1080, dark: true, wait: '.ticks', settleS: 12 };
const phone = { width: 390, height: 844, scale: 2, wait: 'main .row' };
const wide = { width: 1366, height: 768, wait: 'main .row', settleS: 8 };
const desk = { width: 1366, height: 768, wait: 'main h1' };
const hand = { ...desk, width: 390, height: 844 };

const counted = (page) => page.waitForFunction(() =>
  [...document.querySelectorAll('.counts b')].some((b) => Number(b.textContent.replace(/\D/g, '')) > 0));

/** A row for each view of the desk, named by the view. */
const views = (role, lang, paths, more = {}) => paths.map(([name, path, settleS, act]) => ({
  ...desk, role, lang, name: `desk-${role}-${name}-${lang}${more.dark ? '-dark' : ''}${more.width === 390 ? '-390' : ''}`,
  path: `/desk?lang=${lang}#${path}`, settleS: settleS ?? 4, act, ...more,
}));

export const PICTURES = [
  { ...wall, name: 'wall-zh-1920', lang: 'zh', path: '/wall?lang=zh' },
  { ...wall, name: 'wall-en-1920', lang: 'en', path: '/wall?lang=en&layer=charging' },
  { ...wall, name: 'wall-regulator-zh-1920', lang: 'zh', role: 'regulator', path: '/wall?lang=zh&layer=powerKw' },
  { ...wall, name: 'wall-regulator-en-1920', lang: 'en', role: 'regulator', path: '/wall?lang=en&layer=free' },
  { ...wall, name: 'wall-district-zh-1920', lang: 'zh', path: '/wall?lang=zh&district={district}', wait: '.place' },
  { ...wall, name: 'wall-station-zh-1920', lang: 'zh', path: '/wall?lang=zh&station={station}', wait: '.place' },
  { ...wall, name: 'wall-tour-zh-1920', lang: 'zh', path: '/wall?lang=zh&wall=1&rotate=10', settleS: 14 },
  { ...wall, name: 'wall-table-en-1920', lang: 'en', path: '/wall?lang=en&table=1', wait: '.cells tbody td' },
  { ...wall, name: 'wall-nowebgl-zh-1920', lang: 'zh', path: '/wall?lang=zh', webgl: false },
  { ...wall, name: 'wall-cut-zh-1920', lang: 'zh', path: '/wall?lang=zh', webgl: false, settleS: 6, cut: true },
  { ...wall, name: 'wall-past-zh-1920', lang: 'zh', path: '/wall?lang=zh&at={moment}', wait: '.travel' },
  { ...wall, name: 'wall-past-en-1920', lang: 'en', path: '/wall?lang=en&layer=powerKw&at={moment}', wait: '.travel' },
  { ...wall, name: 'wall-past-gap-zh-1920', lang: 'zh', path: '/wall?lang=zh&at={gap}', wait: '.travel', webgl: false },
  { ...wall, name: 'wall-past-zh-390', width: 390, height: 844, scale: 2, lang: 'zh', path: '/wall?lang=zh&at={moment}', wait: '.travel' },
  { ...wall, name: 'wall-zh-1366', width: 1366, height: 768, lang: 'zh', path: '/wall?lang=zh' },
  { ...phone, name: 'wall-zh-390', lang: 'zh', path: '/wall?lang=zh', wait: '.ticks', settleS: 12 },
  { ...wall, name: 'wall-zh-3840', width: 3840, height: 2160, lang: 'zh', path: '/wall?lang=zh', settleS: 20 },

  { ...phone, name: 'driver-zh-390', lang: 'zh', path: '/?lang=zh', settleS: 8 },
  { ...phone, name: 'driver-en-390-dark', lang: 'en', dark: true, path: '/?lang=en', settleS: 8 },
  { ...phone, name: 'driver-station-zh-390', lang: 'zh', path: '/?lang=zh&sel={station}', wait: '.detail section li' },
  { ...phone, name: 'driver-station-en-390', lang: 'en', path: '/?lang=en&sel={station}', wait: '.detail section li' },
  { ...phone, name: 'driver-full-zh-390', lang: 'zh', path: '/?lang=zh&sel={station}', wait: '.detail section li', full: '{station}', settleS: 8 },
  { ...phone, name: 'driver-cost-zh-390', lang: 'zh', path: '/?lang=zh&sort=cost&kind=dc' },
  { ...phone, name: 'driver-none-zh-390', lang: 'zh', path: '/?lang=zh&free=1&minKw=9000', wait: 'main' },
  { ...phone, name: 'driver-cut-zh-390', lang: 'zh', path: '/?lang=zh', settleS: 6, cut: true },
  { ...wide, name: 'driver-zh-1366', lang: 'zh', path: '/?lang=zh' },
  { ...wide, name: 'driver-station-en-1920', width: 1920, height: 1080, lang: 'en', path: '/?lang=en&sel={station}' },
  { ...wide, name: 'driver-zh-1366-dark', lang: 'zh', dark: true, path: '/?lang=zh&sel={station}' },
  { ...wide, name: 'driver-nowebgl-en-1366', lang: 'en', webgl: false, path: '/?lang=en' },

  { ...desk, name: 'desk-signin-zh', lang: 'zh', path: '/desk?lang=zh', wait: 'form' },
  {
    ...desk, name: 'desk-signin-wrong-en', lang: 'en', dark: true, path: '/desk?lang=en', wait: 'form',
    act: async (page) => {
      await page.getByLabel('Token', { exact: true }).fill('dct_0123456789012345678901234567890123456789');
      await page.getByRole('button', { name: 'Sign in' }).click();
    },
  },
  ...views('operator', 'zh', [
    ['overview', '/overview'], ['rules', '/rules'], ['quality', '/quality'], ['tail', '/tail', 12], ['stations', '/stations'],
    ['station', '/stations/{own}', 6], ['connect', '/connect'],
  ]),
  ...views('operator', 'en', [['overview', '/overview'], ['quality', '/quality']], { dark: true }),
  ...views('operator', 'zh', [['overview', '/overview'], ['rules', '/rules']], { ...hand, scale: 2 }),
  ...views('maker', 'zh', [['overview', '/overview'], ['vehicles', '/vehicles']]),
  ...views('maker', 'en', [['alarms', '/alarms']]),
  ...views('regulator', 'zh', [
    ['find', '/find'], ['map', '/map?at=102.71,25.04', 8, counted], ['alarms', '/alarms'], ['compare', '/compare'], ['planning', '/planning'],
    ['parties', '/parties'], ['stations', '/stations'], ['definitions', '/definitions'], ['vehicle', '/vehicles/{vin}', 6],
    ['pile', '/piles/{pile}', 6],
  ]),
  ...views('regulator', 'en', [['map', '/map?at=102.71,25.04', 8, counted], ['compare', '/compare'], ['vehicle', '/vehicles/{vin}', 6]], { dark: true }),
  ...views('regulator', 'zh', [['alarms', '/alarms'], ['vehicle', '/vehicles/{vin}', 6]], { ...hand, scale: 2 }),

  { ...phone, name: 'plain-stations-en-390', lang: 'en', path: '/plain/stations?lang=en', wait: 'main', script: false },
  { ...desk, name: 'plain-city-zh-1366', lang: 'zh', path: '/plain?lang=zh', wait: 'main', script: false },
  { ...desk, name: 'error-404-zh', lang: 'zh', path: '/no/such/page', wait: 'main' },
  { ...desk, name: 'error-404-en-dark', lang: 'en', dark: true, path: '/no/such/page', wait: 'main' },
];
