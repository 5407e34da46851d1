// What the platform says of its city, and what holds until it has said it.
import { get } from './api.ts';
import type { Box, LonLat, TariffBand } from './types.ts';

export interface Place {
  name: string;
  nameEn?: string | null;
  lon: number;
  lat: number;
}

export interface City {
  name: string;
  nameEn: string;
  zone: string;
  bounds: Box;
  builtUp: Box;
  tariff: TariffBand[] | null; // the city's usual bands; null while unknown
  places: Place[];
}

/** Kunming, the city that is built in; hot spots of the domain page. */
export const KUNMING: City = {
  name: '昆明市',
  nameEn: 'Kunming',
  zone: 'Asia/Shanghai',
  bounds: [102.16, 24.38, 103.68, 26.56],
  builtUp: [102.58, 24.78, 102.95, 25.16],
  tariff: null,
  places: [
    { name: '南屏街', nameEn: 'Nanping Street', lon: 102.71, lat: 25.039 },
    { name: '北市区', nameEn: 'Beishi', lon: 102.735, lat: 25.085 },
    { name: '关上', nameEn: 'Guanshang', lon: 102.745, lat: 25.012 },
    { name: '世纪城', nameEn: 'Shijicheng', lon: 102.775, lat: 24.985 },
    { name: '昆明站', nameEn: 'Kunming Station', lon: 102.722, lat: 25.018 },
    { name: '昆明南站', nameEn: 'Kunming South Station', lon: 102.86, lat: 24.877 },
    { name: '长水机场', nameEn: 'Changshui Airport', lon: 102.929, lat: 25.102 },
    { name: '大学城', nameEn: 'University Town', lon: 102.85, lat: 24.83 },
    { name: '马街', nameEn: 'Majie', lon: 102.65, lat: 25.03 },
    { name: '滇池度假区', nameEn: 'Dianchi Resort', lon: 102.67, lat: 24.975 },
    { name: '经开区', nameEn: 'Development Zone', lon: 102.8, lat: 24.985 },
    { name: '安宁', nameEn: 'Anning', lon: 102.48, lat: 24.92 },
  ],
};

/** GET /config as far as it is read here; every member may be missing. */
export interface ConfigAnswer {
  city?: {
    name?: string;
    nameEn?: string;
    zone?: string;
    bounds?: Box;
    builtUp?: Box;
    tariff?: { bands?: TariffBand[] } | null;
    places?: Place[];
  };
}

/** The city with what the answer names in place of what is built in. */
export function cityOf(answer: ConfigAnswer): City {
  const { tariff, ...said } = answer.city ?? {};
  const given = Object.fromEntries(Object.entries(said).filter(([, v]) => v !== null && v !== undefined));
  return { ...KUNMING, ...given, tariff: tariff?.bands ?? null };
}

/** Asks the platform; the built-in city where it does not say. */
export async function loadCity(): Promise<City> {
  try {
    return cityOf(await get<ConfigAnswer>('/config'));
  } catch {
    return KUNMING;
  }
}

export function lonLat(p: Place): LonLat {
  return [p.lon, p.lat];
}
