// The cost of events on the frame path: the same frames into a room with and without its journal, in turns. Sinks only
// count.
import { encodeMessage, Flag, FrameType } from "../protocol/frame.ts";
import { JournaledRoom } from "../worker/core/journaled-room.ts";
import { MemoryStore } from "../worker/core/memory-store.ts";
import { RoomCore } from "../worker/core/room.ts";
import { DEFAULT_LIMITS } from "../worker/core/room-settings.ts";
import type { Sink } from "../worker/core/sink.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";

export interface JournalCase {
  readonly subscribers: number;
  readonly payloadBytes: number;
  readonly frames: number;
  readonly rounds: number;
}

const GROUP_FRAMES = 30;
const FRAMES_PER_SECOND = 30;
const WHO = { subject: undefined, jti: "bench", issuedAt: 0, expiresAt: null };

/** Measures one case: everything that an object does for its frames, including ticks. */
export function journal(one: JournalCase, emit: Emit): void {
  const us: Record<"told" | "silent", number[]> = { told: [], silent: [] };
  let rows = 0;
  for (let turn = 0; turn <= one.rounds; turn++) {
    for (const kind of ["told", "silent"] as const) {
      const run = runOf(one, kind === "told");
      if (turn > 0) us[kind].push(run.microseconds / one.frames);
      if (kind === "told") rows = run.rows;
    }
  }
  const [told, silent] = [median(us.told), median(us.silent)];
  emit({
    bench: "journal",
    subscribers: one.subscribers,
    payload_bytes: one.payloadBytes,
    frames: one.frames,
    rounds: one.rounds,
    us_per_frame_told: round(told),
    us_per_frame_silent: round(silent),
    told_over_silent: round(told / silent),
    rows_written: rows,
  });
}

function runOf(one: JournalCase, isTold: boolean): { readonly microseconds: number; readonly rows: number } {
  let now = 1_000_000_000_000;
  let rows = 0;
  const kv = new MemoryStore();
  const counted = {
    get: <T>(key: string) => kv.get<T>(key),
    list: <T>(options?: { prefix?: string }) => kv.list<T>(options),
    put: <T>(key: string, value: T) => {
      rows++;
      kv.put(key, value);
    },
    delete: (key: string) => kv.delete(key),
  };
  const sink: Sink = { send: () => {}, close: () => {}, bufferedBytes: () => 0, lastPong: () => now, save: () => {} };
  const nothing = () => {};
  const shell = { mintEpoch: () => "epoch0", random: () => 0.5, dial: nothing, post: nothing };
  const relays = { assign: nothing, dismiss: nothing, move: nothing };
  const limits = { ...DEFAULT_LIMITS, maxObjectSubscribers: 5000, maxRelays: 0, hintsOff: false };
  // The queue accepts everything at once.
  const post = isTold ? (_: object, done: (isTaken: boolean) => void) => done(true) : undefined;
  const room: JournaledRoom = new JournaledRoom(() => core, counted, post, now);
  const core = new RoomCore("bench", room.kv, limits, { ...shell, ...relays }, now);
  core.create(now, "bench", {});
  const publication = { track: "main", resume: null, unacknowledged: null, takeover: false };
  core.join(now, "p", { role: "publish", who: WHO, publication }, sink);
  const subscription = { framed: true, tracks: null, start: { at: "group" }, delivery: "live" } as const;
  for (let index = 0; index < one.subscribers; index++) {
    core.join(now, `s${index}`, { role: "subscribe", who: WHO, subscription }, sink);
  }
  room.acted(now);
  const payload = new Uint8Array(one.payloadBytes);
  const messages = Array.from({ length: one.frames }, (_, sequence) => {
    const flags = sequence % GROUP_FRAMES === 0 ? Flag.key : 0;
    return encodeMessage([{ type: FrameType.frame, flags, track: 0, sequence, timestamp: 0, payload }]);
  });
  const begin = process.cpuUsage();
  for (const bytes of messages) {
    now += 1000 / FRAMES_PER_SECOND;
    room.binary(now, "p", bytes);
    if ((room.dueAt ?? Number.POSITIVE_INFINITY) <= now) {
      room.tick(now);
      room.acted(now);
    }
    if (room.isUnsaved(now)) room.save(now);
  }
  const { user, system } = process.cpuUsage(begin);
  return { microseconds: user + system, rows };
}
