// The reason why the bridge refused or cut off a producer: a stable code and a text, for its `ERROR` line and the log.
import { RefusedError } from "../client/index.ts";
import { ProtocolError } from "../protocol/errors.ts";

/**
 * A refusal by the bridge itself. The room's own refusals are `RefusedError`, the producer's mistakes `ProtocolError`.
 */
export class BridgeRefusal extends Error {
  override readonly name = "BridgeRefusal";
  readonly code: "bridge_full" | "address_full" | "idle_timeout" | "going_away" | "room_unreachable" | "producer_gone";

  constructor(code: BridgeRefusal["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The code and the text of any error; `undefined` for a bug of the bridge. */
export function explain(error: unknown): { code: string; text: string } | undefined {
  if (error instanceof BridgeRefusal || error instanceof ProtocolError) {
    return { code: error.code, text: error.message };
  }
  if (!(error instanceof RefusedError)) return undefined;
  const { code, status, detail } = error;
  const how = status === undefined ? "" : ` (HTTP ${status})`;
  return { code, text: `the room refused${how}${detail === undefined ? "" : `: ${detail}`}` };
}

/** The line `ERROR <code> <text>`, printable ASCII, at most 512 characters. */
export function errorLine({ code, text }: { code: string; text: string }): string {
  return `${`ERROR ${code} ${text}`.replace(/[^\x20-\x7e]/g, "?").slice(0, 511)}\n`;
}
