import type { Texts } from '../../lib/i18n.ts';

export const TEXTS = {
  intro: [
    '每条报文恰有一个结果:收到 = 采纳 + 重复 + 仅存历史 + 拒收。',
    'Every report has exactly one outcome: received = taken + duplicate + history + rejected.',
  ],
  account: ['报文账目', 'Account'],
  window: ['时段', 'Window'],
  window_1h: ['近 1 小时', 'Last hour'],
  window_24h: ['近 24 小时', 'Last 24 h'],
  window_total: ['累计', 'Since the start'],
  received: ['收到', 'Received'],
  taken: ['采纳', 'Taken'],
  duplicate: ['重复', 'Duplicate'],
  history: ['仅存历史', 'History'],
  rejected: ['拒收', 'Rejected'],
  loading: ['正在读取…', 'Loading…'],
  failed: ['读取失败({why}),正在重试。', 'Could not read ({why}), trying again.'],
} as const satisfies Texts<string>;
