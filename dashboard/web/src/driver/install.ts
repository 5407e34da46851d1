// Installing the page as an application: the browser offers it by an event,
// which is kept until the driver wants it.

interface Offer extends Event {
  prompt(): Promise<unknown>;
}

let offer: Offer | undefined;

/** Keeps the browser's offer, and registers the worker that opens the page on a bad network. */
export function installable(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    offer = event as Offer;
  });
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    const register = (): void => void navigator.serviceWorker.register('/sw.js').catch(() => undefined);
    if (document.readyState === 'complete') register();
    else addEventListener('load', register); // the list comes first
  }
}

export const canInstall = (): boolean => offer !== undefined;

export async function install(): Promise<void> {
  const asked = offer;
  offer = undefined;
  await asked?.prompt();
}
