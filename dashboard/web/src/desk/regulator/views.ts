// The regulator's views, as rows of the desk's table.
import type { View } from '../views.ts';

const REGULATOR = ['regulator'] as const;

export const REGULATOR_VIEWS: readonly View[] = [
  { path: '/find', roles: REGULATOR, title: ['查找', 'Find'], nav: true, load: () => import('./Find.svelte') },
  { path: '/piles/:id', roles: REGULATOR, title: ['充电枪', 'Pile'], under: '/find', load: () => import('./Pile.svelte') },
  {
    path: '/stations/:id', roles: REGULATOR, title: ['充电站', 'Station'], under: '/find',
    load: () => import('./Station.svelte'),
  },
  {
    path: '/vehicles/:vin', roles: REGULATOR, title: ['车辆', 'Vehicle'], under: '/find',
    load: () => import('./Vehicle.svelte'),
  },
];
