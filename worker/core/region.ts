// The location of subscribers and relays: the platform's location hints, and the distances between them.

/** The location hints in which objects actually start; `any`: hints are off, and the platform chooses. */
export type Region = (typeof HINTS)[number] | "any";

/** A location, degrees. */
interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

/** Objects do not start in South America, Africa and the Middle East: their subscribers use a neighbouring region. */
export const HINTS = ["wnam", "enam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc"] as const;

export const REGIONS: readonly Region[] = [...HINTS, "any"];

/** The city that represents a region when distances are compared. */
const CENTRES: Readonly<Record<(typeof HINTS)[number], Point>> = {
  wnam: { latitude: 37.4, longitude: -122.1 },
  enam: { latitude: 39, longitude: -77.5 },
  weur: { latitude: 50.1, longitude: 8.7 },
  eeur: { latitude: 52.2, longitude: 21 },
  apac: { latitude: 19.1, longitude: 72.9 },
  "apac-ne": { latitude: 35.7, longitude: 139.7 },
  "apac-se": { latitude: 1.3, longitude: 103.8 },
  oc: { latitude: -33.9, longitude: 151.2 },
};

/** The location of a request in `request.cf`; all of it may be missing. The platform gives coordinates as text. */
export interface Whereabouts {
  readonly continent?: string | undefined;
  readonly longitude?: string | number | undefined;
  readonly latitude?: string | number | undefined;
}

/** The region with most of the network, for a request without a location. */
const UNKNOWN: Region = "enam";

/** The region whose relays serve a location. */
export function regionOf(from: Whereabouts): Region {
  const longitude = degrees(from.longitude);
  const latitude = degrees(from.latitude);
  switch (from.continent) {
    case "NA":
      return longitude !== undefined && longitude < -100 ? "wnam" : "enam";
    case "SA":
      return "enam";
    case "EU":
      return longitude !== undefined && longitude >= 16 ? "eeur" : "weur";
    case "AF":
      return "weur";
    case "AS":
      return inAsia(longitude, latitude);
    case "OC":
    case "AN":
      return "oc";
    default:
      return UNKNOWN;
  }
}

/** Returns true if the text is the name of a region. */
export function isRegion(text: string): text is Region {
  return (REGIONS as readonly string[]).includes(text);
}

/** The hint for the first `get` of an object's name; undefined: none. */
export function hintOf(region: Region): (typeof HINTS)[number] | undefined {
  return region === "any" ? undefined : region;
}

/** Kilometres between two regions along the surface; to and from `any`: farther than all others. */
export function distanceKm(one: Region, other: Region): number {
  if (one === other) return 0;
  if (one === "any" || other === "any") return EARTH_KM * Math.PI;
  const a = CENTRES[one];
  const b = CENTRES[other];
  const cosine =
    Math.sin(radians(a.latitude)) * Math.sin(radians(b.latitude)) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.cos(radians(a.longitude - b.longitude));
  return EARTH_KM * Math.acos(Math.min(1, cosine));
}

/** Every region, the nearest first: first itself, then the regions whose relays it uses while it has none. */
export function nearestTo(region: Region): readonly Region[] {
  return NEAREST[region];
}

const EARTH_KM = 6371;

const NEAREST = Object.fromEntries(
  REGIONS.map((one) => [one, [...REGIONS].sort((a, b) => distanceKm(one, a) - distanceKm(one, b))]),
) as unknown as Readonly<Record<Region, readonly Region[]>>;

/** There are four regions east of the Urals; the Middle East uses western Europe. */
function inAsia(longitude: number | undefined, latitude: number | undefined): Region {
  if (longitude === undefined) return "apac";
  const isNorth = latitude !== undefined ? latitude >= 21.5 : longitude >= 122;
  if (longitude < 60) return "weur";
  if (longitude < 75 && latitude !== undefined && latitude >= 45) return "eeur";
  if (longitude < 92) return "apac";
  if (longitude < 105) return isNorth ? "apac" : "apac-se";
  return isNorth ? "apac-ne" : "apac-se";
}

function degrees(value: string | number | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
