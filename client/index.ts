// The client library. The environments are apart: `browser.ts` for browsers, `node.ts` for Node.
export type { Token } from "./connection-options.ts";
export type { Environment, HttpAnswer, HttpRequest, Refusal, Socket, SocketClose } from "./environment.ts";
export type { FrameEvent, SubscriberEvent } from "./events.ts";
export { Publisher } from "./publisher.ts";
export { ON_FULL, type OnFull, type PublisherOptions, type PublisherStats } from "./publisher-options.ts";
export { RefusedError } from "./refused-error.ts";
export { Subscriber, type SubscriberOptions, type SubscriberStats } from "./subscriber.ts";
