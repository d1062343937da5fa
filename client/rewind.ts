// A start in the past: the recording provides the frames that the room's history no longer has.
import { ProtocolError } from "../protocol/errors.ts";
import { formatPosition, type Position, parseStart, type Start } from "../protocol/position.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import type { FrameEvent, GapEvent, SubscriberEvent } from "./events.ts";
import { Recordings } from "./recording.ts";
import { Replay } from "./replay.ts";

/** The room's history covers a shorter past. A segment of a recording is available only after some seconds. */
const LEAST_SECONDS = 10;

type PastStart = Start & { readonly at: "rewind" | "position" };

/** Reads the recordings of a room for one subscriber, from its start to their end, and fills later gaps. */
export class Rewind {
  readonly #options: ConnectionOptions;
  readonly #names: readonly string[] | undefined;
  readonly #recordings: Recordings;
  readonly #start: PastStart;
  readonly #replays: Replay[] = [];

  private constructor(options: ConnectionOptions, names: readonly string[] | undefined, start: PastStart) {
    this.#options = options;
    this.#names = names;
    this.#recordings = new Recordings(options);
    this.#start = start;
  }

  /**
   * Returns undefined if the start is not that far back, or if the environment cannot fetch. `names`: the wanted
   * tracks; undefined: all.
   */
  static of(
    options: ConnectionOptions,
    names: readonly string[] | undefined,
    start: string | undefined,
  ): Rewind | undefined {
    if (start === undefined || options.environment.download === undefined) return undefined;
    const parsed = startOf(start);
    const isPast = parsed?.at === "position" || (parsed?.at === "rewind" && parsed.seconds > LEAST_SECONDS);
    return isPast ? new Rewind(options, names, parsed) : undefined;
  }

  /** The position at which the room should continue, in the form of `?start=`; undefined if nothing was replayed. */
  get position(): string | undefined {
    const reached = this.#replays.flatMap(({ track, position }) =>
      position === undefined ? [] : [`${track}:${formatPosition(position)}`],
    );
    return reached.length === 0 ? undefined : reached.join(",");
  }

  /** Yields everything stored from the start on, with all tracks together in the order of their times. */
  async *events(): AsyncGenerator<SubscriberEvent, void, undefined> {
    const recorded = await this.#recordings.list();
    const tracks = recorded.map(({ track }) => track).filter((track) => this.#names?.includes(track) ?? true);
    const sources = tracks.flatMap((track) => {
      const [start, position] = this.#startIn(track, tracks.length);
      if (start === undefined) return [];
      const replay = new Replay(this.#recordings, this.#options.environment, track, position);
      this.#replays.push(replay);
      return [replay.events(start)];
    });
    yield* merged(sources);
  }

  /** Yields frames that the room no longer has, as far as they were recorded. */
  fill(gap: GapEvent): AsyncGenerator<SubscriberEvent, void, undefined> {
    return new Replay(this.#recordings, this.#options.environment, gap.track).fill(gap);
  }

  #startIn(track: string, tracks: number): [string | undefined, Position | undefined] {
    if (this.#start.at === "rewind") return [`-${this.#start.seconds}`, undefined];
    const found = this.#start.positions.find((one) => one.track === track || (one.track === null && tracks === 1));
    return [found && formatPosition(found), found];
  }
}

function startOf(text: string): Start | undefined {
  try {
    return parseStart(text);
  } catch (error) {
    // The room will report the error.
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The events of several tracks, merged: the next event is always from the track with the oldest next frame. */
async function* merged(
  sources: readonly AsyncGenerator<SubscriberEvent, void, undefined>[],
): AsyncGenerator<SubscriberEvent, void, undefined> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    const open = heads.filter(({ next }) => next.done !== true);
    const [oldest] = open.sort((one, other) => timeOf(one.next.value) - timeOf(other.next.value));
    if (oldest === undefined) return;
    if (oldest.next.value !== undefined) yield oldest.next.value;
    oldest.next = await oldest.source.next();
  }
}

/** An event that is not a frame goes with the next frame. */
function timeOf(event: unknown): number {
  const { type, timestamp } = (event ?? {}) as Partial<FrameEvent>;
  return type === "frame" && timestamp !== undefined ? timestamp : Number.NEGATIVE_INFINITY;
}
