// The socket between a parent and its relay, delivered by hand: each end's messages wait for delivery, and so does its
// close.
import type { Attachment } from "../../../../worker/core/attachment.ts";
import type { Sink } from "../../../../worker/core/sink.ts";
import type { TreeNode } from "./tree-node.ts";
import type { Message } from "./wire.ts";

/** The last event of a socket. `isClean`: the other end closed it. */
export interface Ending {
  readonly code: number;
  readonly isClean: boolean;
}

const LOST: Ending = { code: 1006, isClean: false };

/** One end, as its node sees it. Its messages are in `queue` until the other end gets them. */
export class LinkEnd implements Sink {
  readonly queue: (Message | Ending)[] = [];
  saved: Attachment | undefined;
  /** It sends no more: it closed, or its node is gone. */
  isClosed = false;
  /** It has learned that the socket is over, or its node is gone. */
  isOver = false;
  pongAt: number | undefined;
  readonly #tellsBuffered: boolean;

  constructor(tellsBuffered: boolean) {
    this.#tellsBuffered = tellsBuffered;
  }

  send(message: Message): void {
    if (!this.isClosed) this.queue.push(typeof message === "string" ? message : message.slice());
  }

  close(code: number): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.queue.push({ code, isClean: true });
  }

  bufferedBytes(): number | undefined {
    return this.#tellsBuffered ? this.queuedBytes : undefined;
  }

  get queuedBytes(): number {
    if (this.isClosed) return 0;
    return this.queue.reduce((sum, one) => sum + (isMessage(one) ? one.length : 0), 0);
  }

  lastPong(): number | undefined {
    return this.pongAt;
  }

  save(state: Attachment): void {
    this.saved = structuredClone(state);
  }

  /** Its node, or the network, is gone: `kept` of its messages still arrive. */
  lose(kept: number): void {
    this.isClosed = true;
    this.queue.length = Math.min(kept, this.queue.length);
    if (!this.queue.some((one) => !isMessage(one))) this.queue.push(LOST);
  }
}

function isMessage(one: Message | Ending): one is Message {
  return typeof one === "string" || one instanceof Uint8Array;
}

/** One dialled socket. */
export class TreeLink {
  readonly parent: TreeNode;
  readonly relay: TreeNode;
  readonly generation: number;
  /** `dialing`: the relay has not been reached; `answering`: the parent does not know it yet. */
  phase: "dialing" | "answering" | "open" | "failed" = "dialing";
  readonly parentEnd: LinkEnd;
  readonly relayEnd: LinkEnd;
  isStalled = false;

  constructor(parent: TreeNode, relay: TreeNode, generation: number, tellsBuffered: boolean) {
    this.parent = parent;
    this.relay = relay;
    this.generation = generation;
    this.parentEnd = new LinkEnd(tellsBuffered);
    this.relayEnd = new LinkEnd(tellsBuffered);
  }

  get isOver(): boolean {
    return this.parentEnd.isOver && (this.relayEnd.isOver || this.phase === "failed");
  }

  /** The next event reaches the relay. Returns false if there is none. */
  down(): boolean {
    if (this.phase === "dialing") return this.#knock();
    if (this.phase === "failed" || this.relayEnd.isOver) return false;
    const next = this.parentEnd.queue.shift();
    if (next === undefined) return false;
    if (isMessage(next)) {
      if (!this.relayEnd.isClosed) this.relay.linkMessage(this, next);
      return true;
    }
    this.relayEnd.isOver = true;
    this.relay.linkEnded(this, next);
    if (next.isClean) this.relayEnd.close(next.code);
    return true;
  }

  /** The next event reaches the parent. Returns false if there is none. */
  up(): boolean {
    if (this.phase === "dialing" || this.parentEnd.isOver) return false;
    if (this.phase === "answering") {
      this.phase = "open";
      this.parent.dialed(this);
      return true;
    }
    const next = this.phase === "failed" ? LOST : this.relayEnd.queue.shift();
    if (next === undefined) return false;
    if (next === "ping") {
      this.parentEnd.pongAt = this.parent.now;
      this.parentEnd.send("pong");
    } else if (typeof next === "string") this.parent.relaySaid(this, next);
    else if (!isMessage(next)) {
      this.parentEnd.isOver = true;
      this.parent.dialEnded(this);
      if (next.isClean) this.parentEnd.close(next.code);
    }
    return true;
  }

  /** The network between them fails. `kept` messages of each end still arrive. */
  lose(kept: number): void {
    if (this.phase === "dialing") this.phase = "failed";
    this.parentEnd.lose(kept);
    this.relayEnd.lose(kept);
  }

  parentDied(kept: number): void {
    this.parentEnd.isOver = true;
    this.parentEnd.lose(kept);
  }

  relayDied(kept: number): void {
    if (this.phase === "dialing" || this.phase === "failed") return;
    this.relayEnd.isOver = true;
    this.relayEnd.lose(kept);
  }

  #knock(): boolean {
    const isTaken = this.relay.knocked(this);
    this.phase = isTaken ? "answering" : "failed";
    return true;
  }
}
