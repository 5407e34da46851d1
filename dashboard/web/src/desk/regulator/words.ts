// Words for the codes that reports carry.
import type { Lang } from '../../lib/i18n.ts';

type Pair = readonly [zh: string, en: string];

const say = (pair: Pair | undefined, lang: Lang, code: unknown): string =>
  pair ? pair[lang === 'zh' ? 0 : 1] : String(code);

/** Status of a pile as reported. */
const STATUS: Record<number, Pair> = {
  0: ['离线', 'offline'], 1: ['空闲', 'free'], 2: ['占用未充', 'occupied, not charging'], 3: ['充电中', 'charging'],
  4: ['预约', 'reserved'], 255: ['故障', 'fault'],
};

/** State of a pile as the platform sees it. */
const STATES: Record<string, Pair> = {
  free: ['空闲', 'free'], inUse: ['使用中', 'in use'], reserved: ['预约', 'reserved'], fault: ['故障', 'fault'],
  offline: ['离线', 'offline'],
};

const VEHICLE: Record<number, Pair> = { 1: ['启动', 'on'], 2: ['熄火', 'off'], 3: ['其他', 'other'] };

const CHARGE: Record<number, Pair> = {
  1: ['停车充电', 'charging, parked'], 2: ['行驶充电', 'charging while driving'], 3: ['未充电', 'not charging'],
  4: ['充电完成', 'charging complete'],
};

const CLASS: Record<string, Pair> = {
  private: ['私家车', 'private'], taxi: ['出租车', 'taxi'], ridehail: ['网约车', 'ride-hailing'], bus: ['客车', 'bus'],
  logistics: ['物流车', 'logistics'], sanitation: ['环卫车', 'sanitation'], other: ['其他', 'other'],
};

const SENSOR: Record<number, Pair> = { 0: ['未知', 'unknown'], 10: ['空闲', 'free'], 50: ['占用', 'taken'] };
const LOCK: Record<number, Pair> = { 0: ['未知', 'unknown'], 10: ['已解锁', 'open'], 50: ['已上锁', 'locked'] };
const ACCESS: Record<string, Pair> = {
  public: ['公共', 'public'], restricted: ['限定用户', 'restricted'], private: ['专用', 'private'],
};
const KIND: Record<string, Pair> = { ac: ['交流', 'AC'], dc: ['直流', 'DC'] };

export const WORDS = {
  status: STATUS, state: STATES, vehicle: VEHICLE, charge: CHARGE, class: CLASS, park: SENSOR, lock: LOCK,
  access: ACCESS, kind: KIND,
};

/** A code in words; null stays null. */
export function word(list: keyof typeof WORDS, code: string | number | null | undefined, lang: Lang): string | null {
  if (code === null || code === undefined) return null;
  return say((WORDS[list] as Record<string, Pair>)[String(code)], lang, code);
}

/** Alarm flags of GB/T 32960.3 by bit: 0 to 18 of the 2016 edition, table 18; 19 to 27 of the 2025 edition. */
const FLAGS: readonly Pair[] = [
  ['温度差异报警', 'temperature difference'],
  ['电池高温报警', 'battery over-temperature'],
  ['车载储能装置类型过压报警', 'pack over-voltage'],
  ['车载储能装置类型欠压报警', 'pack under-voltage'],
  ['SOC 低报警', 'SOC low'],
  ['单体电池过压报警', 'cell over-voltage'],
  ['单体电池欠压报警', 'cell under-voltage'],
  ['SOC 过高报警', 'SOC too high'],
  ['SOC 跳变报警', 'SOC jump'],
  ['可充电储能系统不匹配报警', 'storage system mismatch'],
  ['电池单体一致性差报警', 'cell inconsistency'],
  ['绝缘报警', 'insulation'],
  ['DC-DC 温度报警', 'DC-DC temperature'],
  ['制动系统报警', 'brake system'],
  ['DC-DC 状态报警', 'DC-DC state'],
  ['驱动电机控制器温度报警', 'motor controller temperature'],
  ['高压互锁状态报警', 'high-voltage interlock'],
  ['驱动电机温度报警', 'motor temperature'],
  ['车载储能装置类型过充', 'overcharge'],
  ['驱动电机超速报警', 'motor overspeed'],
  ['驱动电机过流报警', 'motor overcurrent'],
  ['超级电容过温报警', 'supercapacitor over-temperature'],
  ['超级电容过压报警', 'supercapacitor over-voltage'],
  ['热事件报警', 'thermal event'],
  ['氢气泄漏报警', 'hydrogen leak'],
  ['氢气压力异常报警', 'hydrogen pressure'],
  ['氢气温度异常报警', 'hydrogen temperature'],
  ['燃料电池电堆超温报警', 'fuel cell stack over-temperature'],
];

/** The flags that are set, in the order of their bits; '' for none. */
export function flagWords(bits: number, lang: Lang): string {
  const set: string[] = [];
  for (let i = 0, rest = bits; rest >= 1; i++, rest = Math.floor(rest / 2)) {
    if (rest % 2 >= 1) set.push(say(FLAGS[i], lang, lang === 'zh' ? `标志 ${i}` : `flag ${i}`));
  }
  return set.join(lang === 'zh' ? '、' : ', ');
}
