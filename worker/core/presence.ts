// Presence, reported at a limited rate: joins and leaves are gathered, and only a limited number of members is named.
import { MAX_PRESENT_MEMBERS } from "../../protocol/limits.ts";
import type { MemberInfo } from "../../protocol/messages.ts";

/** The contents of a `presence` message. */
export interface Attendance {
  readonly full: boolean;
  readonly joined: MemberInfo[];
  readonly left: string[];
  readonly total: number;
}

/** Decides what is reported about members. */
export class Presence {
  readonly #everyMs: number;
  #told: ReadonlyMap<string, MemberInfo> = new Map();
  #toldTotal = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #changed = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Somebody joined or left. */
  changed(): void {
    this.#changed = true;
  }

  /** When the change has to be reported. */
  get dueAt(): number | undefined {
    return this.#changed ? this.#toldAt + this.#everyMs : undefined;
  }

  /** When the next report is allowed. */
  get laterAt(): number {
    return this.#toldAt + this.#everyMs;
  }

  /** The report for members that got the previous ones; undefined: nothing. */
  changes(now: number, members: Iterable<MemberInfo>, total: number): Attendance | undefined {
    const wanted = named(members);
    const joined = [...wanted.values()].filter(({ connection }) => !this.#told.has(connection));
    const left = [...this.#told.keys()].filter((connection) => !wanted.has(connection));
    const same = joined.length + left.length === 0 && total === this.#toldTotal;
    this.known(now, wanted.values(), total);
    return same ? undefined : { full: false, joined, left, total };
  }

  /** The report for a newcomer: the state that the others got last. */
  get all(): Attendance {
    return { full: true, joined: [...this.#told.values()], left: [], total: this.#toldTotal };
  }

  /** The parent of a relay reported this: its times are the parent's. */
  follow({ full, joined, left, total }: Attendance): void {
    const members = full ? new Map<string, MemberInfo>() : new Map(this.#told);
    for (const connection of left) members.delete(connection);
    for (const member of joined) members.set(member.connection, member);
    this.#told = members;
    this.#toldTotal = total;
    this.#changed = false;
  }

  /** After sleep: all members know the state. */
  known(now: number, members: Iterable<MemberInfo>, total: number): void {
    this.#told = named(members);
    this.#toldTotal = total;
    this.#toldAt = now;
    this.#changed = false;
  }
}

/** The first members, so that the message is limited. A named member stays named. */
export function named(members: Iterable<MemberInfo>): Map<string, MemberInfo> {
  const first = new Map<string, MemberInfo>();
  for (const member of members) {
    if (first.size === MAX_PRESENT_MEMBERS) break;
    first.set(member.connection, member);
  }
  return first;
}
