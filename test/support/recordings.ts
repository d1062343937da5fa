// Recorded rooms of a real Worker, and requests for their recordings.
import { createHash } from "node:crypto";
import type * as z from "zod/mini";
import type { recordingsAnswer, segmentsAnswer } from "../../worker/schemas.ts";
import type { TestRoom } from "./local-room.ts";
import { waitFor } from "./wait.ts";

type Recordings = z.infer<typeof recordingsAnswer>["recordings"];
type Segments = z.infer<typeof segmentsAnswer>;

/** Creates a room that records all of its tracks; `settings` overrides settings. */
export async function createRecordedRoom(url: string, settings: object = {}): Promise<TestRoom> {
  const body = JSON.stringify({ settings: { recording: "all", ...settings } });
  const response = await fetch(`${url}/api/rooms`, { method: "POST", body });
  if (response.status !== 201) throw new Error(`room not created: ${await response.text()}`);
  return (await response.json()) as TestRoom;
}

/** The recordings of one room. */
export class RoomRecordings {
  readonly #url: string;
  readonly #room: TestRoom;

  constructor(url: string, room: TestRoom) {
    this.#url = url;
    this.#room = room;
  }

  /** A request below `/api/rooms/ROOM`, with `token`. */
  ask(path: string, init: RequestInit & { token?: string } = {}): Promise<Response> {
    const { token = this.#room.tokens.subscribe, ...rest } = init;
    const headers = { ...(rest.headers as Record<string, string>), authorization: `Bearer ${token}` };
    return fetch(`${this.#url}/api/rooms/${this.#room.room}${path}`, { ...rest, headers });
  }

  async list(): Promise<Recordings> {
    return ((await (await this.ask("/recordings")).json()) as { recordings: Recordings }).recordings;
  }

  async segments(query = "", track = "main"): Promise<Segments> {
    return (await (await this.ask(`/tracks/${track}/segments${query}`)).json()) as Segments;
  }

  /** Resolves when a track has this number of segments. */
  async reached(segments: number, track = "main", ms = 30_000): Promise<Recordings[number]> {
    const probe = async () => (await this.list()).find((one) => one.track === track && one.segments >= segments);
    return waitFor(`${segments} segments of ${track}`, probe, ms);
  }

  /** Resolves when everything is stored, and the source is gone. */
  async ended(track = "main", ms = 30_000): Promise<Recordings[number]> {
    const probe = async () => (await this.list()).find((one) => one.track === track && !one.isLive);
    return waitFor(`the end of the recording of ${track}`, probe, ms);
  }

  async download(query = "", track = "main"): Promise<Buffer> {
    const response = await this.ask(`/tracks/${track}/recording${query}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return Buffer.from(await response.arrayBuffer());
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
