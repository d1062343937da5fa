// Positions, and the start that a subscriber asks for.
import { ProtocolError } from "./errors.ts";
import { isTrackName } from "./names.ts";

/** A place in a track: the identity of its numbering, and the sequence number in it. */
export interface Position {
  /** 1 to 32 characters of [a-z0-9], minted by the room. */
  readonly epoch: string;
  /** From 0 to 2^53-2. */
  readonly sequence: number;
}

/** The value of `?start=`. */
export type Start =
  | { readonly at: "group" }
  | { readonly at: "live" }
  | { readonly at: "rewind"; readonly seconds: number }
  /** One position for the only track (null), or one for each named track. */
  | {
      readonly at: "position";
      readonly positions: readonly (Position & { readonly track: string | null })[];
      /** Tracks that are not named start at `oldest`, for relays. Without it, they start at their newest group. */
      readonly elseOldest?: true;
    };

const POSITION = /^(?:([^:]{1,64}):)?([a-z0-9]{1,32})\.(\d{1,16})$/;

/** `EPOCH.SEQUENCE`. */
export function formatPosition(position: Position): string {
  return `${position.epoch}.${position.sequence}`;
}

/** Parses `EPOCH.SEQUENCE`; throws `ProtocolError("position_invalid")`. */
export function parsePosition(text: string): Position {
  const start = parseStart(text);
  const [position] = start.at === "position" ? start.positions : [];
  if (position === undefined || position.track !== null) throw invalid();
  return { epoch: position.epoch, sequence: position.sequence };
}

/** Parses `group`, `live`, `-SECONDS`, `EPOCH.SEQUENCE` or `track:EPOCH.SEQUENCE,...`; throws `ProtocolError`. */
export function parseStart(text: string): Start {
  if (text === "group" || text === "live") return { at: text };
  if (/^-\d{1,6}(\.\d{1,3})?$/.test(text)) return { at: "rewind", seconds: -Number(text) };
  const positions: (Position & { track: string | null })[] = [];
  for (const part of text.split(",")) {
    const match = POSITION.exec(part);
    const sequence = Number(match?.[3]);
    const track = match?.[1] ?? null;
    if (match?.[2] === undefined || !Number.isSafeInteger(sequence)) throw invalid();
    if (track !== null && !isTrackName(track)) throw invalid();
    positions.push({ track, epoch: match[2], sequence });
  }
  const names = new Set(positions.map(({ track }) => track));
  if (names.size < positions.length || (names.has(null) && names.size > 1)) throw invalid();
  return { at: "position", positions };
}

function invalid(): ProtocolError {
  return new ProtocolError("position_invalid", "start must be group, live, -SECONDS or EPOCH.SEQUENCE");
}
