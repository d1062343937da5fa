// A room with several objects, and subscribers at each level of the tree.
import { createRoom, type TestRoom } from "./local-room.ts";
import { RawSubscriber } from "./raw-subscriber.ts";
import { RoomApi } from "./room-api.ts";
import { waitFor } from "./wait.ts";

/**
 * The origin, the region's first relay, and a relay below it: the suffixes of ids of relays and of their connections.
 */
export const DEPTHS = ["", "~enam~0", "~enam~1"] as const;

/** Subscribers of one room; more join by `join`. Disposing it ends them. */
export class SpreadRoom implements Disposable {
  readonly url: string;
  readonly room: TestRoom;
  readonly api: RoomApi;
  readonly subscribers: RawSubscriber[] = [];

  private constructor(url: string, room: TestRoom) {
    this.url = url;
    this.room = room;
    this.api = new RoomApi(url, room);
  }

  /** Creates a room with these settings, and subscribers at each depth; `tokens`: their tokens, in turn. */
  static async create(url: string, settings: object = {}, tokens: readonly string[] = []): Promise<SpreadRoom> {
    const room = new SpreadRoom(url, await createRoom(url));
    if (Object.keys(settings).length > 0) await room.api.ask("PATCH", "", { settings });
    await room.fill((index) => tokens[index % tokens.length] ?? room.room.tokens.subscribe);
    return room;
  }

  /** Joins subscribers, one after the other, until there is one at each depth; at least `least`. */
  async fill(tokenOf: (index: number) => string, least = 0): Promise<void> {
    for (let index = 0; index < 30; index++) {
      await this.join(tokenOf(index));
      const seats = await this.api.seats();
      if (index + 1 >= least && DEPTHS.every((depth) => (seats[this.id + depth] ?? 0) > 0)) return;
    }
    throw new Error("no tree of two levels");
  }

  get id(): string {
    return this.room.room;
  }

  get socketUrl(): string {
    return `${this.url.replace("http", "ws")}/rooms/${this.id}/ws`;
  }

  /** Resolves when it has joined, or was closed. Rejects if the upgrade is refused. `token` null: it has none. */
  async join(token: string | null = this.room.tokens.subscribe, query = "", framed = true): Promise<RawSubscriber> {
    const one = await new RawSubscriber(this.socketUrl, token ?? undefined, { framed, query }).opened();
    if (framed) await waitFor("a welcome, or a close", () => one.texts.length > 0 || one.closed !== undefined);
    this.subscribers.push(one);
    return one;
  }

  /** The subscribers at the object whose id ends with `depth`. */
  at(depth: string): RawSubscriber[] {
    return this.subscribers.filter((one) => {
      const id = connectionOf(one);
      return depth === "" ? !id.includes("~") : id.endsWith(depth);
    });
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.subscribers) socket.terminate();
  }
}

/** The id that the room assigned to it. */
export function connectionOf(one: RawSubscriber): string {
  return String(one.texts.find(({ type }) => type === "welcome")?.connection ?? "");
}

/** The messages of one type that it got. */
export function said(one: RawSubscriber, type: string): Record<string, unknown>[] {
  return one.texts.filter((text) => text.type === type);
}
