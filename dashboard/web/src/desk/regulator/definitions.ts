// What each figure is: formula, unit, source. Thresholds and rules come from
// docs/quality.md, docs/alarms.md and docs/rules.md as they are.
import alarms from '../../../../../docs/alarms.md?raw';
import quality from '../../../../../docs/quality.md?raw';
import rules from '../../../../../docs/rules.md?raw';
import { records, sectionsOf, tableWith } from './markdown.ts';

type Pair = readonly [zh: string, en: string];

export interface Definition {
  id: string;
  name: Pair;
  formula: Pair;
  unit: Pair;
  source: string; // of the interface
  href?: string; // where it is shown here
}

const NONE: Pair = ['–', '–'];
const PILES: Pair = ['枪', 'piles'];
const PCT: Pair = ['%', '%'];

/** Figures of the present, counted by the platform itself. */
const FIGURES: readonly Definition[] = [
  {
    id: 'piles', name: ['充电枪状态', 'States of piles'], unit: PILES, source: 'GET /operators, /districts, /stations/{id}: piles',
    formula: [
      '总数 = 空闲 + 使用中 + 预约 + 故障 + 离线。按最近一次采纳的报文：1 空闲，2、3 使用中（3 为充电中），4 预约，255 故障，0 离线；超过失联时限（默认 5 分钟）没有报文也算离线。',
      'total = free + in use + reserved + fault + offline. By the newest taken report: 1 free, 2 and 3 in use (3 is charging), 4 reserved, 255 fault, 0 offline; silent for longer than the stale limit (5 min by default) is offline, too.',
    ],
    href: '#/compare',
  },
  {
    id: 'stations', name: ['充电站数', 'Stations'], unit: ['站', 'stations'], source: 'GET /operators: stations',
    formula: ['运营商站点档案中的站，含非公共站。', 'Stations in the operators’ registers, those that are not public included.'], href: '#/stations',
  },
  {
    id: 'vehicles', name: ['车辆数与状态', 'Vehicles and their states'], unit: ['辆', 'vehicles'], source: 'GET /makers: vehicles; GET /vehicles/{vin}',
    formula: [
      '在线：失联时限内有采纳的报文。行驶、充电、报警是在线的一部分。地图上每车一种状态，依次为：失联、报警（等级 ≥ 2）、充电（停车充电）、行驶（启动或车速 > 0）、停放。',
      'On line: a taken report within the stale limit. Driving, charging and alarm are parts of it. On the map each vehicle has one state, in this order: silent, alarm (level ≥ 2), charging (while parked), driving (on, or speed above 0), parked.',
    ],
    href: '#/map',
  },
  {
    id: 'onlineRate', name: ['在线率', 'Online rate'], unit: PCT, source: 'GET /operators, /makers; GET /history/operators/{id}',
    formula: [
      '现在：（总数 − 离线）÷ 总数。时段：各行（24 小时取每小时末，7 天取每 6 小时末）该比例的平均。',
      'Now: (total − offline) ÷ total. Of a period: the mean of that share over rows (the last of each hour for 24 h, of each 6 h for 7 days).',
    ],
  },
  {
    id: 'use', name: ['使用率', 'Use'], unit: PCT, source: 'GET /operators; GET /history/operators/{id}',
    formula: ['使用中 ÷ 总数；时段为各行的平均。', 'in use ÷ total; of a period the mean over rows.'],
  },
  {
    id: 'power', name: ['功率', 'Power'], unit: ['kW', 'kW'], source: 'GET /operators: powerKw; GET /history/operators/{id}: powerKw',
    formula: ['未失联充电枪上报功率之和，充入车辆为正；时段为五分钟行的平均。', 'Sum of the power that piles report which are not silent, positive into vehicles; of a period the mean of its rows.'],
  },
  {
    id: 'energy', name: ['电量', 'Energy'], unit: ['kWh', 'kWh'], source: 'GET /history/operators/{id}: energyKwh',
    formula: ['功率对时间的和，每五分钟一行；“现在”为城市当地零点起。平台停机的时间没有行，不计入。', 'Power summed over time, a row each five minutes; “now” is since local midnight. While the platform is down there is no row, and nothing is counted.'],
  },
  {
    id: 'alarms', name: ['未结报警', 'Open alarms'], unit: ['条', 'alarms'], source: 'GET /alarms; feed alarms',
    formula: ['尚未解除的报警，含已确认的；比较表只数最严重的 1,000 条。规则见下。', 'Alarms that are not cleared, acknowledged ones included; the comparison counts the worst 1,000. The rules stand below.'], href: '#/alarms',
  },
  {
    id: 'account', name: ['报文账', 'Account of reports'], unit: ['条', 'reports'], source: 'GET /quality: account; GET /history/quality/{party}',
    formula: ['收到 = 采纳 + 重复 + 仅存历史 + 拒收。每条报文恰有一个结果。', 'received = taken + duplicate + history + rejected. Each report has exactly one outcome.'], href: '#/parties',
  },
  {
    id: 'delay', name: ['时延 p95', 'Delay p95'], unit: ['秒', 's'], source: 'GET /quality: timeliness.p95S; GET /history/quality/{party}: maxP95Ms',
    formula: ['接收时间 − 报文时间的 95 % 分位；7 天为各五分钟行 p95 的最大值。', 'The 95 % quantile of receive − ts; of 7 days the largest p95 of the rows.'],
  },
  {
    id: 'utilisation', name: ['供给与需求', 'Supply and demand'], unit: ['辆、枪', 'vehicles, piles'], source: 'GET /heatmap?layer=demand, free, inUse',
    formula: [
      '需求：SOC 低于 30 % 且 3 km 内没有空闲公共桩的在线车辆，按所在六边形计数。缺口 = 需求 − 同一六边形内的空闲桩，不小于 0。它不含驾驶者的意愿，也不知道没有接入的桩。',
      'Demand: vehicles on line under 30 % SOC with no free public pile within 3 km, counted by the hexagon they are in. Gap = demand − free piles in the same hexagon, at least 0. It knows neither what drivers intend nor piles that are not connected.',
    ],
    href: '#/planning',
  },
];

const qualitySections = sectionsOf(quality);

/** The components of the grade, as docs/quality.md has them. */
function components(): Definition[] {
  const indicators: Record<string, string> = {
    timeliness: 'timeliness.withinLimitPct', missing: 'missing.ratePct', accuracy: 'flagged.accuracyPct',
    rejected: 'account.rejected', online: 'online.ratePct',
  };
  const formulas = records(tableWith(qualitySections, 'formula'));
  return records(tableWith(qualitySections, '100 points')).map((r) => {
    const member = indicators[r.component ?? ''] ?? '';
    const formula = formulas.find((f) => f.member?.includes(member))?.formula ?? '';
    const weights = `${r['weight: operator']} / ${r['weight: maker']}`;
    return {
      id: r.component ?? '', name: [r['项目'] ?? '', r['in words'] ?? ''], unit: PCT, source: `GET /quality: ${member}`,
      formula: [
        `${formula}。满分：${r['100 points']}，零分：${r['0 points']}；权重（运营商 / 车企）${weights}`,
        `${formula}. 100 points: ${r['100 points']}, none: ${r['0 points']}; weight (operator / maker) ${weights}`,
      ],
      href: '#/parties',
    };
  });
}

function grade(): Definition {
  const lines = qualitySections.find((s) => s.title.includes('Grade'))?.lines ?? [];
  const grades = records(tableWith(qualitySections, 'grade')).map((r) => `${r.grade} ${r.score}`).join(' · ');
  return {
    id: 'grade', name: ['评级', 'Grade'], unit: ['A–D', 'A–D'], source: 'GET /quality: grade', href: '#/parties',
    formula: [`${lines[0] ?? ''} ${grades}`, `${lines[1] ?? ''} ${grades}`],
  };
}

const alarmSections = sectionsOf(alarms);

/** One definition a rule of alarms. */
function alarmRules(): Definition[] {
  return records(tableWith(alarmSections, 'wrong for')).map((r) => {
    const id = r.rule ?? '';
    const text = (alarmSections.find((s) => s.title.startsWith(`${id} `))?.lines ?? []).map((l) => l.replace(/^- /, ''));
    const half = (i: number): string => text.map((l) => split(l)[i]).join(' ');
    return {
      id: `alarm.${id}`, name: [`${r['名称']}（${id}）`, `${r.name} (${id})`], unit: NONE, source: `GET /alarms?rule=${id}`,
      formula: [half(0), half(1)], href: `#/alarms?rule=${id}`,
    };
  });
}

/** "触发：…。 Raised when: …" is Chinese, then English. */
function split(line: string): [string, string] {
  const cut = line.search(/ (Raised when|Cleared when|What to do):/);
  return cut < 0 ? [line, line] : [line.slice(0, cut), line.slice(cut + 1)];
}

function dataRules(): Definition[] {
  return records(tableWith(sectionsOf(rules), 'rule in words')).map((r) => ({
    id: `rule.${r.rule ?? ''}`, name: [r.rule ?? '', r.rule ?? ''], unit: [r.action ?? '', r.action ?? ''],
    source: `GET /quality: rules (${r.payloads ?? ''})`, formula: [r['规则'] ?? '', r['rule in words'] ?? ''], href: '#/parties',
  }));
}

export interface Chapter {
  id: string;
  title: Pair;
  list: Definition[];
}

export const CHAPTERS: readonly Chapter[] = [
  { id: 'figures', title: ['数量', 'Figures'], list: [...FIGURES] },
  { id: 'quality', title: ['数据质量与评级', 'Data quality and grade'], list: [grade(), ...components()] },
  { id: 'alarms', title: ['报警规则', 'Rules of alarms'], list: alarmRules() },
  { id: 'rules', title: ['数据规则', 'Rules of data'], list: dataRules() },
];
