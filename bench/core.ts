// The core alone: frames into `Hub.binary`, for subscribers whose sinks only count. The platform's cost is not
// included.
import { encodeMessage, Flag, FrameType } from "../protocol/frame.ts";
import { ByteBudget } from "../worker/core/byte-budget.ts";
import { Hub } from "../worker/core/hub.ts";
import { Members } from "../worker/core/members.ts";
import { Registry } from "../worker/core/registry.ts";
import type { Sink } from "../worker/core/sink.ts";
import { DEFAULT_TUNING } from "../worker/core/tuning.ts";
import type { Emit } from "./report.ts";
import { median, round } from "./stats.ts";

/** One case. */
export interface CoreCase {
  readonly subscribers: number;
  readonly payloadBytes: number;
  readonly framed: boolean;
  /** Time between two frames, on the room's clock: below the send budget, frames leave at once; above it, gathered. */
  readonly everyMs: number;
  readonly rounds: number;
  readonly frames: number;
}

const GROUP_FRAMES = 30;
const WHO = { subject: undefined, jti: "bench", issuedAt: 0, expiresAt: null };

/** Measures one case. */
export function core(one: CoreCase, emit: Emit): void {
  const nanoseconds: number[] = [];
  for (let turn = 0; turn <= one.rounds; turn++) {
    const { seconds, sends } = run(one);
    if (turn > 0) nanoseconds.push((seconds * 1e9) / (one.frames * one.subscribers));
    if (turn < one.rounds) continue;
    const perDelivery = median(nanoseconds);
    emit({
      bench: "core",
      target: one.framed ? "hub-framed" : "hub-plain",
      subscribers: one.subscribers,
      payload_bytes: one.payloadBytes,
      every_ms: one.everyMs,
      frames: one.frames,
      rounds: one.rounds,
      frames_per_send: round((one.frames * one.subscribers) / sends, 3),
      ns_per_delivered_frame: round(perDelivery),
      delivered_frames_per_second: round(1e9 / perDelivery),
    });
  }
}

function run(one: CoreCase): { seconds: number; sends: number } {
  let now = 1_000_000_000_000;
  let sends = 0;
  const registry = new Registry(new ByteBudget(DEFAULT_TUNING));
  const members = new Members(
    registry,
    () => ({ presence: false, memberMessages: false }),
    () => {},
  );
  const hub = new Hub(
    () => "bench",
    DEFAULT_TUNING,
    () => "epoch0",
    registry,
    members,
  );
  const sink: Sink = {
    send: (message) => {
      if (typeof message !== "string") sends++;
    },
    close: () => {},
    bufferedBytes: () => 0,
    // Otherwise they would be closed as silent after half a minute of the room's clock.
    lastPong: () => now,
    save: () => {},
  };
  for (let index = 0; index < one.subscribers; index++) {
    const subscription = { framed: one.framed, tracks: ["main"], start: { at: "group" }, delivery: "live" } as const;
    hub.subscribe(now, `s${index}`, WHO, subscription, sink);
  }
  hub.publish(now, "p", WHO, { track: "main", resume: null, unacknowledged: null, takeover: false }, sink);
  const messages = Array.from({ length: one.frames }, (_, sequence) => message(sequence, one.payloadBytes));
  sends = 0;
  const startedAt = performance.now();
  for (const bytes of messages) {
    now += one.everyMs;
    if ((hub.dueAt ?? Number.POSITIVE_INFINITY) <= now) hub.tick(now);
    hub.binary(now, "p", bytes);
  }
  hub.tick(now + DEFAULT_TUNING.gatherMs);
  return { seconds: (performance.now() - startedAt) / 1000, sends };
}

function message(sequence: number, payloadBytes: number): Uint8Array {
  const flags = sequence % GROUP_FRAMES === 0 ? Flag.key : 0;
  const payload = new Uint8Array(payloadBytes);
  return encodeMessage([{ type: FrameType.frame, flags, track: 0, sequence, timestamp: 0, payload }]);
}
