// The name of a relay contains its place in the tree: `<room>~<region>~<index>`.
import { MAX_LINKS } from "./growth-limits.ts";
import { isRegion, type Region } from "./region.ts";

/** The parts of a relay's id. */
export interface RelayName {
  readonly room: string;
  readonly region: Region;
  /** The relays of a region are counted from 0. */
  readonly index: number;
}

/** Not allowed in a room's id, so a room is never mistaken for a relay. */
const SEPARATOR = "~";

export function relayId({ room, region, index }: RelayName): string {
  return [room, region, index].join(SEPARATOR);
}

/** undefined: it is not the id of a relay. */
export function parseRelayId(id: string): RelayName | undefined {
  const [room = "", region = "", digits = "", ...more] = id.split(SEPARATOR);
  if (room === "" || !isRegion(region) || !/^(?:0|[1-9]\d{0,5})$/.test(digits) || more.length > 0) return undefined;
  return { room, region, index: Number(digits) };
}

/**
 * The id of the object that dials the relay. The first relay of a region is a child of the room's own object, so that a
 * frame crosses an ocean only once; the others form a heap below it. Throws a `TypeError` if `id` is not that of a
 * relay.
 */
export function parentOf(id: string): string {
  const name = parseRelayId(id);
  if (name === undefined) throw new TypeError(`not a relay: ${id}`);
  return name.index === 0 ? name.room : relayId({ ...name, index: parentIndex(name.index) });
}

/** The index of the parent within the region, for `index` above 0. */
export function parentIndex(index: number): number {
  return Math.floor((index - 1) / MAX_LINKS);
}
