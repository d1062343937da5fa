// Copies the data of a subscriber into a stream: payload bytes and nothing else.
import { once } from "node:events";
import type { Writable } from "node:stream";
import type { SubscriberEvent } from "../client/index.ts";

/**
 * Copies payloads, and each new init, until the events end, or, with `untilOffline`, until the source does. Reports
 * events on stderr.
 */
export async function copyRoom(
  events: AsyncIterable<SubscriberEvent>,
  out: Writable,
  { untilOffline = false } = {},
): Promise<void> {
  let hasBegun = false;
  let written: Uint8Array | undefined;
  for await (const event of events) {
    if (event.type === "frame") {
      hasBegun = true;
      await write(out, event.payload);
    } else if (event.type === "init") {
      if (written === undefined || Buffer.compare(written, event.payload) !== 0) await write(out, event.payload);
      written = event.payload;
    } else {
      const text = describe(event);
      if (text !== undefined) process.stderr.write(`roomcast: ${text}\n`);
      const isOver = event.type === "source" && event.state === "offline" && hasBegun;
      if (untilOffline && (isOver || event.type === "end")) return;
    }
  }
}

async function write(out: Writable, payload: Uint8Array): Promise<void> {
  if (!out.write(payload)) await once(out, "drain");
}

function describe(event: SubscriberEvent): string | undefined {
  switch (event.type) {
    case "gap":
      return `gap from ${event.epoch}.${event.from} to ${event.to ?? "the end"} (${event.reason})`;
    case "source":
      return `the source is ${event.state}`;
    case "connection":
      return `connection ${event.state}`;
    default:
      return undefined;
  }
}
