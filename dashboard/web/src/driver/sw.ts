// The worker that opens the page on a bad network: its shell from the device,
// the last answers where the platform is not reached. It serves the driver's
// page only; the build writes its own file, sw.js at the root, and puts the
// shell's files and a version before it.
import { routeOf } from './offline.ts';

interface WorkerScope {
  shell: string[]; // addresses of what the page needs, by the build
  version: string; // changes with any of them
  location: Location;
  clients: { claim(): Promise<void>; matchAll(o: object): Promise<WindowClient[]>; openWindow(url: string): Promise<unknown> };
  addEventListener(type: string, listener: (event: never) => void): void;
}
interface WindowClient {
  url: string;
  focus(): Promise<unknown>;
}
interface Lasting extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Asked extends Lasting {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Clicked extends Lasting {
  notification: { close(): void };
}

const worker = self as unknown as WorkerScope;
const SHELL = `dianchi-shell-${worker.version}`;
const ANSWERS = 'dianchi-answers';
const MOST_ANSWERS = 40;
const PATIENCE_MS = 4_000; // then the shell opens, and the page says that it has no connection

worker.addEventListener('install', (event: Lasting) => {
  event.waitUntil(
    caches.open(SHELL).then((cache) => cache.addAll(worker.shell.map((url) => new Request(url, { cache: 'no-cache' })))),
  );
});

// An older version's files go only now, when no page uses them any more.
worker.addEventListener('activate', (event: Lasting) => {
  const clean = async (): Promise<void> => {
    const old = (await caches.keys()).filter((name) => name.startsWith('dianchi-shell-') && name !== SHELL);
    await Promise.all(old.map((name) => caches.delete(name)));
    await worker.clients.claim();
  };
  event.waitUntil(clean());
});

worker.addEventListener('fetch', (event: Asked) => {
  const { request } = event;
  const route = routeOf(request.method, new URL(request.url), worker.location.origin, worker.shell);
  if (route === 'page') event.respondWith(orKept(fetch(request), SHELL, '/', PATIENCE_MS));
  else if (route === 'file') event.respondWith(fromDevice(request));
  else if (route === 'answer') event.respondWith(lastAnswer(event));
});

worker.addEventListener('notificationclick', (event: Clicked) => {
  event.notification.close();
  const show = async (): Promise<void> => {
    const pages = await worker.clients.matchAll({ type: 'window' });
    const page = pages.find((p) => new URL(p.url).pathname === '/');
    await (page ? page.focus() : worker.clients.openWindow('/'));
  };
  event.waitUntil(show());
});

/** What the network says, unless it fails or takes too long and something is kept. */
async function orKept(asked: Promise<Response>, cache: string, key: string | Request, ms: number): Promise<Response> {
  const kept = caches.open(cache).then((c) => c.match(key));
  const late = new Promise<Response>((resolve) => {
    setTimeout(() => void kept.then((k) => k && resolve(k)), ms);
  });
  try {
    return await Promise.race([asked, late]);
  } catch (error) {
    const answer = await kept;
    if (answer) return answer;
    throw error;
  }
}

/** Files whose names change with their content come from the device, and are kept once used. */
async function fromDevice(request: Request): Promise<Response> {
  const cache = await caches.open(SHELL);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

/** The platform's answer, kept for when it cannot be reached; its own times say how old it is. */
async function lastAnswer(event: Asked): Promise<Response> {
  const { request } = event;
  const asked = fetch(request).then((answer) => {
    if (answer.ok) event.waitUntil(keep(request, answer.clone()));
    return answer;
  });
  return orKept(asked, ANSWERS, request, 2 * PATIENCE_MS);
}

async function keep(request: Request, answer: Response): Promise<void> {
  const cache = await caches.open(ANSWERS);
  await cache.delete(request);
  await cache.put(request, answer);
  const kept = await cache.keys();
  await Promise.all(kept.slice(0, Math.max(0, kept.length - MOST_ANSWERS)).map((r) => cache.delete(r)));
}
