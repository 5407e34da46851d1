// The platform's live feed with a hand on it: cut and restored, and one
// station filled or freed at will, in frames and answers alike.
import type { Page, Route, WebSocketRoute } from 'playwright-core';
import type { PileCounts } from '../../src/lib/types.ts';

interface Item {
  id?: string;
  piles?: PileCounts;
  match?: number;
  pileList?: { state: string; status: number }[];
  updatedAt?: string;
}

export interface LiveStub {
  cut(): Promise<void>;
  restore(): void;
  fill(id: string): Promise<void>;
  free(id: string, piles: number): Promise<void>;
}

export async function liveStub(page: Page): Promise<LiveStub> {
  const sockets = new Set<WebSocketRoute>();
  const set = new Map<string, number>(); // free piles by station
  let down = false;

  /** Sets the counts of stations under hand wherever they stand in an answer. */
  const change = (value: unknown): void => {
    if (Array.isArray(value)) for (const v of value) change(v);
    else if (value && typeof value === 'object') {
      const item = value as Item;
      const free = item.id === undefined ? undefined : set.get(item.id);
      if (free !== undefined) {
        if (item.piles) Object.assign(item.piles, { free, inUse: item.piles.total - free, reserved: 0, fault: 0, offline: 0 });
        item.pileList?.forEach((p, i) => Object.assign(p, i < free ? { state: 'free', status: 1 } : { state: 'inUse', status: 3 }));
        if ('updatedAt' in item) item.updatedAt = new Date().toISOString();
      }
      for (const v of Object.values(value)) if (v && typeof v === 'object') change(v);
    }
  };
  const changed = (text: string): string => {
    const value: unknown = JSON.parse(text);
    change(value);
    return JSON.stringify(value);
  };

  await page.routeWebSocket(/\/api\/v1\/live/, (socket) => {
    if (down) {
      void socket.close();
      return;
    }
    const server = socket.connectToServer();
    sockets.add(socket);
    server.onMessage((message) => socket.send(changed(String(message))));
  });
  await page.route(/\/api\/v1\/stations/, async (route: Route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: changed(await response.text()) });
  });

  const cut = async (): Promise<void> => {
    down = true;
    for (const socket of sockets) await socket.close();
    sockets.clear();
  };
  // A lost connection makes the page ask for everything anew, as it will be answered now.
  const put = async (id: string, free: number): Promise<void> => {
    set.set(id, free);
    await cut();
    down = false;
  };
  return {
    cut,
    restore: () => {
      down = false;
    },
    fill: (id) => put(id, 0),
    free: put,
  };
}
