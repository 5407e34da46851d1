// Payloads and commands that a party can copy and run.

export type Topic = 'stations' | 'piles' | 'sessions' | 'fleet' | 'vehicles' | 'feedback';

export const TOPICS: Record<'operator' | 'maker', readonly Topic[]> = {
  operator: ['stations', 'piles', 'sessions', 'feedback'],
  maker: ['fleet', 'vehicles', 'feedback'],
};

/** A payload that the platform takes whole; `now` in epoch milliseconds is the time of its report. */
export function payload(topic: Exclude<Topic, 'feedback'>, now: number): object {
  const hour = 3_600_000;
  const vin = 'LNBMDBAH4PA000001';
  switch (topic) {
    case 'stations':
      return {
        id: 'TEST-1', name: '接入测试站', nameEn: 'Connection test', lon: 102.775, lat: 24.985, access: 'private',
        piles: [{ id: 'TEST-1-1', kind: 'dc', ratedKw: 120 }],
        parking: { type: 0 }, tariff: { validFrom: 1793462400000, bands: [{ from: '00:00', to: '24:00', energyYuanPerKwh: 0.6, serviceYuanPerKwh: 0.4 }] },
      };
    case 'piles':
      return { id: 'TEST-1-1', ts: now, status: 3, powerKw: 58.2, voltageV: 385, currentA: 151.2, socPct: 63, session: 'A17' };
    case 'sessions':
      return { id: 'A17', pile: 'TEST-1-1', startTs: now - hour, endTs: now, energyKwh: 31.2, energyYuan: 18.72, serviceYuan: 12.48, totalYuan: 31.2 };
    case 'fleet':
      return { vin, class: 'private', model: 'EU5', batteryKwh: 53.6 };
    case 'vehicles':
      return { vin, ts: now, lon: 102.712, lat: 25.04, speedKmh: 31.5, odometerKm: 40211.3, socPct: 63, state: 1, charge: 3, alarmLevel: 0 };
  }
}

/** The shell's word for a text: in single quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The usual port of a door; the platform does not tell its own. */
export function portOf(tls: boolean): number {
  return tls ? 8883 : 1883;
}

/** A mosquitto command; the time of a report is filled in by the shell when it runs. */
export function command(topic: Topic, slug: string, host: string, tls: boolean): string {
  const door = `${tls ? '--cafile city-ca.pem ' : ''}-h ${host} -p ${portOf(tls)}`;
  const who = `-V 5 -u ${slug} -P PASSWORD`;
  if (topic === 'feedback') return `mosquitto_sub ${door} ${who} -q 1 -t dianchi/v1/${slug}/feedback`;
  const NOW = 1_000_000_000_000_000; // stands for the shell's $(date +%s%3N)
  const text = JSON.stringify(payload(topic, NOW))
    .replaceAll(String(NOW - 3_600_000), "'$(( $(date +%s) - 3600 ))000'")
    .replaceAll(String(NOW), "'$(date +%s)000'");
  return `mosquitto_pub ${door} ${who} -q 1 -t dianchi/v1/${slug}/${topic} \\\n  -m '${text}'`;
}
