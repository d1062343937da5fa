// Reads the bridge's answers: short lines.

const MAX_REPLY_BYTES = 4096;

/** The lines from `source`, without their newlines. A line that is longer than any bridge sends is an error. */
export async function* readReplies(source: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  let pending = "";
  for await (const chunk of source) {
    const lines = (pending + Buffer.from(chunk).toString("latin1")).split("\n");
    pending = lines.pop() ?? "";
    if (pending.length > MAX_REPLY_BYTES) throw new Error("the answer is too long: this is not a Roomcast bridge");
    yield* lines;
  }
}
