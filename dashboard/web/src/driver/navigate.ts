// Links that open a map application at a station. The Chinese ones, and Apple
// in China, read GCJ-02; a geo: address is WGS-84 (RFC 5870).
import type { LonLat } from '../lib/types.ts';

export type App = 'amap' | 'baidu' | 'tencent' | 'apple' | 'geo';

export const APPS: readonly App[] = ['amap', 'baidu', 'tencent', 'apple', 'geo'];

export interface Target {
  name: string;
  wgs84: LonLat;
  gcj02: LonLat;
}

const text = (n: number): string => n.toFixed(6);

export function navigationLink(app: App, to: Target): string {
  const name = encodeURIComponent(to.name);
  const [lon, lat] = to.gcj02.map(text) as [string, string];
  switch (app) {
    case 'amap':
      return (
        `https://uri.amap.com/navigation?to=${lon},${lat},${name}` +
        '&mode=car&coordinate=gaode&src=dianchi&callnative=1'
      );
    case 'baidu':
      return (
        `https://api.map.baidu.com/marker?location=${lat},${lon}&title=${name}&content=${name}` +
        '&output=html&coord_type=gcj02&src=webapp.dianchi.web'
      );
    case 'tencent':
      return `https://apis.map.qq.com/uri/v1/routeplan?type=drive&to=${name}&tocoord=${lat},${lon}&referer=dianchi`;
    case 'apple':
      return `https://maps.apple.com/?daddr=${lat},${lon}&dirflg=d`;
    case 'geo': {
      const [x, y] = to.wgs84.map(text) as [string, string];
      return `geo:${y},${x}?q=${y},${x}(${name})`;
    }
  }
}
