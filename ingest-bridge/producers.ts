// The producers of a bridge: at most so many at a time, and their common end.
import type { Socket } from "node:net";
import type { Route } from "./listen-url.ts";
import { BridgeRefusal } from "./refusal.ts";
import { Session, type SessionContext } from "./session.ts";

/** All sessions of a bridge. */
export class Producers {
  readonly #context: SessionContext;
  /** What is running, with the end of its run. */
  readonly #running = new Map<Session, Promise<void>>();
  #accepted = 0;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Serves a producer, or tells it that there is no room for it. */
  add(socket: Socket, route: Route | undefined): void {
    const { config, services } = this.#context;
    this.#accepted += 1;
    const log = services.log.child({ producer: this.#accepted, peer: `${socket.remoteAddress}:${socket.remotePort}` });
    const session = new Session(socket, route, this.#context, log);
    if (this.#running.size >= config.maxConnections) {
      session.stop(new BridgeRefusal("bridge_full", `the bridge takes ${config.maxConnections} producers`));
    }
    const run = session.run().finally(() => this.#running.delete(session));
    this.#running.set(session, run);
  }

  /** Ends all sessions, delivering what they have; resolves when the last one is over. */
  async drain(): Promise<void> {
    for (const session of this.#running.keys()) {
      session.stop(new BridgeRefusal("going_away", "the bridge shuts down"));
    }
    await Promise.all(this.#running.values());
  }

  /** Ends all sessions at once. */
  async destroy(): Promise<void> {
    for (const session of this.#running.keys()) session.destroy();
    await Promise.all(this.#running.values());
  }
}
