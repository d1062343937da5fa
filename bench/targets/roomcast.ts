// Roomcast itself: the built bundle in a bare workerd, with one room.
import { readFile } from "node:fs/promises";
import { HEADER_BYTES } from "../../protocol/frame.ts";
import type { RoomSettings } from "../../worker/core/room-settings.ts";
import type { Target } from "./target.ts";
import { startWorkerd } from "./workerd.ts";

const BUNDLE = new URL("../../dist/worker/index.js", import.meta.url);
const ROOM = "bench";
/** The ping interval that subscribers declare; older builds do not know it. */
const PINGS = "&ping=1000";
const SECRET = "bench-secret-bench-secret-bench-secret-0000";

/** The room, for requests other than WebSockets. */
export interface RoomcastTarget extends Target {
  readonly url: string;
  readonly room: string;
  readonly publishToken: string;
  readonly subscribeToken: string;
  readonly adminToken: string;
}

/** The mode of its subscribers: frames with headers and control messages, or only payloads. */
export type Mode = "framed" | "plain";

/**
 * Starts it and creates the room. `bundle`: another build of the Worker, to compare with. `given`: vars, which override
 * the common ones. `queues`: bindings of a queue.
 */
export async function startRoomcast(
  mode: Mode,
  bundle?: string,
  settings: Partial<RoomSettings> = {},
  given: Readonly<Record<string, string>> = {},
  queues: readonly string[] = [],
): Promise<RoomcastTarget> {
  const script = await readFile(bundle ?? BUNDLE, "utf8").catch((cause) => {
    throw new Error("the Worker is not built: npm run build", { cause });
  });
  const vars = {
    TOKEN_SECRET: SECRET,
    OPERATOR_KEY: SECRET,
    ROOM_CREATION: "open",
    // The benchmarks measure one object, unless they say otherwise.
    MAX_RELAYS: "0",
    INGEST_URL: "tcp://127.0.0.1:9000",
    ...given,
  };
  const objects = objectsOf(script);
  const disk = objects.RECORDER === undefined ? undefined : "RECORDINGS_DISK";
  const worker = await startWorkerd({ script, objects, vars, disk, queues });
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

/** The classes that the build has, by their bindings: those from before know no relays, or no recorders. */
function objectsOf(script: string): Record<string, string> {
  const has = (name: string) => new RegExp(`^export \\{[^}]*\\b${name}\\b`, "m").test(script);
  return { ROOM: "Room", ...(has("Relay") && { RELAY: "Relay" }), ...(has("Recorder") && { RECORDER: "Recorder" }) };
}
