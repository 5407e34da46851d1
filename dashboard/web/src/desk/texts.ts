import type { Texts } from '../lib/i18n.ts';

/** Texts of the shell; each view has its own beside it. */
export const TEXTS = {
  title: ['数据工作台', 'Data desk'],
  skip: ['跳到正文', 'Skip to content'],
  menu: ['菜单', 'Menu'],
  views: ['页面', 'Views'],
  language: ['English', '中文'],
  themeDark: ['改用深色', 'Use dark colours'],
  themeLight: ['改用浅色', 'Use light colours'],
  print: ['打印', 'Print'],
  signOut: ['退出', 'Sign out'],
  operator: ['运营商', 'Operator'],
  maker: ['车企', 'Maker'],
  regulator: ['监管方', 'Regulator'],
  live: ['实时', 'Live'],
  connecting: ['正在连接', 'Connecting'],
  dataAge: ['数据更新于', 'Data from'],
  lost: ['连接中断，正在重连。显示的是 {time} 的数据。', 'Connection lost, reconnecting. Shown are data of {time}.'],
  lostEmpty: ['连不上平台，正在重试。', 'The platform cannot be reached, trying again.'],
  loading: ['正在读取…', 'Loading…'],
  failed: ['读取失败（{why}），正在重试。', 'Could not read ({why}), trying again.'],
  missing: ['没有这个页面', 'No such view'],
  missingText: ['地址可能写错了。可从下列页面开始：', 'The address may be mistyped. Start from one of these:'],
  otherRole: ['此页面不属于当前令牌', 'This view is not for this token'],
  otherRoleText: [
    '当前令牌的身份是“{role}”。要看此页面，请退出后用相应的令牌登录；或从下列页面开始：',
    'This token is of the role “{role}”. Sign out and use another token for it, or start from one of these:',
  ],
  broken: ['页面加载失败', 'The view could not be loaded'],
  brokenText: ['平台可能刚刚升级。重新加载页面即可。', 'The platform may just have been upgraded. Reload the page.'],
  crashed: ['这个页面出错，停在这里。重新加载，或从菜单打开别的页面。', 'This view failed and has stopped. Reload it, or open another one from the menu.'],
  reload: ['重新加载', 'Reload'],
  signIn: ['登录', 'Sign in'],
  signInText: [
    '运营商、车企和监管方用平台发放的令牌登录。令牌只保存在本标签页，关闭即失效。',
    'Operators, makers and regulators sign in with the token that the platform gave them. It is kept in this tab only, until it is closed.',
  ],
  token: ['令牌', 'Token'],
  show: ['显示令牌', 'Show the token'],
  checking: ['正在核对…', 'Checking…'],
  noToken: ['没有令牌？', 'No token?'],
  noTokenText: [
    '请平台管理员运行下列命令之一，令牌只显示一次：',
    'Ask whoever runs the platform to run one of these. The token is shown once:',
  ],
  driverPage: ['找充电桩不需要令牌', 'No token is needed to find a charger'],
  trouble_empty: ['请先粘贴令牌。', 'Paste your token first.'],
  trouble_form: [
    '这不像令牌：令牌由字母、数字和符号组成，没有空格、汉字和换行。请完整复制一次。',
    'This does not look like a token: it has letters, digits and signs, no spaces or line breaks. Copy it once more, whole.',
  ],
  trouble_unknown: [
    '平台不认识这个令牌：可能没有复制完整，也可能已被删除。请核对后再试，或向平台管理员要一个新的。',
    'The platform does not know this token: it may not be copied whole, or it was removed. Check it, or ask for a new one.',
  ],
  trouble_driver: [
    '这是驾驶者令牌，不能看单位的数据。工作台需要运营商、车企或监管方的令牌。',
    'This is a driver\'s token, which may not see a party\'s data. The desk needs one of an operator, a maker or a regulator.',
  ],
  trouble_network: ['连不上平台。请检查网络后再试。', 'The platform cannot be reached. Check the network and try again.'],
  trouble_limited: ['尝试过于频繁，请一分钟后再试。', 'Too many attempts. Try again in a minute.'],
  trouble_failed: ['平台暂时无法核对令牌，请稍后再试。', 'The platform cannot check the token now. Try again shortly.'],
  trouble_ended: [
    '这个令牌刚刚被删除，所以已退出。请向平台管理员要一个新的。',
    'This token has just been removed, so you were signed out. Ask for a new one.',
  ],
} as const satisfies Texts<string>;

export type TextKey = keyof typeof TEXTS;
export type Say = (key: TextKey, values?: Record<string, string | number>) => string;
