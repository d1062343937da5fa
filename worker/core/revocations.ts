// Revoked tokens. A revocation is kept only as long as an affected token could live.
import { CLOCK_TOLERANCE_SECONDS, MAX_REVOCATIONS, MAX_TOKEN_TTL_SECONDS } from "../../protocol/limits.ts";
import type { Who } from "./attachment.ts";
import type { KeyValueStore } from "./key-value-store.ts";

/**
 * The scope of a revocation: one token; or the tokens of a subject, or all tokens, issued before a time (seconds since
 * 1970).
 */
export type Revocation =
  | { readonly by: "jti"; readonly jti: string }
  | { readonly by: "subject"; readonly subject: string; readonly issuedBefore: number }
  | { readonly by: "issued-before"; readonly issuedBefore: number };

/** `issuedBefore` null: any time. Times are seconds since 1970. */
interface Entry {
  readonly issuedBefore: number | null;
  readonly keepUntil: number;
}

const PREFIX = "revoked:";
const ALL = `${PREFIX}all`;

/** A time at which every token that was valid at `time` (seconds since 1970) has expired. */
function outlived(time: number): number {
  return time + MAX_TOKEN_TTL_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS;
}

/** True if the token has expired. The clock tolerance is included. */
export function isExpired(who: Who, now: number): boolean {
  return who.expiresAt !== null && now >= expiryOf(who.expiresAt);
}

/** The moment (ms since 1970) at which a token with this `exp` expires. */
export function expiryOf(expiresAt: number): number {
  return (expiresAt + CLOCK_TOLERANCE_SECONDS) * 1000;
}

/** The revocations of a room. Times of calls are ms since 1970. */
export class Revocations {
  readonly #kv: KeyValueStore;
  readonly #entries: Map<string, Entry>;

  constructor(kv: KeyValueStore) {
    this.#kv = kv;
    this.#entries = new Map(kv.list<Entry>({ prefix: PREFIX }));
  }

  /**
   * Adds a revocation. Returns false if there is no space. A later time replaces an earlier one, never the other way
   * round.
   */
  add(now: number, revocation: Revocation): boolean {
    this.prune(now);
    const key = keyOf(revocation);
    const known = this.#entries.get(key);
    if (known === undefined && this.#entries.size >= MAX_REVOCATIONS) return false;
    const issuedBefore = revocation.by === "jti" ? null : Math.max(revocation.issuedBefore, known?.issuedBefore ?? 0);
    const entry = { issuedBefore, keepUntil: outlived(Math.max(now / 1000, issuedBefore ?? 0)) };
    this.#entries.set(key, entry);
    this.#kv.put(key, entry);
    return true;
  }

  /** All revocations, in a form that another object of the room can `load`. */
  get entries(): unknown[] {
    return [...this.#entries];
  }

  /** Replaces all revocations with `entries` of another object. Unreadable entries are dropped. */
  load(entries: readonly unknown[]): void {
    this.#entries.clear();
    for (const entry of entries) {
      const [key, value] = Array.isArray(entry) ? entry : [];
      if (typeof key === "string" && typeof value === "object" && value !== null)
        this.#entries.set(key, value as Entry);
    }
  }

  /** True if the token of `who` is revoked, or a token that it was minted through. */
  covers(who: Who): boolean {
    if (this.#entries.size === 0) return false;
    return this.#meets(who) || (who.ancestors?.some((one) => this.#meets(one)) ?? false);
  }

  /** The earliest `iat` (seconds since 1970) of a token for `subject` that is not revoked by time. */
  leastIssue(subject: string | undefined): number {
    const keys = subject === undefined ? [ALL] : [ALL, `${PREFIX}subject:${subject}`];
    return Math.max(0, ...keys.map((key) => this.#entries.get(key)?.issuedBefore ?? 0));
  }

  #meets({ jti, subject, issuedAt }: Pick<Who, "jti" | "subject" | "issuedAt">): boolean {
    const keys = [ALL];
    if (jti !== null) keys.push(keyOf({ by: "jti", jti }));
    if (subject !== undefined) keys.push(`${PREFIX}subject:${subject}`);
    return keys.some((key) => {
      const entry = this.#entries.get(key);
      return entry !== undefined && (entry.issuedBefore === null || issuedAt < entry.issuedBefore);
    });
  }

  /** When the next revocation may be deleted, ms since 1970. */
  get dueAt(): number | undefined {
    const times = [...this.#entries.values()].map(({ keepUntil }) => keepUntil * 1000);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Deletes revocations that can affect no living token. */
  prune(now: number): void {
    for (const [key, { keepUntil }] of this.#entries) {
      if (keepUntil * 1000 > now) continue;
      this.#entries.delete(key);
      this.#kv.delete(key);
    }
  }
}

function keyOf(revocation: Revocation): string {
  switch (revocation.by) {
    case "jti":
      return `${PREFIX}jti:${revocation.jti}`;
    case "subject":
      return `${PREFIX}subject:${revocation.subject}`;
    case "issued-before":
      return ALL;
  }
}
