// The regulator's views, as rows of the desk's table.
import type { View } from '../views.ts';

const REGULATOR = ['regulator'] as const;

export const REGULATOR_VIEWS: readonly View[] = [
  { path: '/find', roles: REGULATOR, title: ['查找', 'Find'], nav: true, load: () => import('./Find.svelte') },
  { path: '/map', roles: REGULATOR, title: ['地图', 'Map'], nav: true, load: () => import('./MapView.svelte') },
  { path: '/alarms', roles: REGULATOR, title: ['报警', 'Alarms'], nav: true, load: () => import('./Alarms.svelte') },
  { path: '/compare', roles: REGULATOR, title: ['比较', 'Comparison'], nav: true, load: () => import('./Compare.svelte') },
  { path: '/planning', roles: REGULATOR, title: ['供给与需求', 'Supply and demand'], nav: true, load: () => import('./Planning.svelte') },
  { path: '/parties', roles: REGULATOR, title: ['单位', 'Parties'], nav: true, load: () => import('./Parties.svelte') },
  { path: '/stations', roles: REGULATOR, title: ['充电站', 'Stations'], nav: true, load: () => import('./Stations.svelte') },
  { path: '/definitions', roles: REGULATOR, title: ['定义', 'Definitions'], nav: true, load: () => import('./Definitions.svelte') },
  { path: '/rules', roles: REGULATOR, title: ['触发的规则', 'Rules broken'], under: '/parties', load: () => import('../party/Rules.svelte') },
  {
    path: '/quality', roles: REGULATOR, title: ['数据质量与评级', 'Quality and grade'], under: '/parties',
    load: () => import('../party/Quality.svelte'),
  },
  { path: '/tail', roles: REGULATOR, title: ['实时报文', 'Live messages'], under: '/parties', load: () => import('../party/Tail.svelte') },
  { path: '/piles/:id', roles: REGULATOR, title: ['充电枪', 'Pile'], under: '/find', load: () => import('./Pile.svelte') },
  {
    path: '/stations/:id', roles: REGULATOR, title: ['充电站', 'Station'], under: '/stations',
    load: () => import('./Station.svelte'),
  },
  { path: '/vehicles/:vin', roles: REGULATOR, title: ['车辆', 'Vehicle'], under: '/find', load: () => import('./Vehicle.svelte') },
  {
    path: '/series/:scope/:id', roles: REGULATOR, title: ['历史数据', 'History'], under: '/compare',
    load: () => import('./Series.svelte'),
  },
];
