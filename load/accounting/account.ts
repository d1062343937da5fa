// The interface between a load's subscriber and its account.
import type { ServerMessage } from "../../protocol/control.ts";
import type { Counts } from "./counts.ts";

/** Called for each frame that is not a duplicate; `sentAt` is set if the load's own publisher sent it. */
export type OnFrame = (sentAt: number | undefined) => void;

/** The account of one subscriber. */
export interface Account {
  /** The position to resume at, in the form of `?start=`; undefined: join as a newcomer. */
  readonly start: string | undefined;
  /** A connection begins. */
  opened(): void;
  control(message: ServerMessage): void;
  /** May throw `ProtocolError`. */
  binary(message: Uint8Array): void;
  /** Adds its current counts. `isTold`: its connection has ended, so all later frames count as reported missing. */
  addTo(counts: Counts, isTold: boolean): void;
}
