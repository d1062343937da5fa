// The origin alone: frames into its core, with links to relays with many subscribers, in addition to its own
// subscribers. Sinks only count.
import { encodeMessage, Flag, FrameType } from "../../protocol/frame.ts";
import { MAX_OBJECT_SUBSCRIBERS } from "../../worker/core/growth-limits.ts";
import { MemoryStore } from "../../worker/core/memory-store.ts";
import { HINTS } from "../../worker/core/region.ts";
import { relayId } from "../../worker/core/relay-id.ts";
import { writeRelay } from "../../worker/core/relay-rows.ts";
import { RoomCore } from "../../worker/core/room.ts";
import { DEFAULT_LIMITS } from "../../worker/core/room-settings.ts";
import type { Sink } from "../../worker/core/sink.ts";
import type { Emit } from "../report.ts";
import { median, round } from "../stats.ts";

/** One case. */
export interface OriginCase {
  /** The origin's own subscribers, in addition to the links. */
  readonly subscribers: number;
  readonly links: number;
  /** Subscribers at relays, of all links together. */
  readonly atRelays: number;
  readonly payloadBytes: number;
  readonly seconds: number;
  readonly rounds: number;
}

const ROOM = "bench";
const GROUP_FRAMES = 30;
/** Time for links to come up, and for the first load reports. */
const WARM_UP_SECONDS = 20;
/** On the room's clock: with a thousand subscribers, this is below the send budget. */
const FRAMES_PER_SECOND = 10;
/** The core's ticks run twice a second. Their work is upkeep, because it does not depend on the frame rate. */
const FRAMES_PER_TICK = 5;
const WHO = { subject: undefined, jti: "bench", issuedAt: 0, expiresAt: null };

/** Measures one case: the cost of a frame, and of the upkeep: reports of relays, and growth. */
export function origin(one: OriginCase, emit: Emit): void {
  const [perFrame, perSecond]: [number[], number[]] = [[], []];
  let sends = 0;
  for (let turn = 0; turn <= one.rounds; turn++) {
    const run = new Run(one);
    run.seconds(WARM_UP_SECONDS);
    const { frameUs, upkeepUs } = run.seconds(one.seconds);
    // The first round is a warm-up and is not counted.
    if (turn === 0) continue;
    perFrame.push(frameUs / (one.seconds * FRAMES_PER_SECOND));
    perSecond.push(upkeepUs / one.seconds);
    sends = run.sends / (one.seconds * FRAMES_PER_SECOND);
  }
  emit({
    bench: "relays-origin",
    direct_subscribers: one.subscribers,
    links: one.links,
    relay_subscribers: one.atRelays,
    relays: relaysOf(one).length,
    payload_bytes: one.payloadBytes,
    frames: one.seconds * FRAMES_PER_SECOND,
    rounds: one.rounds,
    sends_per_frame: round(sends),
    us_per_frame: round(median(perFrame)),
    upkeep_us_per_second: round(median(perSecond)),
  });
}

/** The number of relays for these subscribers, but at least one for each link. */
function relaysOf({ links, atRelays }: OriginCase): string[] {
  const count = Math.max(links, Math.ceil(atRelays / MAX_OBJECT_SUBSCRIBERS));
  return Array.from({ length: links === 0 ? 0 : count }, (_, index) => {
    const region = HINTS[(index % links) % HINTS.length] ?? "enam";
    return relayId({ room: ROOM, region, index: Math.floor(index / Math.min(links, HINTS.length)) });
  });
}

class Run {
  sends = 0;
  readonly #one: OriginCase;
  readonly #relays: readonly string[];
  readonly #core: RoomCore;
  readonly #dials: [string, number][] = [];
  /** Open links, with the generation of each. */
  readonly #links = new Map<string, number>();
  readonly #sink: Sink;
  #now = 1_000_000_000_000;
  #sequence = 0;

  constructor(one: OriginCase) {
    this.#one = one;
    this.#relays = relaysOf(one);
    this.#sink = {
      send: (message) => void (typeof message === "string" || this.sends++),
      close: () => {},
      bufferedBytes: () => 0,
      lastPong: () => this.#now,
      save: () => {},
    };
    this.#core = this.#newCore();
    this.#join();
  }

  /** Runs some seconds of frames and upkeep. Returns the processor time of both, in microseconds. */
  seconds(count: number): { frameUs: number; upkeepUs: number } {
    this.sends = 0;
    const took = { frameUs: 0, upkeepUs: 0 };
    for (let second = 0; second < count; second++) {
      const reports = this.#reports();
      took.upkeepUs += processorUs(() => this.#upkeep(reports));
      for (let left = FRAMES_PER_SECOND; left > 0; left -= FRAMES_PER_TICK) {
        const messages = Array.from({ length: FRAMES_PER_TICK }, () => this.#nextMessage());
        took.frameUs += processorUs(() => {
          for (const bytes of messages) this.#frame(bytes);
        });
        took.upkeepUs += processorUs(() => this.#tick());
      }
    }
    return took;
  }

  /** Each link reports, and the origin checks its own load. */
  #upkeep(reports: readonly (readonly [relay: string, text: string])[]): void {
    for (const [relay, text] of reports) {
      this.#core.node.links.text(this.#now, relay, this.#links.get(relay) ?? 0, text);
      this.#settle();
    }
    this.#core.relays.look(this.#now, true);
  }

  #tick(): void {
    if ((this.#core.dueAt ?? Number.POSITIVE_INFINITY) <= this.#now) this.#core.tick(this.#now);
    this.#settle();
  }

  #frame(bytes: Uint8Array): void {
    this.#now += 1000 / FRAMES_PER_SECOND;
    this.#core.binary(this.#now, "p", bytes);
    this.#settle();
  }

  #newCore(): RoomCore {
    const kv = new MemoryStore();
    for (const id of this.#relays) writeRelay(kv, { id, openedAt: this.#now, draining: false });
    const limits = {
      ...DEFAULT_LIMITS,
      maxObjectSubscribers: MAX_OBJECT_SUBSCRIBERS,
      maxRelays: 10_000,
      hintsOff: false,
    };
    const shell = {
      mintEpoch: () => "epoch0",
      random: () => 0.5,
      dial: (relay: string, generation: number) => void this.#dials.push([relay, generation]),
      post: () => {},
      assign: () => {},
      dismiss: () => {},
      move: () => {},
    };
    const core = new RoomCore(ROOM, kv, limits, shell, this.#now);
    core.create(this.#now, ROOM, {});
    return core;
  }

  #join(): void {
    const subscription = { framed: true, tracks: ["main"], start: { at: "group" }, delivery: "live" } as const;
    const publication = { track: "main", resume: null, unacknowledged: null, takeover: false };
    this.#core.join(this.#now, "p", { role: "publish", who: WHO, publication }, this.#sink);
    for (let index = 0; index < this.#one.subscribers; index++) {
      this.#core.join(this.#now, `s${index}`, { role: "subscribe", who: WHO, subscription }, this.#sink);
    }
    // The tree gives the origin one link for each region. A regional relay has more, with the same code.
    if (this.#one.links > HINTS.length)
      this.#core.node.links.set(this.#now, this.#relays.slice(0, this.#one.links), true);
    this.#settle();
  }

  /** The shell's work after each event: dialled links come up. */
  #settle(): void {
    const { links } = this.#core.node;
    for (const [relay, generation] of this.#dials.splice(0)) {
      this.#links.set(relay, generation);
      links.opened(this.#now, relay, generation, this.#sink);
      links.text(this.#now, relay, generation, JSON.stringify({ type: "attach", version: 1, positions: [] }));
    }
    if (this.#core.isUnsaved(this.#now)) this.#core.save(this.#now);
    void this.#core.dueAt;
  }

  /** At each relay, a subscriber came or left, so that there is something to report. */
  #reports(): [string, string][] {
    const each = Math.floor(this.#one.atRelays / Math.max(1, this.#relays.length));
    const subscribers = each + (Math.floor(this.#now / 1000) % 2);
    const load = { subscribers, sendsPerSecond: subscribers * 10, queuedBytes: 0 };
    const below = new Map([...this.#links.keys()].map((link) => [link, [] as string[]]));
    for (const [index, id] of this.#relays.entries()) below.get([...below.keys()][index % below.size] ?? "")?.push(id);
    return [...below].map(([link, ids]) => [
      link,
      JSON.stringify({ type: "load", loads: ids.map((id) => ({ id, ...load })) }),
    ]);
  }

  #nextMessage(): Uint8Array {
    const sequence = this.#sequence++;
    const flags = sequence % GROUP_FRAMES === 0 ? Flag.key : 0;
    const payload = new Uint8Array(this.#one.payloadBytes);
    return encodeMessage([{ type: FrameType.frame, flags, track: 0, sequence, timestamp: 0, payload }]);
  }
}

/** Processor time of `run`, without other work on the machine. */
function processorUs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
