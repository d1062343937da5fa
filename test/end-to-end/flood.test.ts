// One producer at full speed: everything arrives, and the bridge does not grow.
import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startBridgeProcess } from "../support/bridge.ts";
import { createRoom, reliableToken, startTestRuntime } from "../support/local-room.ts";
import { memoryOf } from "../support/processes.ts";
import { produce } from "../support/producer.ts";
import { FramedSubscriber, type Gap } from "../support/subscribers.ts";

const MIB = 1024 * 1024;
const BLOCKS = 1024;
const MAX_BRIDGE_BYTES = 200 * MIB;
const DEADLINE_MS = 90_000;

let runtime: Runtime;

beforeAll(async () => {
  runtime = await startTestRuntime();
});

afterAll(() => runtime?.close());

/** The frames that a subscriber received or that were reported missing, by sequence. */
class Ledger {
  /** Payload bytes by sequence; `undefined` for a gap. */
  readonly #sizes: (number | undefined)[] = [];
  /** True if nothing came twice or out of order, and nothing is missing without a report. */
  isDense = true;

  add(from: number, to: number, bytes?: number): void {
    this.isDense &&= from === this.#sizes.length;
    for (let sequence = from; sequence <= to; sequence++) this.#sizes[sequence] = bytes;
  }

  get frames(): number {
    return this.#sizes.length;
  }

  /** Bytes of the frames that were reported missing to `other`. */
  missingIn(other: Ledger): number {
    return this.#sizes.reduce<number>((sum, size, at) => sum + (other.#sizes[at] === undefined ? (size ?? 0) : 0), 0);
  }
}

test(
  "W4 S2 1 GiB of raw bytes: whole for a reliable subscriber, accounted for by a live one, through a small bridge",
  async () => {
    const { room, tokens } = await createRoom(runtime.url);
    const target = { url: runtime.url, room, token: await reliableToken(room) };
    await using bridge = await startBridgeProcess(runtime.url);
    const [complete, partial] = [new Ledger(), new Ledger()];
    await using reliable = await FramedSubscriber.join(target, {
      delivery: "reliable",
      onFrame: ({ sequence, payload }) => complete.add(sequence, sequence, payload.byteLength),
    });
    await using live = await FramedSubscriber.join(target, {
      onFrame: ({ sequence, payload }) => partial.add(sequence, sequence, payload.byteLength),
      onGap: ({ from, to }: Gap) => partial.add(from, to ?? from),
    });

    const sent = createHash("sha256");
    function* blocks() {
      const noise = randomBytes(MIB);
      for (let block = 0; block < BLOCKS; block++) {
        const stamped = Buffer.from(noise);
        stamped.writeUInt32BE(block);
        sent.update(stamped);
        yield stamped;
      }
    }
    const startedAt = performance.now();
    await produce(bridge.port, { room, token: tokens.publish }, blocks());
    await reliable.received(BLOCKS * MIB, DEADLINE_MS);
    await live.until("the live one's last frame", () => partial.frames === complete.frames);
    const seconds = (performance.now() - startedAt) / 1000;

    const [now, most] = [memoryOf(bridge.process.pid, "VmRSS"), memoryOf(bridge.process.pid, "VmHWM")];
    const rate = `${((BLOCKS * MIB) / seconds / 1e6).toFixed(0)} MB/s`;
    const skipped = complete.missingIn(partial);
    console.log(`1 GiB in ${seconds.toFixed(1)} s: ${rate}; bridge: ${now / MIB} MiB, at most ${most / MIB} MiB`);
    console.log(`live subscriber: ${live.gaps.length} gaps, ${(skipped / MIB).toFixed(1)} MiB`);
    expect(reliable.gaps).toEqual([]);
    expect(reliable.bytes).toBe(BLOCKS * MIB);
    expect(reliable.sha256()).toBe(sent.digest("hex"));
    expect([complete.isDense, partial.isDense]).toEqual([true, true]);
    expect(live.gaps.filter(({ reason }) => reason !== "lagged")).toEqual([]);
    expect(live.bytes + skipped).toBe(BLOCKS * MIB);
    expect(most).toBeLessThan(MAX_BRIDGE_BYTES);
  },
  DEADLINE_MS,
);
