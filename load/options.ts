// The options of a load. Processes exchange them as JSON.
import type { OwnFrames } from "./accounting/plain-account.ts";
import type { Destination } from "./destination.ts";
import type { Mode } from "./wire-socket.ts";

/** The options of every subscriber. */
export interface SubscriberOptions {
  /** The http(s) base of the Worker. */
  readonly url: string;
  readonly room: string;
  readonly token: string;
  readonly mode: Mode;
  /** Default: all tracks for a framed subscriber, `main` for a plain one. */
  readonly track?: string | undefined;
  /** The frames of the load's own publisher, if it has one. */
  readonly own?: OwnFrames | undefined;
}

/** The subscribers of one process. */
export interface CrowdOptions extends SubscriberOptions {
  readonly subscribers: number;
  /** They join one after the other within this time. */
  readonly rampMs: number;
  readonly destination: Destination;
}

/** The options of the own publisher. */
export interface PublisherOptions {
  readonly url: string;
  readonly room: string;
  readonly token: string;
  readonly track: string;
  readonly framesPerSecond: number;
  /** Bytes of a payload, including its stamp. */
  readonly frameBytes: number;
  /** The run in its stamps. */
  readonly run: number;
}

/** A whole load. */
export interface LoadOptions extends Omit<SubscriberOptions, "own"> {
  readonly subscribers: number;
  readonly rampSeconds: number;
  /** From the end of the ramp to the end of the load. */
  readonly seconds: number;
  readonly processes: number;
  readonly publish?: Pick<PublisherOptions, "token" | "framesPerSecond" | "frameBytes"> | undefined;
}
