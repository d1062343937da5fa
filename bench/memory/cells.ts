// Subscribers times frame size: the growth of a room while it sends to many at once.
import { setTimeout as sleep } from "node:timers/promises";
import { drain } from "../load/drain.ts";
import { BenchPublisher } from "../load/publisher.ts";
import { runRound } from "../load/round.ts";
import { type BenchSubscriber, joinAll } from "../load/subscriber.ts";
import { round } from "../stats.ts";
import type { RoomcastTarget } from "../targets/roomcast.ts";
import type { Found, Measure, Row } from "./row.ts";

const MIB = 1024 * 1024;
const GROUP_BYTES = 4 * MIB;
/** Bytes of one cell, to all subscribers together, but at least two frames. */
const CELL_BYTES = 1536 * MIB;
/** If some subscribers read nothing, more than the kernel takes in their place. */
const STALLING_BYTES = 12 * MIB;
const CELL_SECONDS = 30;
const SETTLE_MS = 300;
/** The close of a connection that was cut. */
const CUT = "1006 ";

/** All subscribers read as fast as they can; half of them read nothing; all join at once. */
const KINDS: Readonly<Record<string, (subscribers: number, frameBytes: number) => Pick<Row, "idle" | "measure">>> = {
  healthy: (subscribers, frameBytes) => ({ measure: streaming(subscribers, 0, frameBytes) }),
  stalled: (subscribers, frameBytes) => ({ measure: streaming(subscribers / 2, subscribers / 2, frameBytes) }),
  joining,
};

/** Every cell of the table. */
export function cellsOf(subscribers: readonly number[], frameKib: readonly number[]): Row[] {
  return Object.entries(KINDS).flatMap(([kind, measuresOf]) =>
    subscribers.flatMap((count) =>
      frameKib.map((kib) => ({
        ...{ kind, labels: { subscribers: count, frame_kib: kib } },
        ...measuresOf(count, kib * 1024),
      })),
    ),
  );
}

/**
 * A stream as fast as the room accepts it, to `healthy` subscribers that read, and to `stalled` ones that read nothing
 * until it is over.
 */
function streaming(healthy: number, stalled: number, frameBytes: number): Measure {
  return async (target, idle) => {
    const readers = await joinAll(target, healthy, frameBytes);
    const stuck = await joinAll(target, stalled, frameBytes);
    const publisher = await BenchPublisher.join(target, frameBytes, groupFramesOf(frameBytes));
    await sleep(SETTLE_MS);
    for (const subscriber of stuck) subscriber.stall();
    idle();
    const streamBytes = Math.max(CELL_BYTES / (healthy + stalled), stalled > 0 ? STALLING_BYTES : 0);
    const frames = Math.max(2, Math.ceil(streamBytes / frameBytes));
    const load = { payloadBytes: frameBytes, windowBytes: Number.POSITIVE_INFINITY, seconds: CELL_SECONDS, frames };
    const outcome = await runRound(target.pid, publisher, readers, load);
    for (const subscriber of stuck) subscriber.resume();
    await drain([...readers, ...stuck], publisher.published);
    return foundOf([...readers, ...stuck], publisher.published, { stream_seconds: round(outcome.seconds, 3) });
  };
}

/**
 * All subscribers join a room at once whose current group has `GROUP_BYTES`, or one frame if that is larger. Idle: they
 * wait for the next group.
 */
function joining(subscribers: number, frameBytes: number): Pick<Row, "idle" | "measure"> {
  const frames = groupFramesOf(frameBytes);
  const fill = async (target: RoomcastTarget) => {
    const publisher = await BenchPublisher.join(target, frameBytes, frames);
    for (let frame = 0; frame < frames; frame++) publisher.publish(1);
    const [first] = await joinAll(target, 1, frameBytes);
    if (first === undefined) throw new Error("nobody joined");
    await drain([first], frames);
  };
  return {
    idle: async (target) => {
      await fill(target);
      const subscriber = { ...target.subscriber, path: `${target.subscriber.path}&start=live` };
      await joinAll({ ...target, subscriber }, subscribers, frameBytes, subscribers);
      await sleep(SETTLE_MS);
    },
    measure: async (target) => {
      await fill(target);
      const startedAt = performance.now();
      const all = await joinAll(target, subscribers, frameBytes, subscribers);
      await drain(all, frames);
      return foundOf(all, frames, { join_seconds: round((performance.now() - startedAt) / 1000, 3) });
    },
  };
}

/** Frames of a group of `GROUP_BYTES`. */
export function groupFramesOf(frameBytes: number): number {
  return Math.max(1, Math.floor(GROUP_BYTES / frameBytes));
}

/**
 * Accounts for the frames `0` to `published`. A close by the room reports missing frames; a cut connection does not.
 */
export function foundOf(
  subscribers: readonly BenchSubscriber[],
  published: number,
  figures: Readonly<Record<string, number>>,
): Found {
  const open = subscribers.filter(({ ended }) => ended === undefined || ended.startsWith(CUT));
  const sum = (of: (subscriber: BenchSubscriber) => number) => subscribers.reduce((total, one) => total + of(one), 0);
  return {
    lost: open.reduce((total, { ledger }) => total + ledger.lost(published), 0),
    figures: {
      published_frames: published,
      delivered_frames: sum(({ ledger }) => ledger.frames),
      told_missing_frames: sum(({ ledger }) => ledger.told),
      closed_by_the_room: subscribers.length - open.length,
      ...figures,
    },
  };
}
