// What an application server needs of Roomcast: rooms, short-lived tokens, and to take them back. With the operator's key.

/** What somebody may do in a room. */
export type Right = "subscribe" | "publish" | "message";

/** A refusal of Roomcast; `code` is stable, see PROTOCOL.md. */
export class RoomsError extends Error {
  override readonly name = "RoomsError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${code}: ${detail}`);
    this.status = status;
    this.code = code;
  }
}

/** The rooms of one Roomcast Worker. */
export class Rooms {
  readonly #url: string;
  readonly #key: string;

  /** `url`: the base of the Worker; `key`: its OPERATOR_KEY. It stays on the server. */
  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** Creates a room and answers its id. */
  async create(settings: object): Promise<string> {
    const { room } = await this.#ask("POST", "", { settings });
    return room as string;
  }

  /** A token for `subject`: short-lived, since the page can fetch another one. */
  async token(room: string, subject: string, can: readonly Right[], ttlSeconds: number): Promise<string> {
    const { token } = await this.#ask("POST", `/${room}/tokens`, { can, subject, ttlSeconds });
    return token as string;
  }

  /** Takes back all tokens that `subject` has, and closes its connections: answers how many. */
  async revoke(room: string, subject: string): Promise<number> {
    const { closed } = await this.#ask("POST", `/${room}/revocations`, { subject });
    return closed as number;
  }

  /** Tells everybody in the room something; answers to how many connections it went. */
  async tell(room: string, body: unknown): Promise<number> {
    const { connections } = await this.#ask("POST", `/${room}/messages`, { body });
    return connections as number;
  }

  /** Closes the room for good. */
  async close(room: string): Promise<void> {
    await this.#ask("DELETE", `/${room}`);
  }

  async #ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#url}/api/rooms${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text === "" ? {} : JSON.parse(text);
    if (!response.ok) throw new RoomsError(response.status, answer.code, answer.detail);
    return answer;
  }
}
