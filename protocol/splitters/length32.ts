// The framing `length32`: records, each behind its length as a big-endian u32.
import { ProtocolError } from "../errors.ts";
import { Flag } from "../frame.ts";
import { MAX_PAYLOAD_BYTES } from "../limits.ts";
import type { Splitter } from "../splitter.ts";
import { u32 } from "./bytes.ts";
import { FailingSplitter } from "./failing.ts";
import { Gather } from "./gather.ts";

const LENGTH_BYTES = 4;

/**
 * Every record is a frame and a join point, including empty records. Holds back one record. Errors: `record_too_large`
 * as soon as the length is known to exceed MAX_PAYLOAD_BYTES; `stream_truncated` for an end inside a record.
 */
export function length32Splitter(): Splitter {
  return new Length32Splitter();
}

class Length32Splitter extends FailingSplitter {
  #reading: "length" | "payload" = "length";
  #wantedBytes = LENGTH_BYTES;
  readonly #gathered = new Gather();

  get heldBytes(): number {
    return this.#gathered.length;
  }

  protected read(chunk: Uint8Array): void {
    let at = 0;
    for (;;) {
      const end = Math.min(chunk.length, at + this.#wantedBytes - this.#gathered.length);
      this.#gathered.append(chunk.subarray(at, end), this.#wantedBytes);
      at = end;
      if (this.#gathered.length < this.#wantedBytes) return;
      this.#complete();
    }
  }

  protected finish(): void {
    if (this.#reading === "length" && this.#gathered.length === 0) return;
    throw new ProtocolError("stream_truncated", `the stream ended in the ${this.#reading} of a record`);
  }

  #complete(): void {
    const bytes = this.#gathered.take();
    if (this.#reading === "payload") {
      this.frames.push({ payload: bytes, flags: Flag.key });
      this.#reading = "length";
      this.#wantedBytes = LENGTH_BYTES;
      return;
    }
    const length = u32(bytes, 0);
    if (length > MAX_PAYLOAD_BYTES) {
      throw new ProtocolError("record_too_large", `a record of ${length} bytes; at most ${MAX_PAYLOAD_BYTES}`);
    }
    this.#reading = "payload";
    this.#wantedBytes = length;
  }
}
