// A hub that is delivered by hand: short methods for events, and for reading the output.
import { encodeMessage, Flag, FrameType, readMessage } from "../../../../protocol/frame.ts";
import { parseStart } from "../../../../protocol/position.ts";
import type { Publication, Subscription } from "../../../../worker/core/attachment.ts";
import type { Tuning } from "../../../../worker/core/tuning.ts";
import { newHub } from "./hub.ts";
import { Wire } from "./wire.ts";

const WHO = { subject: undefined, jti: "t", issuedAt: 0, expiresAt: null };
export const FRAME_BYTES = 100;

/** A hub with short methods for events. */
export function room(settings: Partial<Tuning> = {}, countsTexts = false) {
  let ids = 0;
  let now = 1_000_000;
  const { hub, registry } = newHub(settings);
  hub.restore(now, []);
  return {
    hub,
    registry,
    get now() {
      return now;
    },
    pass(ms: number) {
      const end = now + ms;
      for (let due = hub.dueAt; due !== undefined && due <= end; due = hub.dueAt) {
        now = Math.max(now, due);
        hub.tick(now);
      }
      now = end;
    },
    subscribe(options: Partial<Omit<Subscription, "start">> & { start?: string } = {}, tellsBuffered = true) {
      const wire = new Wire(tellsBuffered, countsTexts);
      const { start = "group", ...rest } = options;
      const subscription: Subscription = {
        framed: true,
        tracks: null,
        delivery: "live",
        ...rest,
        start: parseStart(start),
      };
      const id = `s${ids++}`;
      hub.subscribe(now, id, WHO, subscription, wire);
      return Object.assign(wire, { id });
    },
    publish(options: Partial<Publication> = {}) {
      const wire = new Wire(true);
      const id = `p${ids++}`;
      hub.publish(
        now,
        id,
        WHO,
        { track: "main", resume: null, unacknowledged: null, takeover: false, ...options },
        wire,
      );
      return Object.assign(wire, {
        id,
        /** Frames `first` to `last`, one message each; those in `keys` begin a group. */
        frames(first: number, last: number, keys: readonly number[] = [], bytes = FRAME_BYTES) {
          for (let sequence = first; sequence <= last; sequence++) {
            const flags = keys.includes(sequence) ? Flag.key : 0;
            hub.binary(now, id, message(sequence, flags, bytes));
          }
        },
      });
    },
  };
}

export function message(sequence: number, flags: number, bytes = FRAME_BYTES, track = 0): Uint8Array {
  const payload = new Uint8Array(bytes).fill(sequence);
  return encodeMessage([{ type: FrameType.frame, flags, track, sequence, timestamp: 0, payload }]);
}

/** The received messages in words: sequences of frames, `init`, and the control messages of the requested types. */
export function heard(wire: Wire, ...types: string[]): (number | string)[] {
  const words: (number | string)[] = [];
  for (let one = wire.arrive(); one !== undefined; one = wire.arrive()) {
    if (typeof one !== "string") {
      for (const frame of readMessage(one)) words.push(frame.type === FrameType.init ? "init" : frame.sequence);
      continue;
    }
    if (one === "pong") continue;
    const said = JSON.parse(one);
    if (!types.includes(said.type)) continue;
    if (said.type === "gap") words.push(`gap ${said.epoch}.${said.from}-${said.to} ${said.reason}`);
    else if (said.type === "track") words.push(`track ${said.name} ${said.epoch}.${said.sequence}`);
    else if (said.type === "source") words.push(`${said.name} ${said.state}`);
    else words.push(said.type);
  }
  return words;
}
