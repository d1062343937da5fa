// The parts of an object and of the platform that links need, and the receiver of their news.
import type { ReportedLoad, Versions } from "../../protocol/link.ts";
import type { Position, Start } from "../../protocol/position.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Departures } from "./departures.ts";
import type { Occupancy } from "./occupancy.ts";
import type { Registry } from "./registry.ts";
import type { Tracks } from "./tracks.ts";

/** The position of the other end of a link. */
export type LinkPosition = Position & { readonly track: string };

/** The state of a relay, for growth. */
export type LinkNews = "up" | "parked" | "lost" | "lagging";

/** Gets the state of a relay's link, and the loads of the relay and of those below it. */
export type OnNews = (now: number, relay: string, news: LinkNews | readonly ReportedLoad[]) => void;

/** The parts of their object that links need. */
export interface LinkVenue {
  readonly registry: Registry;
  readonly tracks: Tracks;
  readonly arrivals: Arrivals;
  readonly departures: Departures;
  readonly occupancy: Occupancy;
}

/** The purpose of a kind of links. */
export interface LinkUse {
  /** A fingerprint that changes whenever a parked link has something to get. */
  form(venue: LinkVenue, id: string): string;
  /** The subscription from `positions` on; `tracks` null: all. */
  begin(venue: LinkVenue, id: string, positions: readonly LinkPosition[]): LinkBegin;
}

export interface LinkBegin {
  readonly start: Start;
  readonly tracks: readonly string[] | null;
}

/** Relays get everything. */
export const TO_RELAYS: LinkUse = {
  form({ registry, tracks }) {
    let form = `${registry.tellings}`;
    for (const { track, source } of tracks) form += ` ${track.name} ${track.epoch} ${track.next} ${source.state}`;
    return form;
  },
  begin: (_venue, _id, positions) => ({ start: { at: "position", positions, elseOldest: true }, tracks: null }),
};

/** The actions of links outside the core, and their dependencies. */
export interface LinkShell {
  /** Opens a link to a relay; `opened` or `failed` follows. */
  dial(relay: string, generation: number): void;
  /** At least 0 and below 1. */
  random(): number;
  /** The versions that the object speaks, if they differ from this code's. */
  readonly versions?: Versions;
}
