// Admission at a room's own object: creation, settings, tickets and the end, in addition to the policy. All of it is
// stored.
import { MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import type { Assignment } from "./assignment.ts";
import type { Who } from "./attachment.ts";
import type { Grant } from "./authorize.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { Lease } from "./lease.ts";
import { type Credential, Policy } from "./policy.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { type Revocation, Revocations } from "./revocations.ts";
import { bury, forgetTombstone, type RoomRow, readRoom, readTombstone, type Tombstone, writeRoom } from "./room-row.ts";
import { inForce, type RoomLimits, type RoomSettings } from "./room-settings.ts";
import { Tickets } from "./tickets.ts";

const TOMBSTONE_MS = MAX_TOKEN_TTL_SECONDS * 1000 + 60_000;

/** One room's admission. Times of calls are ms since 1970. If storage throws, nothing has changed in memory. */
export class Admission {
  readonly #kv: KeyValueStore;
  readonly #limits: RoomLimits;
  readonly #name: string;
  #room: RoomRow | undefined;
  #tombstone: Tombstone | undefined;
  #revocations: Revocations;
  #tickets: Tickets;
  #lease: Lease;
  /** Needed for each message, so it is rebuilt only when it changes. */
  #policy: Policy;

  /** `name`: the platform's name of the room; empty: unknown. */
  constructor(kv: KeyValueStore, limits: RoomLimits, name = "") {
    this.#name = name;
    this.#kv = kv;
    this.#limits = limits;
    this.#room = readRoom(kv);
    this.#tombstone = readTombstone(kv);
    this.#revocations = new Revocations(kv);
    this.#tickets = new Tickets(kv);
    this.#policy = this.#policyNow();
    this.#lease = new Lease(kv, this.#idleSeconds);
  }

  get policy(): Policy {
    return this.#policy;
  }

  get settings(): RoomSettings {
    return this.#policy.settings;
  }

  get id(): string {
    return this.#room?.id || this.#name;
  }

  /** The part that the room's relays need in order to decide in the same way. */
  get told(): Pick<Assignment, "settings" | "revocations" | "idsAreTold"> {
    return {
      settings: this.#room?.settings ?? {},
      revocations: this.#revocations.entries,
      idsAreTold: this.idsAreTold,
    };
  }

  get createdAt(): number {
    return this.#room?.createdAt ?? 0;
  }

  /** True if members may know the ids of others' connections. Once true, it stays true. */
  get idsAreTold(): boolean {
    return this.#room?.idsAreTold === true;
  }

  /** Creates the room, unless the id is taken or was taken a short while ago. */
  create(now: number, id: string, settings: Partial<RoomSettings>): Refusal | undefined {
    if (this.#policy.existence !== "never") return refusal("room_exists", "choose another id, or none");
    this.#store({ id, createdAt: now, settings, idsAreTold: false });
    this.#lease.restart(now, false, this.#idleSeconds);
    return undefined;
  }

  /** The grant of a credential. A ticket is used up by this call. */
  enter(now: number, credential: Credential): Grant | Refusal {
    if (credential.by !== "ticket") return this.#policy.enter(now, credential);
    return this.#policy.enterByTicket(this.#tickets.redeem(now, credential.id));
  }

  issueTicket(now: number, id: string, of: Grant, grant: Grant, ttlMs: number, busy: boolean): number | Refusal {
    const expiresAt = this.#tickets.issue(now, id, of, grant, ttlMs, busy);
    return expiresAt ?? refusal("too_many_tickets", "too many tickets are unused: wait a minute");
  }

  /** Revokes. Returns a function that recognizes the affected connections. */
  revoke(now: number, revocation: Revocation): ((who: Who) => boolean) | Refusal {
    if (this.#revocations.add(now, revocation)) return (who) => this.#revocations.covers(who);
    return refusal("too_many_revocations", "revoke by issuedBefore instead");
  }

  /** Changes settings. `used`: somebody is connected. */
  change(now: number, changes: Partial<RoomSettings>, used: boolean): void {
    if (this.#room === undefined) return;
    this.#store({ ...this.#room, settings: { ...this.#room.settings, ...changes } });
    if (changes.idleExpirySeconds !== undefined) this.#lease.restart(now, used, this.#idleSeconds);
  }

  /** Closes the room permanently: stores only that it existed. */
  close(now: number): void {
    const tombstone = { until: now + TOMBSTONE_MS };
    bury(this.#kv, tombstone);
    this.#tombstone = tombstone;
    this.#room = undefined;
    this.#revocations = new Revocations(this.#kv);
    this.#tickets = new Tickets(this.#kv);
    this.#policy = this.#policyNow();
    this.#lease = new Lease(this.#kv, this.#idleSeconds);
  }

  /** Notes whether somebody is connected. Writes nothing: `save` does that. */
  use(now: number, used: boolean): void {
    this.#lease.use(now, used);
  }

  /** True if `save` has something to write. */
  isUnsaved(now: number): boolean {
    return this.#lease.isUnsaved(now);
  }

  /** Writes changes that no call caused. Throws if storage does; it may then be called again. */
  save(now: number): void {
    this.#lease.save(now);
  }

  /** When `tick` is needed. Unused tickets wait for it, or for the next ticket: they cause no alarm. */
  get dueAt(): number | undefined {
    const times = [this.#revocations.dueAt, this.#tombstone?.until, this.#lease.dueAt];
    const due = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
    return due === Number.POSITIVE_INFINITY ? undefined : due;
  }

  /** Deletes expired rows. Returns true if the room itself has expired, because it stayed empty. */
  tick(now: number, used: boolean): boolean {
    this.#tickets.prune(now);
    this.#revocations.prune(now);
    if (this.#tombstone !== undefined && this.#tombstone.until <= now) {
      forgetTombstone(this.#kv);
      this.#tombstone = undefined;
      this.#policy = this.#policyNow();
    }
    const isOver = this.#lease.check(now, used);
    if (!isOver) this.#lease.save(now);
    return isOver;
  }

  /** A room that does not exist is never idle. */
  get #idleSeconds(): number | null {
    return this.#room === undefined ? null : this.settings.idleExpirySeconds;
  }

  #store(said: RoomRow): void {
    const { presence, memberMessages } = inForce(said.settings, this.#limits);
    const room = { ...said, idsAreTold: said.idsAreTold || presence || memberMessages };
    writeRoom(this.#kv, room);
    this.#room = room;
    this.#policy = this.#policyNow();
  }

  #policyNow(): Policy {
    const existence = this.#tombstone !== undefined ? "closed" : this.#room !== undefined ? "open" : "never";
    return new Policy(existence, inForce(this.#room?.settings ?? {}, this.#limits), this.#revocations);
  }
}
