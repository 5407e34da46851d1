import type { Texts } from '../../lib/i18n.ts';

export const TEXTS = {
  ask: ['充电枪、充电站、车辆、单位或报警', 'A pile, station, vehicle, party or alarm'],
  hint: [
    '输入充电枪或充电站编号（如 teld:S1-1，可省略单位）、站名或地址、17 位 VIN、单位名称、报警编号。按 / 可随时回到这里。',
    'Type the id of a pile or station (such as teld:S1-1, with or without the party), a station’s name or address, a VIN of 17 characters, a party’s name, or the id of an alarm. Press / to come back here.',
  ],
  search: ['查找', 'Find'],
  searching: ['正在查找…', 'Searching…'],
  none: [
    '没有找到“{q}”。编号区分大小写；VIN 须输入全部 17 位。',
    'Nothing found for “{q}”. Ids are case sensitive; a VIN needs all of its 17 characters.',
  ],
  found: ['找到 {n} 个', '{n} found'],
  more: ['只列出前 {n} 个站，请输入更多字符', 'Only the first {n} stations: type more of it'],
  pile: ['充电枪', 'Pile'],
  station: ['充电站', 'Station'],
  vehicle: ['车辆', 'Vehicle'],
  party: ['单位', 'Party'],
  alarm: ['报警', 'Alarm'],
  recent: ['最近看过', 'Seen lately'],
  forget: ['清除', 'Clear'],
  start: ['从这里开始', 'Start here'],
  s_alarms: ['{n} 条未结报警，其中 {c} 条严重', '{n} open {n:alarm|alarms}, {c} of them critical'],
  s_map: ['{n} 辆在线车辆在地图上', '{n} {n:vehicle|vehicles} on line, on the map'],
  s_compare: ['比较各运营商、车企和区县', 'Compare operators, makers and districts'],
  s_plan: ['供给与需求：哪里缺桩', 'Supply and demand: where piles are missing'],
  freeOf: ['空闲 {a} / {b}', '{a} of {b} free'],
  failed: ['查找失败：{why}', 'Could not search: {why}'],
} as const satisfies Texts<string>;
