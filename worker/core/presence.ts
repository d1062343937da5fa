// Who is present, told at most so often: joins and leaves are gathered, and only so many are named.
import { MAX_PRESENT_MEMBERS } from "../../protocol/limits.ts";
import type { MemberInfo } from "../../protocol/messages.ts";

/** What a `presence` message says. */
export interface Attendance {
  readonly full: boolean;
  readonly joined: MemberInfo[];
  readonly left: string[];
  readonly total: number;
}

/** Decides what is told of who is present. */
export class Presence {
  readonly #everyMs: number;
  #told: ReadonlyMap<string, MemberInfo> = new Map();
  #toldTotal = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #changed = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Somebody came or went. */
  changed(): void {
    this.#changed = true;
  }

  /** When what changed is to be told. */
  get dueAt(): number | undefined {
    return this.#changed ? this.#toldAt + this.#everyMs : undefined;
  }

  /** When something may be told again. */
  get laterAt(): number {
    return this.#toldAt + this.#everyMs;
  }

  /** What those who were told before are to be told now; undefined: nothing. */
  changes(now: number, members: Iterable<MemberInfo>, total: number): Attendance | undefined {
    const wanted = named(members);
    const joined = [...wanted.values()].filter(({ connection }) => !this.#told.has(connection));
    const left = [...this.#told.keys()].filter((connection) => !wanted.has(connection));
    const same = joined.length + left.length === 0 && total === this.#toldTotal;
    this.known(now, wanted.values(), total);
    return same ? undefined : { full: false, joined, left, total };
  }

  /** What a newcomer is told: what the others were told last. */
  get all(): Attendance {
    return { full: true, joined: [...this.#told.values()], left: [], total: this.#toldTotal };
  }

  /** After sleep everybody knows. */
  known(now: number, members: Iterable<MemberInfo>, total: number): void {
    this.#told = named(members);
    this.#toldTotal = total;
    this.#toldAt = now;
    this.#changed = false;
  }
}

/** The first members, so that the message has a bound; who is named stays named. */
function named(members: Iterable<MemberInfo>): Map<string, MemberInfo> {
  const first = new Map<string, MemberInfo>();
  for (const member of members) {
    if (first.size === MAX_PRESENT_MEMBERS) break;
    first.set(member.connection, member);
  }
  return first;
}
