// The common part of splitters that can fail: they return the frames cut before a failure, then throw it.
import { ProtocolError } from "../errors.ts";
import type { SplitFrame, Splitter } from "../splitter.ts";

/** A splitter whose `read` and `finish` add to `frames`, and may throw `ProtocolError`. */
export abstract class FailingSplitter implements Splitter {
  readonly isShapeless = false;
  format: string | undefined;
  protected frames: SplitFrame[] = [];
  #failure: ProtocolError | undefined;

  abstract get heldBytes(): number;
  protected abstract read(chunk: Uint8Array): void;
  /** The stream ended. */
  protected abstract finish(): void;

  get failure(): ProtocolError | undefined {
    return this.#failure;
  }

  push(chunk: Uint8Array): SplitFrame[] {
    return this.#run(() => this.read(chunk));
  }

  end(): SplitFrame[] {
    return this.#run(() => this.finish());
  }

  #run(work: () => void): SplitFrame[] {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#failure = error;
      if (this.frames.length === 0) throw error;
    }
    const { frames } = this;
    this.frames = [];
    return frames;
  }
}
