// Admission to a room: whether it exists, what its owner set, and whose credential counts. All of it is stored.
import { MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import type { Who } from "./attachment.ts";
import { type Grant, publicGrant } from "./authorize.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { type Revocation, Revocations } from "./revocations.ts";
import { inForce, type RoomLimits, type RoomSettings } from "./room-settings.ts";
import { Tickets } from "./tickets.ts";

/** What is stored of a room. Times are ms since 1970. */
interface Stored {
  readonly id: string;
  readonly createdAt: number;
  readonly settings?: Partial<RoomSettings>;
  /** Members were told of each other at some time: the ids of connections are known. */
  readonly idsAreTold?: boolean;
  /** Since when nobody has been there; of rooms that expire when idle. */
  readonly idleSince?: number;
}

/** What is stored of a room that was closed: until no token of it can be left (ms since 1970). */
interface Tombstone {
  readonly until: number;
}

const ROOM = "room";
const TOMBSTONE = "closed";
const TOMBSTONE_MS = MAX_TOKEN_TTL_SECONDS * 1000 + 60_000;
const UNKNOWN = refusal("unauthorized", "a valid credential of the room is needed");

/** How somebody comes to the door. */
export type Credential =
  | { readonly by: "token"; readonly grant: Grant }
  | { readonly by: "ticket"; readonly id: string }
  | { readonly by: "none" };

/** One room's admission. Times of calls are ms since 1970. */
export class Admission {
  readonly #kv: KeyValueStore;
  readonly #limits: RoomLimits;
  #stored: Stored | undefined;
  /** Asked for at each message: made where it changes. */
  #settings: RoomSettings;
  #tombstone: Tombstone | undefined;
  #revocations: Revocations;
  #tickets: Tickets;

  constructor(kv: KeyValueStore, limits: RoomLimits) {
    this.#kv = kv;
    this.#limits = limits;
    this.#stored = kv.get<Stored>(ROOM);
    this.#settings = inForce(this.#stored?.settings ?? {}, limits);
    this.#tombstone = kv.get<Tombstone>(TOMBSTONE);
    this.#revocations = new Revocations(kv);
    this.#tickets = new Tickets(kv);
  }

  get settings(): RoomSettings {
    return this.#settings;
  }

  /** May members know the ids of others' connections? Once told, for good. */
  get idsAreTold(): boolean {
    return this.#stored?.idsAreTold === true;
  }

  get createdAt(): number {
    return this.#stored?.createdAt ?? 0;
  }

  /** Creates the room, unless the id is taken or was a short while ago. */
  create(now: number, id: string, settings: Partial<RoomSettings>): Refusal | undefined {
    if (this.#stored !== undefined || this.#tombstone !== undefined) {
      return refusal("room_exists", "choose another id, or none");
    }
    this.#store({ id, createdAt: now, settings, idleSince: now });
    return undefined;
  }

  /** May somebody whose token is good otherwise do something in this room? */
  admit(who: Who): Refusal | undefined {
    if (this.#tombstone !== undefined) return refusal("room_closed", "the room is closed for good");
    if (this.#stored === undefined) return refusal("room_not_found", "create it with POST /api/rooms");
    return this.#revocations.covers(who) ? refusal("token_revoked", "the token was revoked") : undefined;
  }

  /** What somebody at the door has. Who shows nothing that counts does not learn whether there is a room. */
  enter(now: number, credential: Credential): Grant | Refusal {
    if (credential.by === "token") return this.admit(credential.grant.who) ?? credential.grant;
    if (this.#stored === undefined) return UNKNOWN;
    if (credential.by === "none") return this.settings.public ? publicGrant(now) : UNKNOWN;
    const grant = this.#tickets.redeem(now, credential.id);
    return grant === undefined || this.#revocations.covers(grant.who) ? UNKNOWN : grant;
  }

  issueTicket(now: number, id: string, of: Grant, grant: Grant, ttlMs: number, busy: boolean): number | Refusal {
    const expiresAt = this.#tickets.issue(now, id, of, grant, ttlMs, busy);
    return expiresAt ?? refusal("too_many_tickets", "too many tickets are not spent yet: wait a minute");
  }

  /** Revokes; answers whose connections it meets. */
  revoke(now: number, revocation: Revocation): ((who: Who) => boolean) | Refusal {
    if (this.#revocations.add(now, revocation)) return (who) => this.#revocations.covers(who);
    return refusal("too_many_revocations", "revoke by issuedBefore instead");
  }

  change(changes: Partial<RoomSettings>): void {
    if (this.#stored === undefined) return;
    this.#store({ ...this.#stored, settings: { ...this.#stored.settings, ...changes } });
  }

  /** Closes the room for good: forgets all but that it was there. */
  close(now: number): void {
    for (const [key] of [...this.#kv.list()]) this.#kv.delete(key);
    this.#stored = undefined;
    this.#settings = inForce({}, this.#limits);
    this.#revocations = new Revocations(this.#kv);
    this.#tickets = new Tickets(this.#kv);
    this.#tombstone = { until: now + TOMBSTONE_MS };
    this.#kv.put(TOMBSTONE, this.#tombstone);
  }

  /** The last connection is gone. */
  emptied(now: number): void {
    if (this.#stored === undefined || this.settings.idleExpirySeconds === null) return;
    this.#store({ ...this.#stored, idleSince: now });
  }

  /** When `tick` is wanted. Tickets that nobody showed wait for it, or for the next ticket: they cost no alarm. */
  dueAt(empty: boolean): number | undefined {
    const times = [this.#revocations.dueAt, this.#tombstone?.until];
    if (empty) times.push(this.#idleUntil);
    const due = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
    return due === Number.POSITIVE_INFINITY ? undefined : due;
  }

  /** Forgets what has expired. true: the room itself has, since nobody came. */
  tick(now: number, empty: boolean): boolean {
    this.#tickets.prune(now);
    this.#revocations.prune(now);
    if (this.#tombstone !== undefined && this.#tombstone.until <= now) {
      this.#kv.delete(TOMBSTONE);
      this.#tombstone = undefined;
    }
    return empty && (this.#idleUntil ?? Number.POSITIVE_INFINITY) <= now;
  }

  get #idleUntil(): number | undefined {
    const { idleExpirySeconds } = this.settings;
    if (this.#stored === undefined || idleExpirySeconds === null) return undefined;
    return (this.#stored.idleSince ?? this.#stored.createdAt) + idleExpirySeconds * 1000;
  }

  #store(stored: Stored): void {
    this.#settings = inForce(stored.settings ?? {}, this.#limits);
    const { presence, memberMessages } = this.#settings;
    this.#stored = { ...stored, idsAreTold: stored.idsAreTold || presence || memberMessages };
    this.#kv.put(ROOM, this.#stored);
  }
}
