// The members of a room, and their messages, as far as the page knows them. Pure.
import type { DeliveryEvent, MemberInfo, MessageEvent, PresenceEvent } from "../client/index.ts";

const MAX_SAID = 200;
export const MAX_NAME_CHARS = 64;

/** A line of the chat. `isMine`: sent from this page. */
export interface Said {
  readonly by: string;
  readonly text: string;
  readonly isMine: boolean;
}

export class People {
  readonly #members = new Map<string, MemberInfo>();
  readonly #names = new Map<string, string>();
  #total: number | undefined;
  #said: readonly Said[] = [];
  #dropped = 0;

  /** The number of members; undefined: the room has no presence. */
  get total(): number | undefined {
    return this.#total;
  }

  /** The members that the room names, publishers first. */
  get members(): readonly MemberInfo[] {
    return [...this.#members.values()].sort(
      (one, other) => Number(other.role === "publish") - Number(one.role === "publish"),
    );
  }

  /** The newest messages, the newest last. */
  get said(): readonly Said[] {
    return this.#said;
  }

  /** The number of messages before those. */
  get dropped(): number {
    return this.#dropped;
  }

  presence({ full, joined, left, total }: PresenceEvent): void {
    if (full) this.#members.clear();
    for (const id of left) this.#members.delete(id);
    for (const member of joined) {
      this.#members.set(member.connection, member);
      // Members that left are still named beside their messages.
      this.#names.set(member.connection, nameOf(member));
    }
    this.#total = total;
    if (this.#names.size > 10 * MAX_SAID)
      for (const id of this.#names.keys()) if (!this.#members.has(id)) this.#names.delete(id);
  }

  /** A message from another member, or from an application. Only texts are shown. */
  message({ from, body }: MessageEvent): void {
    const text = textOf(body);
    if (text === undefined) return;
    const known = from.connection === null ? undefined : this.#names.get(from.connection);
    this.#add({
      by: known ?? from.subject ?? (from.connection === null ? "The room" : "A viewer"),
      text,
      isMine: false,
    });
  }

  /** A message sent from this page. */
  sent(text: string): void {
    this.#add({ by: "You", text, isMine: true });
  }

  #add(said: Said): void {
    const all = [...this.#said, said];
    this.#dropped += Math.max(0, all.length - MAX_SAID);
    this.#said = all.slice(-MAX_SAID);
  }
}

/** The name of a member as others see it. */
export function nameOf({ label, subject, role, connection }: MemberInfo): string {
  return label ?? subject ?? `${role === "publish" ? "Publisher" : "Viewer"} ${connection.slice(-4)}`;
}

const REASONS: Readonly<Record<string, string>> = {
  not_enabled: "The owner has turned messages off.",
  no_right: "Your link does not allow you to write.",
  too_fast: "Too fast: wait a moment, then send it again.",
  too_large: "The message is too long.",
  unknown_address: "The addressee is not in the room.",
};

/** The reason why a message was not delivered, in words; undefined: it was delivered. */
export function undeliveredText({ error }: DeliveryEvent): string | undefined {
  return error === null ? undefined : (REASONS[error] ?? "The message was not delivered.");
}

/** The page's own messages are `{"text"}`. A plain text from another client is shown, too. */
function textOf(body: MessageEvent["body"]): string | undefined {
  if (typeof body === "string") return body;
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  return typeof body.text === "string" ? body.text : undefined;
}
