// A subscriber that records everything it gets, to compare it with what was sent.
import { FramedSubscriber, type Gap, type Target } from "./subscribers.ts";

type Item = { readonly is: "frame"; readonly payload: Uint8Array } | { readonly is: "gap"; readonly gap: Gap };

/** A framed subscriber with its record. */
export class Recorder implements AsyncDisposable {
  readonly #items: Item[] = [];
  readonly #epochs: string[] = [];
  #subscriber: FramedSubscriber | undefined;

  private constructor() {}

  /** Resolves when it takes part. */
  static async join(target: Target, delivery: "live" | "reliable" = "live", only?: string): Promise<Recorder> {
    const recorder = new Recorder();
    recorder.#subscriber = await FramedSubscriber.join(target, {
      delivery,
      onFrame: ({ payload, epoch, track }) => {
        if (only !== undefined && track !== only) return;
        recorder.#items.push({ is: "frame", payload: payload.slice() });
        if (recorder.#epochs.at(-1) !== epoch) recorder.#epochs.push(epoch);
      },
      onGap: (gap) => void recorder.#items.push({ is: "gap", gap }),
    });
    return recorder;
  }

  get subscriber(): FramedSubscriber {
    if (this.#subscriber === undefined) throw new Error("not joined");
    return this.#subscriber;
  }

  /** In the order of their frames. */
  get epochs(): readonly string[] {
    return this.#epochs;
  }

  get gaps(): readonly Gap[] {
    return this.#items.flatMap((item) => (item.is === "gap" ? [item.gap] : []));
  }

  /** All payloads in a row. */
  get bytes(): Buffer {
    return Buffer.concat(this.#items.flatMap((item) => (item.is === "frame" ? [item.payload] : [])));
  }

  /** The last received bytes. */
  endsWith(bytes: Uint8Array): boolean {
    const last = this.#items.findLast((item) => item.is === "frame")?.payload ?? new Uint8Array(0);
    return Buffer.from(last).subarray(-bytes.byteLength).equals(bytes);
  }

  /** Bytes of `sent` that did not arrive. Throws if a byte is missing without a gap, arrived twice, or moved. */
  missingFrom(sent: Buffer): number {
    let at = 0;
    let missing = 0;
    let mayJump = false;
    for (const item of this.#items) {
      if (item.is === "gap") {
        if (item.gap.reason === "unknown") throw new Error(`a gap that nobody told: ${JSON.stringify(item.gap)}`);
        mayJump = true;
        continue;
      }
      const payload = Buffer.from(item.payload);
      const found = mayJump ? sent.indexOf(payload, at) : at;
      if (found < 0 || !sent.subarray(found, found + payload.length).equals(payload)) {
        throw new Error(`at byte ${at} of ${sent.length} came something else`);
      }
      missing += found - at;
      at = found + payload.length;
      mayJump = false;
    }
    return missing + (mayJump ? sent.length - at : this.#untold(sent.length - at));
  }

  #untold(bytes: number): number {
    if (bytes > 0) throw new Error(`the last ${bytes} bytes did not come`);
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscriber?.[Symbol.asyncDispose]();
  }
}
