// What the platform says of its city.
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
  places: Place[]; // where a driver may start from; at least one
  schematic: boolean; // whether the drawing of Kunming is its ground
  borders: boolean; // official borders of its districts can be had
  tiles: Tiles | null; // a base map of the deployer's
}

/** A base map of the deployer's. */
export interface Tiles {
  style: string; // address of a style, of tiles with {z}/{x}/{y}, or of a PMTiles file
  crs: string | null; // "gcj02", else WGS-84
  attribution: string | null;
  reviewNo: string | null; // 审图号
}

/** What is shown of the city until the platform has named it. */
export const UNNAMED: City = {
  name: '', nameEn: '', zone: 'Asia/Shanghai', bounds: [0, 0, 0, 0], builtUp: [0, 0, 0, 0], tariff: null, places: [],
  schematic: false, borders: false, tiles: null,
};

/** Kunming, for a platform that names no city. */
export const KUNMING: City = {
  name: '昆明市',
  nameEn: 'Kunming',
  zone: 'Asia/Shanghai',
  bounds: [102.16, 24.38, 103.68, 26.56],
  builtUp: [102.58, 24.78, 102.95, 25.16],
  tariff: null,
  schematic: true,
  borders: false,
  tiles: null,
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
    name: string;
    nameEn?: string | null;
    zone: string;
    bounds: Box;
    builtUp: Box;
    tariff?: { bands?: TariffBand[] } | null;
    places?: Place[];
    basemap?: Partial<{ [K in keyof Tiles]: Tiles[K] | null }> & { schematic?: boolean; borders?: boolean };
  } | null;
}

/** The city of an answer, with a place to start from whatever it names. */
export function cityOf({ city }: ConfigAnswer): City {
  if (!city) return KUNMING;
  const nameEn = city.nameEn ?? city.name;
  const [west, south, east, north] = city.builtUp;
  const middle = { name: city.name, nameEn, lon: (west + east) / 2, lat: (south + north) / 2 };
  return {
    name: city.name,
    nameEn,
    zone: city.zone,
    bounds: city.bounds,
    builtUp: city.builtUp,
    tariff: city.tariff?.bands ?? null,
    places: city.places?.length ? city.places : [middle],
    schematic: city.basemap?.schematic === true,
    borders: city.basemap?.borders === true,
    tiles: tilesOf(city.basemap),
  };
}

function tilesOf(b: NonNullable<ConfigAnswer['city']>['basemap']): Tiles | null {
  if (!b?.style) return null;
  return { style: b.style, crs: b.crs ?? null, attribution: b.attribution ?? null, reviewNo: b.reviewNo ?? null };
}

const AGAIN_MS = 2_000;

/** Asks the platform until it answers. */
export async function loadCity(): Promise<City> {
  for (;;) {
    try {
      return cityOf(await get<ConfigAnswer>('/config'));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

export function lonLat(p: Place): LonLat {
  return [p.lon, p.lat];
}
