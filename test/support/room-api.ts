// The HTTP API of a room, for tests with several objects.
import type * as z from "zod/mini";
import type { connectionsAnswer, roomAnswer } from "../../worker/schemas.ts";
import type { TestRoom } from "./local-room.ts";

/** A refusal that a test did not expect. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
  }
}

/** The API of one room of the Worker at `url`, as its admin, or with `token`. */
export class RoomApi {
  readonly #base: string;
  readonly #token: string;

  constructor(url: string, { room, tokens }: TestRoom, token = tokens.admin) {
    this.#base = `${url}/api/rooms/${room}`;
    this.#token = token;
  }

  /** Throws `Refused`. */
  async ask<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = { authorization: `Bearer ${this.#token}` };
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.#base + path, { method, headers, ...init });
    const text = await response.text();
    const answer = text === "" ? undefined : JSON.parse(text);
    if (response.status >= 300) throw new Refused(response.status, answer?.code ?? "");
    return answer as T;
  }

  describe(): Promise<z.infer<typeof roomAnswer>> {
    return this.ask("GET", "");
  }

  /** All pages. */
  async connections(limit = 1000): Promise<z.infer<typeof connectionsAnswer>["connections"]> {
    const all = [];
    for (let after = ""; ; ) {
      const page = await this.ask<z.infer<typeof connectionsAnswer>>("GET", `/connections?limit=${limit}${after}`);
      all.push(...page.connections);
      if (page.next === null) return all;
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  /** The number of subscribers of each object. */
  async seats(): Promise<Record<string, number>> {
    const seats: Record<string, number> = {};
    for (const { at, role } of await this.connections()) if (role === "subscribe") seats[at] = (seats[at] ?? 0) + 1;
    return seats;
  }
}
