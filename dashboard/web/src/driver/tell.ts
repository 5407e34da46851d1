// Ways of telling a driver who is not looking at the page: a notification
// and a vibration, where the device has them and the driver allows them.

/** Asks for leave to notify, from within a tap. Whether it is given; the page tells by itself in any case. */
export async function mayNotify(): Promise<boolean> {
  if (!('Notification' in window)) return false;
  try {
    return (await Notification.requestPermission()) === 'granted';
  } catch {
    return false;
  }
}

export async function tell(title: string, body: string): Promise<void> {
  navigator.vibrate?.([300, 150, 300]);
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  const options = { body, icon: '/icons/192.png', tag: 'dianchi-watch' };
  try {
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) await worker.showNotification(title, options); // the only way on Android
    else new Notification(title, options);
  } catch {
    // the page tells it, too
  }
}

/** Keeps the screen on as long as possible; returns the end of it. */
export function stayAwake(): () => void {
  let lock: WakeLockSentinel | undefined;
  let over = false;
  const take = async (): Promise<void> => {
    if (over || document.visibilityState !== 'visible') return;
    try {
      lock = await navigator.wakeLock?.request('screen');
      if (over) await lock?.release();
    } catch {
      // low battery, or not allowed: the help says to keep the page open
    }
  };
  const again = (): void => void take();
  document.addEventListener('visibilitychange', again);
  again();
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', again);
    void lock?.release();
  };
}
