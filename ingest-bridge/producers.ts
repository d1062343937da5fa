// The producers of a bridge, with limits for all of them and for one address, and their common end.
import type { Socket } from "node:net";
import { BridgeRefusal } from "./error-line.ts";
import type { Listen } from "./listen-url.ts";
import { formatPeer, type Peer } from "./peer.ts";
import { Session, type SessionContext } from "./session.ts";

/** All sessions of a bridge. */
export class Producers {
  readonly #context: SessionContext;
  /** Running sessions, with the promise of their end. */
  readonly #running = new Map<Session, Promise<void>>();
  readonly #byAddress = new Map<string, number>();
  #accepted = 0;
  #isDraining = false;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** Serves a producer, or tells it that there is no place for it. */
  add(socket: Socket, listen: Listen, peer: Peer): void {
    this.#accepted += 1;
    const log = this.#context.services.log.child({ producer: this.#accepted, peer: formatPeer(peer) });
    const session = new Session(socket, listen, this.#context, log);
    const refusal = this.#refusalFor(peer);
    if (refusal !== undefined) session.stop(refusal);
    this.#count(peer, 1);
    const run = session.run().finally(() => {
      this.#running.delete(session);
      this.#count(peer, -1);
    });
    this.#running.set(session, run);
  }

  /** Ends all sessions and delivers their data; resolves when the last one has ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const session of this.#running.keys()) session.stop(goingAway());
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /** Ends all sessions at once. */
  async destroy(): Promise<void> {
    this.#isDraining = true;
    for (const session of this.#running.keys()) session.destroy();
    await Promise.all(this.#running.values());
  }

  #refusalFor({ address }: Peer): BridgeRefusal | undefined {
    const { maxConnections, maxConnectionsPerAddress: most } = this.#context.config;
    if (this.#isDraining) return goingAway();
    if (this.#running.size >= maxConnections) {
      return new BridgeRefusal("bridge_full", `the bridge accepts at most ${maxConnections} producers`);
    }
    if (most === 0 || (this.#byAddress.get(address) ?? 0) < most) return undefined;
    return new BridgeRefusal("address_full", `the bridge accepts at most ${most} producers from one address`);
  }

  #count({ address }: Peer, change: 1 | -1): void {
    const count = (this.#byAddress.get(address) ?? 0) + change;
    if (count === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count);
  }
}

function goingAway(): BridgeRefusal {
  return new BridgeRefusal("going_away", "the bridge is shutting down");
}
