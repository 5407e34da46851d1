// Every view of the desk: one row each. A new one needs nothing else.
import type { Component } from 'svelte';
import type { Desk } from './desk.svelte.ts';
import { REGULATOR_VIEWS } from './regulator/views.ts';
import { PARTY_VIEWS } from './party/views.ts';
import { match } from './route.ts';
import type { Role } from './session.ts';

/** What a view is given. `params` are the pieces that its path names, `query` the rest of the address. */
export interface ViewProps {
  desk: Desk;
  params: Record<string, string>;
  query: URLSearchParams;
}

export interface View {
  path: string; // "/stations/:id"
  roles: readonly Role[];
  title: readonly [zh: string, en: string];
  nav?: boolean; // it stands in the navigation, in the order of this table; else `under` does for it
  under?: string; // path of the view in whose place of the navigation this one stands
  load: () => Promise<{ default: Component<ViewProps> }>;
}

export const VIEWS: readonly View[] = [...PARTY_VIEWS, ...REGULATOR_VIEWS];

export interface Found {
  view: View;
  params: Record<string, string>;
}

/** The view of a path for a role; 'role' if it is another role's, null if there is none. */
export function find(path: string, role: Role, views = VIEWS): Found | 'role' | null {
  let others = false;
  for (const view of views) {
    const params = match(view.path, path);
    if (!params) continue;
    if (view.roles.includes(role)) return { view, params };
    others = true;
  }
  return others ? 'role' : null;
}

/** The views in the navigation of a role; the first is where it starts. */
export function navOf(role: Role, views = VIEWS): View[] {
  return views.filter((v) => v.nav && v.roles.includes(role));
}
