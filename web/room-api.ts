// The HTTP API of one room, with a token.

/** The settings that the page reads. */
export interface Settings {
  readonly title: string;
  readonly public: boolean;
  readonly presence: boolean;
  readonly memberMessages: boolean;
  readonly maxSubscribers: number;
  readonly latencySeconds: number;
  readonly embedOrigins: readonly string[];
}

/** A connection in the list. */
export interface ConnectionInfo {
  readonly connection: string;
  readonly role: "publish" | "subscribe";
  readonly subject: string | null;
  readonly label: string | null;
  readonly track?: string;
  readonly state?: string;
  readonly gaps?: number;
}

/** A refusal, or an unreachable server. `message` is for people. */
export class ApiError extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export class RoomApi {
  readonly #path: string;
  readonly #token: string;

  constructor(room: string, token: string) {
    this.#path = `/api/rooms/${encodeURIComponent(room)}`;
    this.#token = token;
  }

  /** All of these methods reject with `ApiError`. */
  async settings(): Promise<Settings> {
    return ((await this.#ask("GET", "")) as { settings: Settings }).settings;
  }

  async change(settings: Partial<Settings>): Promise<Settings> {
    return ((await this.#ask("PATCH", "", { settings })) as { settings: Settings }).settings;
  }

  async connections(): Promise<readonly ConnectionInfo[]> {
    const { connections } = (await this.#ask("GET", "/connections?limit=200")) as { connections: ConnectionInfo[] };
    return connections;
  }

  async kick(connection: string): Promise<void> {
    await this.#ask("DELETE", `/connections/${encodeURIComponent(connection)}`);
  }

  async mint(can: readonly string[], ttlSeconds: number, subject: string | undefined): Promise<string> {
    const body = { can, ttlSeconds, ...(subject && { subject }) };
    return ((await this.#ask("POST", "/tokens", body)) as { token: string }).token;
  }

  /** Returns the number of closed connections. */
  async revoke(jti: string): Promise<number> {
    return ((await this.#ask("POST", "/revocations", { jti })) as { closed: number }).closed;
  }

  async close(): Promise<void> {
    await this.#ask("DELETE", "");
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    return ask(`${this.#path}${path}`, init);
  }
}

/** Sends a request and returns the answer's JSON; undefined if there is no body. Rejects with `ApiError`. */
export async function ask(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init).catch(() => {
    throw new ApiError("The server could not be reached. Try again.", 0);
  });
  if (response.status === 204) return undefined;
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body;
  const { title, detail } = { ...(typeof body === "object" ? body : undefined) } as Record<string, unknown>;
  const texts = [title, detail].filter((text) => typeof text === "string" && text !== "");
  throw new ApiError(texts.join(": ") || `The server answered ${response.status}.`, response.status);
}
