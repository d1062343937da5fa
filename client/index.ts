// The client library, which the package exports as `roomcast`. docs/client.md is its guide.
/**
 * Publish into rooms and subscribe to them, from browsers, Workers and Node.
 * @module roomcast
 */
import environment from "#environment";
import type { Environment } from "./environment.ts";

/**
 * The environment of this build's platform: a browser, or Node. To change a part of it: `{ ...platformEnvironment, dial
 * }`.
 */
export const platformEnvironment: Environment = environment;

export type { GapReason } from "../protocol/control.ts";
export { Flag } from "../protocol/frame.ts";
export type { Address, Json, MemberInfo, Sender, Undelivered } from "../protocol/messages.ts";
export type { Position } from "../protocol/position.ts";
export type { SplitFrame } from "../protocol/splitter.ts";
export type { Token } from "./connection-options.ts";
export type { Download, Environment, HttpAnswer, HttpRequest, Refusal, Socket, SocketClose } from "./environment.ts";
export type {
  CaughtUpEvent,
  ConnectionEvent,
  DeliveryEvent,
  EndEvent,
  FormatEvent,
  FrameEvent,
  GapEvent,
  InitEvent,
  MessageEvent,
  OccupancyEvent,
  PresenceEvent,
  SourceEvent,
  SubscriberEvent,
} from "./events.ts";
export { Publisher } from "./publisher.ts";
export { ON_FULL, type OnFull, type PublisherOptions, type PublisherStats } from "./publisher-options.ts";
export { RefusedError } from "./refused-error.ts";
export { Subscriber, type SubscriberOptions, type SubscriberStats } from "./subscriber.ts";
