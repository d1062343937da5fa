// The calls of an application server to Roomcast, with the operator's key: rooms, short-lived tokens, revocations.

/** A right in a room. */
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

  /** Creates a room and returns its id. */
  async create(settings: object): Promise<string> {
    const { room } = await this.#ask("POST", "", { settings });
    return room as string;
  }

  /** A token for `subject`. It is short-lived, because the page can fetch another one. */
  async token(room: string, subject: string, can: readonly Right[], ttlSeconds: number): Promise<string> {
    const { token } = await this.#ask("POST", `/${room}/tokens`, { can, subject, ttlSeconds });
    return token as string;
  }

  /** A ticket that opens one WebSocket in the next minute, with the rights of `token`. */
  async ticket(room: string, token: string): Promise<string> {
    const { ticket } = await this.#ask("POST", `/${room}/tickets`, {}, token);
    return ticket as string;
  }

  /** Revokes all tokens of `subject`, and closes its connections. Returns their number. */
  async revoke(room: string, subject: string): Promise<number> {
    const { closed } = await this.#ask("POST", `/${room}/revocations`, { subject });
    return closed as number;
  }

  /** Sends a message to everybody in the room. Returns the number of connections that it went to. */
  async tell(room: string, body: unknown): Promise<number> {
    const { connections } = await this.#ask("POST", `/${room}/messages`, { body });
    return connections as number;
  }

  /** Closes the room permanently. */
  async close(room: string): Promise<void> {
    await this.#ask("DELETE", `/${room}`);
  }

  async #ask(method: string, path: string, body?: object, credential = this.#key): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#url}/api/rooms${path}`, {
      method,
      headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text === "" ? {} : JSON.parse(text);
    if (!response.ok) throw new RoomsError(response.status, answer.code, answer.detail);
    return answer;
  }
}
