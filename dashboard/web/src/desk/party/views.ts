// The operator's and the maker's views, as rows of the desk's table.
import type { View } from '../views.ts';

const PARTIES = ['operator', 'maker'] as const;
const OPERATOR = ['operator'] as const;
const MAKER = ['maker'] as const;

export const PARTY_VIEWS: readonly View[] = [
  { path: '/overview', roles: PARTIES, title: ['总览', 'Overview'], nav: true, load: () => import('./Overview.svelte') },
  { path: '/rules', roles: PARTIES, title: ['触发的规则', 'Rules broken'], nav: true, load: () => import('./Rules.svelte') },
  { path: '/quality', roles: PARTIES, title: ['数据质量与评级', 'Quality and grade'], nav: true, load: () => import('./Quality.svelte') },
  { path: '/tail', roles: PARTIES, title: ['实时报文', 'Live messages'], nav: true, load: () => import('./Tail.svelte') },
  { path: '/stations', roles: OPERATOR, title: ['我的充电站', 'My stations'], nav: true, load: () => import('./Stations.svelte') },
  { path: '/vehicles', roles: MAKER, title: ['我的车辆', 'My vehicles'], nav: true, load: () => import('./Vehicles.svelte') },
  { path: '/alarms', roles: PARTIES, title: ['报警', 'Alarms'], nav: true, load: () => import('./Alarms.svelte') },
  { path: '/connect', roles: PARTIES, title: ['接入指南', 'How to connect'], nav: true, load: () => import('./Connect.svelte') },
  {
    path: '/stations/:id', roles: OPERATOR, title: ['充电站', 'Station'], under: '/stations',
    load: () => import('../regulator/Station.svelte'),
  },
  {
    path: '/piles/:id', roles: OPERATOR, title: ['充电枪', 'Pile'], under: '/stations',
    load: () => import('../regulator/Pile.svelte'),
  },
  {
    path: '/vehicles/:vin', roles: MAKER, title: ['车辆', 'Vehicle'], under: '/vehicles',
    load: () => import('../regulator/Vehicle.svelte'),
  },
];
