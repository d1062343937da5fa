// The subscribers of a load in a scripted room: they ping, reconnect, resume, or stay away.
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import type { WebSocket } from "ws";
import type { Counts } from "../../load/accounting/counts.ts";
import { Crowd } from "../../load/crowd.ts";
import { findDestination } from "../../load/destination.ts";
import type { CrowdOptions } from "../../load/options.ts";
import { encodeMessage, Flag, FrameType } from "../../protocol/frame.ts";
import { ScriptedRoom, say } from "../ingest-bridge/support/room.ts";
import { waitFor } from "../support/wait.ts";

/** It stops when all crowds have left, because cleanups run in reverse order. */
async function startRoom(): Promise<ScriptedRoom> {
  const room = await ScriptedRoom.start();
  onTestFinished(() => room.stop());
  return room;
}

async function crowdOf(room: ScriptedRoom, options: Partial<CrowdOptions> = {}): Promise<Crowd> {
  const destination = await findDestination(room.url);
  const who = { url: room.url, room: "demo", token: "t", mode: "framed", subscribers: 1, rampMs: 0 } as const;
  const crowd = new Crowd({ ...who, destination, ...options });
  crowd.join();
  onTestFinished(() => crowd.close());
  return crowd;
}

const counted = (crowd: Crowd, what: string, is: (counts: Counts) => boolean) =>
  waitFor(what, () => [crowd.counts()].find(is));

function send(socket: WebSocket, first: number, count: number, bytes = 10): void {
  const frames = Array.from({ length: count }, (_, index) => {
    const payload = new Uint8Array(bytes);
    return { type: FrameType.frame, flags: Flag.key, track: 0, sequence: first + index, timestamp: 1, payload };
  });
  socket.send(encodeMessage(frames));
}

test("C2 R2 S4 a subscriber pings, reconnects after a close that allows it, and resumes at its position", async () => {
  const room = await startRoom();
  const starts: (string | null)[] = [];
  let pings = 0;
  room.behaviour.play = (socket, query) => {
    starts.push(query.get("start"));
    socket.on("message", (data) => {
      if (String(data) === "ping") pings++;
    });
    say(socket, { type: "track", track: 0, name: "main", epoch: "e1", sequence: 5 });
    if (starts.length === 1) {
      send(socket, 5, 3);
      socket.close(4001, "slow retry=20");
    } else {
      send(socket, 6, 4, 100_000);
      say(socket, { type: "gap", name: "main", epoch: "e1", from: 10, to: 14, reason: "history" });
      send(socket, 16, 1);
    }
  };
  const crowd = await crowdOf(room);
  const { frames, told, missing, duplicates, gaps, reconnects, closes, standings } = await counted(
    crowd,
    "the last frame",
    (counts) => counts.frames === 6,
  );
  expect(starts).toEqual([null, "main:e1.8"]);
  expect({ frames, told, missing, duplicates, gaps, reconnects }).toEqual({
    ...{ frames: 6, told: 5, missing: 1, duplicates: 2, gaps: 1, reconnects: 1 },
  });
  expect(closes).toEqual({ slow: 1 });
  expect(standings).toEqual({ "main e1": { 17: [1, 0] } });
  await waitFor("a ping", () => pings > 0);
});

test("R2 a subscriber that must stay away stays away, and its missing frames count as reported", async () => {
  const room = await startRoom();
  room.behaviour.play = (socket) => {
    say(socket, { type: "track", track: 0, name: "main", epoch: "e1", sequence: 0 });
    send(socket, 0, 2);
    socket.close(4508, "kicked");
  };
  const crowd = await crowdOf(room, { subscribers: 3 });
  const counts = await counted(crowd, "three refusals", ({ refused }) => refused === 3);
  expect(counts).toMatchObject({ joined: 3, connected: 0, closes: { kicked: 3 }, refusals: { kicked: 3 } });
  expect(counts.standings).toEqual({ "main e1": { 2: [0, 3] } });
  expect(room.connections).toBe(3);
});

test("W1 a refused upgrade is counted with its code; one that waiting may change is tried again", async () => {
  const room = await startRoom();
  let busy = true;
  room.behaviour.refuse = () => (busy ? { status: 503, code: "room_unavailable" } : undefined);
  const crowd = await crowdOf(room);
  // A third one may follow before this looks again.
  await waitFor("two attempts", () => room.tokens.length >= 2);
  busy = false;
  await counted(crowd, "the join", ({ joined }) => joined === 1);
  room.behaviour.refuse = () => ({ status: 403, code: "forbidden" });
  const other = await crowdOf(room);
  expect((await counted(other, "the refusal", ({ refused }) => refused === 1)).refusals).toEqual({ forbidden: 1 });
});

test("W2 a plain subscriber asks for no subprotocol, shows its token in a header, and pings", async () => {
  const room = await startRoom();
  const headers: unknown[] = [];
  const asked: string[] = [];
  room.behaviour.play = async (socket, query) => {
    asked.push(socket.protocol, query.toString());
    const [ping] = await once(socket, "message");
    headers.push(String(ping));
  };
  await crowdOf(room, { mode: "plain", track: "cam" });
  await waitFor("a ping", () => headers.length === 1);
  expect(headers).toEqual(["ping"]);
  expect(asked).toEqual(["", "role=subscribe&ping=1000&track=cam"]);
});
