// One object of a room as the platform runs it: its core while it is in memory, and its store and sockets, which
// survive.
import { commonVersion, type Versions } from "../../../../protocol/link.ts";
import { parseAttachment, versioned } from "../../../../worker/core/attachment-parser.ts";
import type { KeyValueStore } from "../../../../worker/core/key-value-store.ts";
import { PARKED_CODE } from "../../../../worker/core/links.ts";
import { RelayCore } from "../../../../worker/core/relay.ts";
import { RoomCore } from "../../../../worker/core/room.ts";
import type { ModelPublisher } from "./model-publisher.ts";
import type { ModelSubscriber } from "./model-subscriber.ts";
import type { Ending, TreeLink } from "./tree-link.ts";
import type { Message, Wire } from "./wire.ts";

export type Client = ModelPublisher | ModelSubscriber;

/** A message of a later version. */
const NEWS = JSON.stringify({ type: "news", what: "of a later version" });

/** A client's connection. `client` undefined: nobody reads it any more. */
export interface Socket {
  readonly id: string;
  readonly wire: Wire;
  client: Client | undefined;
}

/** The parts of the simulation that a node needs. */
export interface Platform {
  readonly now: number;
  readonly links: readonly TreeLink[];
  hasCallsOf(node: TreeNode): boolean;
  newCore(node: TreeNode): RoomCore | RelayCore;
}

/** The origin or a relay. Every event goes through `act`, which brings it into memory. */
export class TreeNode {
  readonly id: string;
  readonly versions: Versions;
  readonly kv: KeyValueStore = storage();
  readonly sockets = new Map<string, Socket>();
  readonly #platform: Platform;
  #core: RoomCore | RelayCore | undefined;
  #ticks = { at: 0, count: 0 };

  constructor(id: string, versions: Versions, platform: Platform) {
    this.id = id;
    this.versions = versions;
    this.#platform = platform;
  }

  get now(): number {
    return this.#platform.now;
  }

  /** undefined: it is not in memory. */
  get inMemory(): RoomCore | RelayCore | undefined {
    return this.#core;
  }

  act<T>(run: (core: RoomCore | RelayCore, now: number) => T): T {
    const core = this.#core ?? this.#wake();
    const answer = run(core, this.now);
    this.#save(core);
    return answer;
  }

  actAsRelay<T>(run: (core: RelayCore, now: number) => T): T {
    return this.act((core, now) => {
      if (!(core instanceof RelayCore)) throw new TypeError(`${this.id} is no relay`);
      return run(core, now);
    });
  }

  get dueAt(): number | undefined {
    return this.#core?.dueAt;
  }

  tick(): void {
    this.#ticks = { at: this.now, count: this.#ticks.at === this.now ? this.#ticks.count + 1 : 0 };
    if (this.#ticks.count > 20) throw new Error(`${this.id} has a timer that does not move on`);
    this.act((core, now) => core.tick(now));
  }

  /** The object dies, with its memory and its sockets. `kept` of its messages over each link still arrive. */
  die(kept: number): void {
    this.#core = undefined;
    for (const { client } of this.sockets.values()) if (client !== undefined) lost(client);
    this.sockets.clear();
    for (const link of this.#platform.links) {
      if (link.parent === this) link.parentDied(kept);
      if (link.relay === this) link.relayDied(kept);
    }
  }

  /** It leaves memory if the platform would allow it: no timer, no call, no dialled socket. Returns true if it did. */
  sleep(): boolean {
    const dialed = this.#platform.links.some(({ parent, parentEnd }) => parent === this && !parentEnd.isOver);
    if (this.#core === undefined || this.#core.dueAt !== undefined) return false;
    if (dialed || this.#platform.hasCallsOf(this)) return false;
    this.#core = undefined;
    return true;
  }

  /** The parent's dial arrives. Returns false if there is no socket. */
  knocked(link: TreeLink): boolean {
    const version = commonVersion(this.versions, link.parent.versions);
    if (version === undefined) return false;
    const isTaken = this.actAsRelay(
      (core, now) => core.parent?.opened(now, link.generation, link.relayEnd, version) === true,
    );
    if (!isTaken) link.relayEnd.close(1000);
    link.relayEnd.isOver = !isTaken;
    if (this.versions.most > 1) link.relayEnd.send(NEWS);
    return true;
  }

  linkMessage(link: TreeLink, message: Message): void {
    const fault = this.actAsRelay((core, now) => core.parent?.message(now, link.generation, message));
    if (fault !== undefined) throw new Error(`${this.id} takes offence at its parent: ${fault}, ${String(message)}`);
  }

  linkEnded(link: TreeLink, { code, isClean }: Ending): void {
    this.actAsRelay((core, now) => core.parent?.closed(now, link.generation, isClean && code === PARKED_CODE));
  }

  /** The relay's end is open. */
  dialed(link: TreeLink): void {
    const { relay, generation, parentEnd } = link;
    this.act((core, now) => {
      if (!core.node.links.opened(now, relay.id, generation, parentEnd)) parentEnd.close(1000);
    });
    if (this.versions.most > 1) parentEnd.send(NEWS);
  }

  relaySaid({ relay, generation, parentEnd }: TreeLink, text: string): void {
    const wasClosed = parentEnd.isClosed;
    this.act((core, now) => core.node.links.text(now, relay.id, generation, text));
    const ending = parentEnd.queue.at(-1);
    if (!wasClosed && typeof ending === "object" && "code" in ending && ending.code >= 4500)
      throw new Error(`${this.id} takes offence at ${relay.id}: ${ending.code}, ${text}`);
  }

  dialEnded({ relay, generation }: TreeLink): void {
    this.act((core, now) => core.node.links.closed(now, relay.id, generation));
  }

  /** The client's end is gone, or the client has read to the end. */
  left(id: string, drops: boolean): void {
    this.act((core, now) => core.left(now, id, drops));
  }

  /** The queued bytes of its process. */
  get queuedBytes(): number {
    let sum = 0;
    for (const { wire } of this.sockets.values()) sum += wire.queuedBytes;
    for (const { parent, parentEnd } of this.#platform.links) if (parent === this) sum += parentEnd.queuedBytes;
    return sum;
  }

  #wake(): RoomCore | RelayCore {
    const core = this.#platform.newCore(this);
    this.#core = core;
    const sinks = [];
    for (const { wire } of this.sockets.values()) {
      if (wire.closed === undefined) sinks.push({ sink: wire, saved: wire.saved });
    }
    for (const { relay, relayEnd } of this.#platform.links) {
      if (relay === this && !relayEnd.isClosed && !relayEnd.isOver)
        sinks.push({ sink: relayEnd, saved: relayEnd.saved });
    }
    const connections = sinks.flatMap(({ sink, saved }) => {
      const kept = saved === undefined ? undefined : parseAttachment(structuredClone(versioned(saved)));
      return kept === undefined ? [] : [{ sink, saved: kept }];
    });
    core.restore(this.now, connections);
    this.#save(core);
    return core;
  }

  #save(core: RoomCore | RelayCore): void {
    if (core instanceof RoomCore ? core.isUnsaved(this.now) : core.isUnsaved()) core.save(this.now);
  }
}

/** The client has lost its connection. */
export function lost(client: Client): void {
  if ("lost" in client) client.lost();
  else client.wire = undefined;
}

function storage(): KeyValueStore {
  const rows = new Map<string, unknown>();
  return {
    get: <T>(key: string) => structuredClone(rows.get(key)) as T | undefined,
    put: (key, value) => void rows.set(key, structuredClone(value)),
    delete: (key) => rows.delete(key),
    list: <T>({ prefix = "" } = {}) => [...rows].filter(([key]) => key.startsWith(prefix)) as [string, T][],
  };
}
