// A recorded track as the events of a subscriber: from a position in the past to the end of the recording.
import { Flag } from "../protocol/frame.ts";
import { formatPosition, type Position } from "../protocol/position.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { EndEvent, FrameEvent, GapEvent, InitEvent, SubscriberEvent } from "./events.ts";
import { type Asked, pause, type Recordings, type Segment } from "./recording.ts";

/** The last segment is stored when it is complete. The client polls for it at this interval, and up to this time. */
const POLL_MS = 500;
const POLLS = 90;

/** The result for a segment. `late`: its URL had expired. `lost`: nobody answered. */
type Done = "read" | "late" | "lost";

/** One track of a recording, read once. */
export class Replay {
  readonly #recordings: Recordings;
  readonly #environment: ConnectionOptions["environment"];
  readonly track: string;
  #position: Position | undefined;
  #format: string | null = null;
  /** The init that applies to the last yielded frame. */
  #initName: string | undefined;
  #hasBegun = false;

  /** `position`: where to continue; undefined: `events` gets the start. */
  constructor(
    recordings: Recordings,
    environment: ConnectionOptions["environment"],
    track: string,
    position?: Position,
  ) {
    this.#recordings = recordings;
    this.#environment = environment;
    this.track = track;
    this.#position = position;
  }

  /** The frame behind the last one that was yielded; undefined if there was none. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Yields from `start` (`-SECONDS` or `EPOCH.SEQUENCE`) to the end of the data that is stored now. */
  async *events(start: string): AsyncGenerator<SubscriberEvent, void, undefined> {
    let asked: Asked = { from: start };
    for (;;) {
      const page = await this.#recordings.page(this.track, asked);
      if (page === undefined) return;
      const since = start.startsWith("-") ? page.now + Number(start) * 1000 : undefined;
      const gaps = [...page.gaps];
      let done: Done = "read";
      for (const segment of page.segments) {
        for (const gap of takeBefore(gaps, segment.id)) yield* this.#gap({ ...gap, type: "gap", track: this.track });
        done = yield* this.#segment(segment, since);
        if (done !== "read") break;
      }
      const last = page.segments.at(-1);
      if (done === "lost" || last === undefined) return;
      if (done === "late" && this.#position !== undefined) asked = { from: formatPosition(this.#position) };
      else asked = { after: last.id };
    }
  }

  /**
   * Yields frames `from` to `to` of an epoch, as far as the recording has them. Waits until they are stored. The rest
   * is a gap.
   */
  async *fill({ epoch, from, to, reason }: GapEvent): AsyncGenerator<SubscriberEvent, void, undefined> {
    this.#position = { epoch, sequence: from };
    for (let polls = 0; polls < POLLS; polls++) {
      const before = this.#position.sequence;
      for await (const event of this.events(formatPosition(this.#position))) {
        if (event.type === "frame" || event.type === "end" || event.type === "gap") {
          const last = event.type === "gap" ? event.to : event.sequence;
          const isOver =
            event.epoch !== epoch || (to !== null && (event.type === "gap" ? event.from : event.sequence) > to);
          if (isOver) return;
          if (to !== null && (last === null || last >= to)) {
            yield event.type === "gap" ? { ...event, to } : event;
            return;
          }
        }
        yield event;
      }
      // Another numbering has begun, so the recording has all that there is of this one.
      if (to === null) break;
      if (this.#position.sequence === before) await pause(this.#environment, POLL_MS);
    }
    const { sequence } = this.#position;
    yield { type: "gap", track: this.track, epoch, from: sequence, to, reason };
  }

  *#gap(gap: GapEvent): Generator<SubscriberEvent, void, undefined> {
    const known = this.#position;
    if (known?.epoch === gap.epoch) {
      if (gap.to !== null && gap.to < known.sequence) return;
      this.#position = { epoch: gap.epoch, sequence: gap.to === null ? Number.MAX_SAFE_INTEGER : gap.to + 1 };
      yield { ...gap, from: Math.max(gap.from, known.sequence) };
    } else if (known !== undefined) yield gap;
  }

  /** `since`: begins at the group that the room received at about that time (ms since 1970). */
  async *#segment(segment: Segment, since: number | undefined): AsyncGenerator<SubscriberEvent, Done, undefined> {
    const { track } = this;
    const { epoch, first, next, init } = segment;
    const known = this.#position;
    const isKnown = known?.epoch === epoch;
    if (isKnown && next <= known.sequence) return "read";
    const from = isKnown ? Math.max(first, known.sequence) : known === undefined ? begin(segment, since) : first;
    const isNew = !this.#hasBegun || segment.discontinuity;
    const bytes = await this.#recordings.bytes(segment.url, segment.bytes);
    if (bytes === "gone") {
      this.#position = { epoch, sequence: next };
      yield { type: "gap", track, epoch, from: isKnown ? known.sequence : from, to: next - 1, reason: "history" };
      return "read";
    }
    if (!(bytes instanceof Uint8Array)) return bytes ?? "lost";
    if (isKnown && known.sequence < first) {
      yield { type: "gap", track, epoch, from: known.sequence, to: first - 1, reason: "history" };
    }
    if (segment.format !== this.#format) {
      this.#format = segment.format;
      yield { type: "format", track, epoch, format: segment.format };
    }
    const [initName] = init?.url.split("?") ?? [];
    if (init !== null && (isNew || initName !== this.#initName)) {
      const payload = await this.#recordings.bytes(init.url, init.bytes);
      if (payload instanceof Uint8Array) yield { type: "init", track, epoch, sequence: first, payload };
    }
    this.#initName = initName;
    this.#hasBegun = true;
    for (const event of framesOf(track, segment, bytes, from, isNew)) {
      if (event.type !== "init") this.#position = { epoch, sequence: event.sequence + 1 };
      yield event;
    }
    return "read";
  }
}

/** The index of the group that was current at `since`, by the publisher's clock; the beginning if there is none. */
function begin({ first, keys, beganAt, receivedAt, unpacked }: Segment, since: number | undefined): number {
  if (since === undefined) return first;
  const time = beganAt + (since - receivedAt);
  const before = keys.filter((key) => (unpacked[key - first]?.timestamp ?? 0) <= time);
  return before.at(-1) ?? keys[0] ?? first;
}

type Told = FrameEvent | InitEvent | EndEvent;

/** Frames from `from` on. `isNew`: also yields the init that precedes them in the segment. */
function* framesOf(track: string, segment: Segment, bytes: Uint8Array, from: number, isNew: boolean): Generator<Told> {
  const { epoch, first } = segment;
  let offset = 0;
  let init: Told | undefined;
  for (const [index, { flags, bytes: size, timestamp }] of segment.unpacked.entries()) {
    const sequence = first + index;
    const payload = bytes.subarray(offset, offset + size);
    offset += size;
    if (sequence < from) {
      if ((flags & Flag.init) !== 0) init = { type: "init", track, epoch, sequence, payload };
      continue;
    }
    if (init !== undefined && isNew) yield init;
    init = undefined;
    const isMark = (flags & Flag.end) !== 0 && size === 0;
    const frame: FrameEvent = { type: "frame", track, epoch, sequence, flags, timestamp, payload };
    yield isMark ? { type: "end", track, epoch, sequence } : frame;
  }
}

/** Removes the items before `id` from the front. */
function takeBefore<T extends { readonly id: number }>(all: T[], id: number): T[] {
  const count = all.findIndex((one) => one.id >= id);
  return all.splice(0, count < 0 ? all.length : count);
}
