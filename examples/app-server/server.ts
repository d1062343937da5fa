// An application with its own login in front of Roomcast. The application decides who may enter which meeting, and
// Roomcast enforces it.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { json } from "node:stream/consumers";
import type { Right, Rooms } from "./rooms.ts";

interface Meeting {
  readonly room: string;
  readonly owner: string;
  readonly guests: Set<string>;
}

interface Answer {
  readonly status: number;
  readonly body?: object;
  readonly cookie?: string;
}

/** How long a user who lost access keeps a token, if nobody revokes it. */
const TOKEN_TTL_SECONDS = 300;

/** The application: users, sessions and meetings are in memory, and every password is "demo". */
export class App {
  readonly #rooms: Rooms;
  /** The address of the Worker, as browsers see it. */
  readonly #publicUrl: string;
  readonly #sessions = new Map<string, string>();
  readonly #meetings = new Map<string, Meeting>();

  constructor(rooms: Rooms, publicUrl: string) {
    this.#rooms = rooms;
    this.#publicUrl = publicUrl;
  }

  /** The server; the caller listens and closes. */
  serve(): Server {
    return createServer(async (request, response) => {
      const { status, body, cookie } = await this.#answer(request).catch((error): Answer => {
        console.error(error);
        return { status: 500 };
      });
      if (cookie !== undefined)
        response.setHeader("set-cookie", `session=${cookie}; HttpOnly; SameSite=Strict; Path=/`);
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify(body ?? {}));
    });
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const [, first, name = "", action = ""] = (request.url ?? "/").split("/");
    if (request.method === "POST" && first === "login") return this.#login(request);
    const user = this.#userOf(request);
    if (user === undefined) return { status: 401 };
    if (request.method === "POST" && first === "meetings" && name === "") return this.#create(user);
    const meeting = this.#meetings.get(name);
    if (first !== "meetings" || meeting === undefined) return { status: 404 };
    // The application's own rule: the owner and invited users may enter.
    const isOwner = meeting.owner === user;
    if (!isOwner && !meeting.guests.has(user)) return { status: 403 };
    switch (`${request.method} ${action}`) {
      case "GET token":
        return this.#token(meeting, user);
      case "POST ticket":
        return this.#ticket(meeting, user);
      case "POST guests":
        return isOwner ? this.#invite(meeting, await json(request)) : { status: 403 };
      case "DELETE guests":
        return isOwner ? this.#exclude(meeting, await json(request)) : { status: 403 };
      case "DELETE ":
        return isOwner ? this.#end(name, meeting) : { status: 403 };
      default:
        return { status: 404 };
    }
  }

  async #login(request: IncomingMessage): Promise<Answer> {
    const { user, password } = (await json(request)) as { user?: unknown; password?: unknown };
    if (typeof user !== "string" || !/^\w{1,32}$/.test(user) || password !== "demo") return { status: 401 };
    const session = randomBytes(24).toString("base64url");
    this.#sessions.set(session, user);
    return { status: 200, cookie: session };
  }

  async #create(owner: string): Promise<Answer> {
    const room = await this.#rooms.create({ title: `Meeting of ${owner}`, presence: true, memberMessages: true });
    const name = randomBytes(8).toString("hex");
    this.#meetings.set(name, { room, owner, guests: new Set() });
    return { status: 201, body: { meeting: name } };
  }

  /**
   * The page's credentials. The page asks again whenever it connects, so access ends within minutes after it was
   * revoked.
   */
  async #token({ room, owner }: Meeting, user: string): Promise<Answer> {
    const can: Right[] = user === owner ? ["publish", "subscribe", "message"] : ["subscribe", "message"];
    const token = await this.#rooms.token(room, user, can, TOKEN_TTL_SECONDS);
    return { status: 200, body: { url: this.#publicUrl, room, token } };
  }

  /** The answer for `<roomcast-player ticket-url>`: the page never sees the token. */
  async #ticket({ room }: Meeting, user: string): Promise<Answer> {
    const token = await this.#rooms.token(room, user, ["subscribe"], TOKEN_TTL_SECONDS);
    return { status: 201, body: { ticket: await this.#rooms.ticket(room, token) } };
  }

  async #invite({ guests }: Meeting, body: unknown): Promise<Answer> {
    guests.add(String((body as { user?: unknown }).user));
    return { status: 200 };
  }

  async #exclude({ room, guests }: Meeting, body: unknown): Promise<Answer> {
    const user = String((body as { user?: unknown }).user);
    guests.delete(user);
    const closed = await this.#rooms.revoke(room, user);
    await this.#rooms.tell(room, { left: user });
    return { status: 200, body: { closed } };
  }

  async #end(name: string, { room }: Meeting): Promise<Answer> {
    this.#meetings.delete(name);
    await this.#rooms.close(room);
    return { status: 200 };
  }

  #userOf(request: IncomingMessage): string | undefined {
    const session = /(?:^|; )session=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
    return session === undefined ? undefined : this.#sessions.get(session);
  }
}
