// Roomcast itself: the built bundle in a bare workerd, with one room.
import { readFile } from "node:fs/promises";
import { HEADER_BYTES } from "../../protocol/frame.ts";
import type { RoomSettings } from "../../worker/core/room-settings.ts";
import type { Target } from "./target.ts";
import { startWorkerd } from "./workerd.ts";

const BUNDLE = new URL("../../dist/worker/index.js", import.meta.url);
const ROOM = "bench";
/** What subscribers say of their pings; builds from before do not know it. */
const PINGS = "&ping=1000";
const SECRET = "bench-secret-bench-secret-bench-secret-0000";

/** The room, for whoever does not come by WebSocket. */
export interface RoomcastTarget extends Target {
  readonly url: string;
  readonly room: string;
  readonly publishToken: string;
  readonly subscribeToken: string;
  readonly adminToken: string;
}

/** How its subscribers receive: frames with headers and control messages, or payloads alone. */
export type Mode = "framed" | "plain";

/** Starts it and creates the room. `bundle`: another build of the Worker, to compare with. */
export async function startRoomcast(
  mode: Mode,
  bundle?: string,
  settings: Partial<RoomSettings> = {},
): Promise<RoomcastTarget> {
  const script = await readFile(bundle ?? BUNDLE, "utf8").catch((cause) => {
    throw new Error("the Worker is not built: npm run build", { cause });
  });
  const vars = {
    TOKEN_SECRET: SECRET,
    OPERATOR_KEY: SECRET,
    ROOM_CREATION: "open",
    INGEST_URL: "tcp://127.0.0.1:9000",
  };
  const worker = await startWorkerd({ script, className: "Room", vars });
  const url = `http://127.0.0.1:${worker.port}`;
  const response = await fetch(`${url}/api/rooms`, { method: "POST", body: JSON.stringify({ id: ROOM, settings }) });
  const { tokens } = (await response.json()) as { tokens: { admin: string; publish: string; subscribe: string } };
  const handshake = (role: string, token: string, framed: boolean) => ({
    port: worker.port,
    path: `/rooms/${ROOM}/ws?role=${role}`,
    headers: { authorization: `Bearer ${token}`, ...(framed && { "sec-websocket-protocol": "roomcast.v1" }) },
  });
  const subscriber = handshake("subscribe", tokens.subscribe, mode === "framed");
  return {
    name: `${bundle === undefined ? "roomcast" : "against"}-${mode}`,
    pid: worker.pid,
    url,
    room: ROOM,
    publishToken: tokens.publish,
    subscribeToken: tokens.subscribe,
    adminToken: tokens.admin,
    publisher: handshake("publish", tokens.publish, true),
    subscriber: { ...subscriber, path: `${subscriber.path}${mode === "framed" && bundle === undefined ? PINGS : ""}` },
    isRoomcast: true,
    headerBytes: mode === "framed" ? HEADER_BYTES : 0,
    pings: mode === "framed",
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}
