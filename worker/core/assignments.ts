// The assignments of all relays. Each is repeated until its relay has answered.
import type { Assignment } from "./assignment.ts";
import { earliest } from "./earliest.ts";
import { parentOf } from "./relay-id.ts";
import type { RelayRow } from "./relay-tree.ts";

/** The part of an assignment that is the same for all relays. */
export type RoomPart = Pick<Assignment, "settings" | "revocations" | "idsAreTold">;

/**
 * If a relay could not be reached, the assignment is repeated after this time, which doubles each time up to the second
 * value.
 */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5000;

/** A drain that was in progress when the room restarted continues at this pace. */
const DRAIN_OVER_MS = 60_000;

interface Relay {
  readonly id: string;
  readonly parent: string;
  drainOverMs: number | null;
  /** True if the relay knows that it is a relay of the room. */
  isKnown: boolean;
  /** A fingerprint of the assignment that was sent last, and of the one on its way. */
  told: string;
  saying: { readonly version: number; readonly form: string } | undefined;
  retryAt: number | undefined;
  failures: number;
}

/** Sends an assignment; `assigned` or `failed` follows. */
interface Teller {
  assign(relay: string, assignment: Assignment): void;
}

/** Times are ms since 1970. */
export class Assignments {
  readonly #room: string;
  readonly #relays = new Map<string, Relay>();
  readonly #shell: Teller;
  readonly #roomPart: () => RoomPart;
  /** Increases with each assignment, also across restarts. */
  #version = 0;
  /** Increases with each change of the part that is the same for all. */
  #policy = 0;
  /**
   * The children of each parent, cached until they change. A room of a million has hundreds of relays, and reads this
   * between frames.
   */
  #children: Map<string, string[]> | undefined;
  /** True if something happened since `tick` that a relay may have to learn. */
  #isChanged = false;
  /** When to repeat an assignment, or to find that it is not needed. */
  #retryAt: number | undefined;

  constructor(room: string, rows: readonly RelayRow[], shell: Teller, roomPart: () => RoomPart) {
    this.#room = room;
    this.#shell = shell;
    this.#roomPart = roomPart;
    for (const { id, draining } of rows) {
      const relay = newRelay(id, draining ? DRAIN_OVER_MS : null, true);
      this.#relays.set(id, relay);
    }
    // The assignments from before the restart still apply: a change is sent at once.
    for (const relay of this.#relays.values()) relay.told = this.#formOf(relay);
  }

  has(id: string): boolean {
    return this.#relays.has(id);
  }

  /** The relays that `parent` dials: those that know that they are relays. */
  childrenOf(parent: string): string[] {
    this.#children ??= childrenOf(this.#relays.values());
    return this.#children.get(parent) ?? [];
  }

  add(now: number, id: string): void {
    const known = this.#relays.get(id);
    if (known === undefined) this.#relays.set(id, newRelay(id, null, false));
    else known.drainOverMs = null;
    this.#changed(now);
  }

  drain(now: number, id: string, overMs: number): void {
    const relay = this.#relays.get(id);
    if (relay !== undefined) relay.drainOverMs = overMs;
    this.#changed(now);
  }

  remove(now: number, id: string): void {
    this.#relays.delete(id);
    this.#changed(now);
  }

  policyChanged(now: number): void {
    this.#policy++;
    this.#changed(now);
  }

  assigned(relay: string, version: number): void {
    const found = this.#relays.get(relay);
    if (found?.saying?.version !== version) return;
    found.told = found.saying.form;
    found.saying = undefined;
    found.isKnown = true;
    found.failures = 0;
    this.#children = undefined;
    this.#isChanged = true;
  }

  failed(now: number, relay: string): void {
    const found = this.#relays.get(relay);
    if (found === undefined) return;
    found.saying = undefined;
    found.retryAt = now + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** found.failures++);
    this.#retryAt = earliest([this.#retryAt, found.retryAt]);
  }

  /** When an assignment has to be repeated. */
  get dueAt(): number | undefined {
    return this.#retryAt;
  }

  /** Sends each relay the assignment that it does not have. */
  tick(now: number): void {
    if (!this.#isChanged && (this.#retryAt ?? Number.POSITIVE_INFINITY) > now) return;
    this.#isChanged = false;
    this.#retryAt = undefined;
    for (const relay of this.#relays.values()) {
      if ((relay.retryAt ?? 0) > now) {
        this.#retryAt = earliest([this.#retryAt, relay.retryAt]);
        continue;
      }
      relay.retryAt = undefined;
      const form = this.#formOf(relay);
      if (form === relay.told || relay.saying !== undefined) continue;
      this.#version = Math.max(this.#version + 1, now);
      relay.saying = { version: this.#version, form };
      this.#shell.assign(relay.id, this.#assignmentOf(relay));
    }
  }

  #changed(now: number): void {
    this.#children = undefined;
    this.#isChanged = true;
    this.tick(now);
  }

  #assignmentOf({ id, parent, drainOverMs }: Relay): Assignment {
    return {
      ...this.#roomPart(),
      room: this.#room,
      relay: id,
      version: this.#version,
      parent,
      children: this.childrenOf(id),
      drainOverMs,
    };
  }

  #formOf({ id, drainOverMs }: Relay): string {
    return `${this.#policy} ${drainOverMs} ${this.childrenOf(id)}`;
  }
}

function newRelay(id: string, drainOverMs: number | null, isKnown: boolean): Relay {
  const parent = parentOf(id);
  return { id, parent, drainOverMs, isKnown, told: "", saying: undefined, retryAt: undefined, failures: 0 };
}

function childrenOf(relays: Iterable<Relay>): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const { id, parent, isKnown } of relays) {
    if (!isKnown) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [id]);
    else siblings.push(id);
  }
  return children;
}
