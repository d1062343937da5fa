// The events of a room: its state in the form that events carry, and the events between two states.
import { flag, number, oneOf, orNull, type Parser, record, text, whole } from "./checked.ts";
import type { RoomSettings } from "./room-settings.ts";

export const EVENT_TYPES = [
  "room.created",
  "room.changed",
  "room.closed",
  "room.expired",
  "subscribers.first",
  "subscribers.last",
  "subscribers.closed",
  "source.online",
  "source.offline",
  "source.taken_over",
  "relay.opened",
  "relay.closed",
  "recording.started",
  "recording.segment_failed",
  "recording.ended",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

const STATES = ["open", "closed", "expired"] as const;

/** A track's source. `publisher`: the connection's id; null: it is in its grace, or offline. */
export interface SourceState {
  readonly track: string;
  readonly online: boolean;
  readonly publisher: string | null;
  readonly format: string | null;
}

/** A track that is being recorded. `failing`: the bucket refused a segment within the last minutes. */
export interface RecordingState {
  readonly track: string;
  readonly failing: boolean;
}

/**
 * The state of a room. `closed`: the number of connections that the room's own object has ended since its creation, by
 * the names of their close codes.
 */
export interface RoomState {
  readonly state: (typeof STATES)[number];
  readonly title: string;
  readonly public: boolean;
  readonly subscribers: number;
  readonly publishers: number;
  readonly sources: readonly SourceState[];
  readonly relays: readonly string[];
  readonly recordings: readonly RecordingState[];
  readonly closed: Readonly<Record<string, number>>;
}

/**
 * An event. `state` is the whole state of the room after it. `about`: the track or the relay; null: the room. `at`: ms
 * since 1970.
 */
export interface RoomEvent {
  /** Increases with each event of a room, beginning with 1. */
  readonly number: number;
  readonly type: EventType;
  readonly at: number;
  readonly about: string | null;
  readonly state: RoomState;
  /** With `room.created` and `room.changed`. */
  readonly settings?: RoomSettings;
}

/** An event without its number. */
export type Happening = Pick<RoomEvent, "type" | "about">;

/** Ends of connections that are reported, as sums. */
const TOLD_ENDS = ["slow", "unproven", "kicked", "revoked", "too_fast"];

/** The events between two states; `before` undefined: the room is new. */
export function happenings(before: RoomState | undefined, now: RoomState): Happening[] {
  const found: Happening[] = [];
  const tell = (type: EventType, about: string | null = null): void => void found.push({ type, about });
  if (before === undefined) tell("room.created");
  tellRelays(before?.relays ?? [], now.relays, tell);
  const isTaken = (now.closed.taken_over ?? 0) > (before?.closed.taken_over ?? 0);
  tellSources(before?.sources ?? [], now.sources, isTaken, tell);
  tellRecordings(before?.recordings ?? [], now.recordings, tell);
  const ended = ({ closed }: RoomState) => TOLD_ENDS.reduce((sum, name) => sum + (closed[name] ?? 0), 0);
  if (ended(now) > (before === undefined ? 0 : ended(before))) tell("subscribers.closed");
  const had = before?.subscribers ?? 0;
  if (had === 0 && now.subscribers > 0) tell("subscribers.first");
  if (had > 0 && now.subscribers === 0) tell("subscribers.last");
  if (before?.state === "open" && now.state !== "open") tell(now.state === "closed" ? "room.closed" : "room.expired");
  return found;
}

type Tell = (type: EventType, about: string) => void;

function tellRelays(before: readonly string[], now: readonly string[], tell: Tell): void {
  for (const id of now) if (!before.includes(id)) tell("relay.opened", id);
  for (const id of before) if (!now.includes(id)) tell("relay.closed", id);
}

function tellRecordings(before: readonly RecordingState[], now: readonly RecordingState[], tell: Tell): void {
  const known = new Map(before.map((one) => [one.track, one]));
  for (const { track, failing } of now) {
    const had = known.get(track);
    known.delete(track);
    if (had === undefined) tell("recording.started", track);
    if (failing && had?.failing !== true) tell("recording.segment_failed", track);
  }
  for (const track of known.keys()) tell("recording.ended", track);
}

/** `isTaken`: a publisher was replaced. A publisher that left and returned also has another connection. */
function tellSources(before: readonly SourceState[], now: readonly SourceState[], isTaken: boolean, tell: Tell): void {
  const known = new Map(before.map((source) => [source.track, source]));
  for (const { track, online, publisher } of now) {
    const had = known.get(track);
    known.delete(track);
    if (online && had?.online !== true) tell("source.online", track);
    else if (!online && had?.online === true) tell("source.offline", track);
    else if (isTaken && publisher !== null && had?.publisher !== publisher) tell("source.taken_over", track);
  }
  for (const [track, { online }] of known) if (online) tell("source.offline", track);
}

/** True if the newest event is enough, because it contains the state of the older ones. */
export function replaces(event: RoomEvent, older: RoomEvent): boolean {
  return event.type === older.type && (event.type === "subscribers.closed" || event.type === "room.changed");
}

const counts: Parser<Record<string, number>> = (value) =>
  Object.fromEntries(Object.entries(record(value)).map(([name, count]) => [name, whole(count)]));

const source: Parser<SourceState> = (value) => {
  const fields = record(value);
  return {
    track: text(fields.track),
    online: flag(fields.online),
    publisher: orNull(text)(fields.publisher),
    format: orNull(text)(fields.format),
  };
};

/** A state from storage or from a queue. Throws `Malformed`. */
export function parseState(value: unknown): RoomState {
  const fields = record(value);
  return {
    state: oneOf(STATES)(fields.state),
    title: text(fields.title),
    public: flag(fields.public),
    subscribers: whole(fields.subscribers),
    publishers: whole(fields.publishers),
    sources: list(fields.sources, source),
    relays: list(fields.relays, text),
    recordings: list(fields.recordings, recording),
    closed: counts(fields.closed),
  };
}

const recording: Parser<RecordingState> = (value) => {
  const { track, failing } = record(value);
  return { track: text(track), failing: flag(failing) };
};

/** An event from storage or from a queue. Throws `Malformed`. */
export function parseEvent(value: unknown): RoomEvent {
  const fields = record(value);
  return {
    number: whole(fields.number),
    type: oneOf(EVENT_TYPES)(fields.type),
    at: number(fields.at),
    about: orNull(text)(fields.about),
    state: parseState(fields.state),
    ...(fields.settings !== undefined && { settings: record(fields.settings) as unknown as RoomSettings }),
  };
}

function list<T>(value: unknown, parse: Parser<T>): T[] {
  return Array.isArray(value) ? value.map(parse) : [];
}
