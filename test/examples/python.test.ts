// The subscriber in Python: on the vectors, and against a real Worker with cuts, a resume and gaps.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Publisher } from "../../client/publisher.ts";
import { Flag } from "../../protocol/frame.ts";
import { startTestRuntime, type TestRoom } from "../support/local-room.ts";
import { MessageProxy } from "../support/message-proxy.ts";
import { Process } from "../support/processes.ts";
import { waitFor, within } from "../support/wait.ts";

const FOLDER = fileURLToPath(new URL("../../examples/python", import.meta.url));
const VECTORS = fileURLToPath(new URL("../../protocol/vectors.json", import.meta.url));
const hasPython = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).status === 0;
const WAIT_MS = 30_000;

interface Vector {
  readonly hex: string;
  readonly repeat?: number;
  readonly frames: Record<string, unknown>[];
  readonly error: string;
}

test.runIf(hasPython)("F1 F2 F3 F4 it reads the vectors' messages, and refuses those that break a rule", () => {
  const program = `
import json, sys
from frames import ProtocolError, read_message
def read(text):
    try:
        return [[f.type, f.flags, f.track, f.sequence, f.timestamp, f.payload.hex()] for f in read_message(bytes.fromhex(text))]
    except ProtocolError as error:
        return error.code
print(json.dumps([read(text) for text in json.load(sys.stdin)]))`;
  const { messages } = JSON.parse(readFileSync(VECTORS, "utf8"));
  const valid = messages.valid.map(({ hex, repeat = 1, frames }: Vector) => {
    const is = frames.map(({ type, flags, track, sequence, timestamp, payload }) => {
      return [type, flags, track, sequence, timestamp, payload];
    });
    return { hex: hex.repeat(repeat), is: Array.from({ length: repeat }, () => is).flat() };
  });
  const invalid = messages.invalid.map(({ hex, repeat = 1, error }: Vector) => ({
    hex: hex.repeat(repeat),
    is: error,
  }));
  const cases: { hex: string; is: unknown }[] = [...valid, ...invalid];
  const { stdout, stderr } = spawnSync("python3", ["-c", program], {
    cwd: FOLDER,
    input: JSON.stringify(cases.map(({ hex }) => hex)),
    maxBuffer: 1 << 24,
  });
  expect(String(stderr)).toBe("");
  expect(JSON.parse(String(stdout))).toEqual(cases.map(({ is }) => is));
  expect(cases.length).toBeGreaterThan(20);
});

test.runIf(hasPython).each([
  ["hangs up at once", ""],
  ["hangs up within its answer", "HTTP/1.1 101 Switching Prot"],
  ["speaks something else", "220\r\n\r\n"],
])(
  "R2 a server that %s during the handshake is a lost connection, and leaves no socket open",
  async (_name, answer) => {
    const server = createServer((socket) => void socket.once("data", () => socket.end(answer))).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const program = `
import sys
from websocket import Closed, WebSocket
try:
    WebSocket(sys.argv[1], {}, ["roomcast.v1"], 1000)
except Closed as closed:
    print(closed.code)`;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    // Python then warns of each socket that nobody closed.
    const args = ["-W", "always::ResourceWarning", "-c", program, url];
    await using python = Process.start("python3", args, { cwd: FOLDER });
    expect(await within("its end", python.exit, WAIT_MS)).toBe(0);
    expect(python.stderr).toBe("");
    expect(python.stdout).toBe("1006\n");
  },
);

/** Its output with --events. */
interface Event {
  readonly type: string;
  readonly epoch: string;
  readonly sequence: number;
  readonly from: number;
  readonly to: number | null;
  readonly reason: string;
  readonly sha256: string;
}

describe.runIf(hasPython)("against a Worker", () => {
  let runtime: Runtime;
  let proxy: MessageProxy;
  beforeAll(async () => {
    runtime = await startTestRuntime();
    proxy = await MessageProxy.start(runtime.url);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await runtime?.close();
  });

  async function createRoom(settings: object): Promise<TestRoom> {
    const response = await fetch(`${runtime.url}/api/rooms`, { method: "POST", body: JSON.stringify({ settings }) });
    return (await response.json()) as TestRoom;
  }

  /** The states of its subscribers. */
  async function statesIn({ room, tokens }: TestRoom): Promise<(string | undefined)[]> {
    const headers = { authorization: `Bearer ${tokens.admin}` };
    const response = await fetch(`${runtime.url}/api/rooms/${room}/connections`, { headers });
    const { connections } = (await response.json()) as { connections: { state?: string }[] };
    return connections.map(({ state }) => state);
  }

  /** Publishes frames of `bytes` bytes, each the beginning of a group; records their digests. */
  function publisherOf({ room, tokens }: TestRoom, bytes: number) {
    const publisher = new Publisher({
      url: runtime.url,
      room,
      token: tokens.publish,
      environment: nodeEnvironment,
    });
    const digests: string[] = [];
    const write = async (count: number, flags = 0) => {
      for (let left = count; left > 0; left--) {
        const payload = new Uint8Array(bytes).fill(digests.length);
        digests.push(createHash("sha256").update(payload).digest("hex"));
        await publisher.write([{ payload, flags: Flag.key | flags }]);
      }
    };
    return { publisher, digests, write };
  }

  /** The program, behind the proxy, and its output so far. */
  function watch({ room, tokens }: TestRoom) {
    const args = ["watch.py", "--events", proxy.url, room];
    const python = Process.start("python3", args, { cwd: FOLDER, env: { ROOMCAST_TOKEN: tokens.subscribe } });
    const events = (): Event[] => {
      const lines = python.stdout.split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line));
    };
    const of = (type: string) => events().filter((event) => event.type === type);
    return { python, events, of, [Symbol.asyncDispose]: () => python[Symbol.asyncDispose]() };
  }

  /** Consecutive frames and gaps. Throws if a frame is missing or comes twice. */
  function expectNoHole(events: readonly Event[], digests: readonly string[]): void {
    let due: number | undefined;
    for (const { type, sequence, from, to, sha256 } of events) {
      if (type === "frame") {
        expect(sequence).toBe(due ?? sequence);
        expect(sha256).toBe(digests[sequence]);
        due = sequence + 1;
      } else if (type === "gap") {
        expect(from).toBe(due ?? from);
        due = (to ?? Number.NaN) + 1;
      }
    }
    expect(due).toBe(digests.length);
  }

  test("S4 cut in mid-stream it resumes at its position: every frame once", async () => {
    const room = await createRoom({});
    const { publisher, digests, write } = publisherOf(room, 1000);
    await write(1);
    await using watching = watch(room);
    const { python, events, of } = watching;
    await waitFor("the first frame", () => of("frame").length > 0, WAIT_MS);
    for (let cut = 1; cut <= 2; cut++) {
      await write(50);
      proxy.cut();
      await write(50);
      await waitFor("all of it", () => of("lost").length >= cut && of("frame").length > cut * 100, WAIT_MS);
    }
    await write(1, Flag.end);
    expect(await within("its end", python.exit, WAIT_MS)).toBe(0);
    expect(of("gap")).toEqual([]);
    expectNoHole(events(), digests);
    await publisher.end();
  });

  test("S2 S4 S6 missing frames are reported: stopped in mid-stream, and cut for longer than history reaches", async () => {
    const room = await createRoom({ historyBytes: 64 * 1024, latencySeconds: 1 });
    const { publisher, digests, write } = publisherOf(room, 16 * 1024);
    await write(1);
    await using watching = watch(room);
    const { python, events, of } = watching;
    await waitFor("the first frame", () => of("frame").length > 0, WAIT_MS);
    python.child.kill("SIGSTOP");
    proxy.cut();
    await write(50);
    python.child.kill("SIGCONT");
    await waitFor("the gap of history", () => of("gap").some(({ reason }) => reason === "history"), WAIT_MS);
    python.child.kill("SIGSTOP");
    // It reads nothing, and so confirms nothing: it is late after a second or two, and the room pauses it.
    const writesOn = async () => {
      await Promise.all([write(1), sleep(50)]);
      return (await statesIn(room)).includes("paused");
    };
    await waitFor("the room to pause it", writesOn, WAIT_MS);
    await write(1);
    python.child.kill("SIGCONT");
    await waitFor("the gap of the late", () => of("gap").some(({ reason }) => reason === "lagged"), WAIT_MS);
    await write(1, Flag.end);
    expect(await within("its end", python.exit, WAIT_MS)).toBe(0);
    expectNoHole(events(), digests);
    await publisher.end();
  });

  test("H1 without a token that counts it ends at once, and says the code", async () => {
    const { room } = await createRoom({});
    const env = { ROOMCAST_TOKEN: "a.b.c" };
    await using python = Process.start("python3", ["watch.py", runtime.url, room], { cwd: FOLDER, env });
    expect(await within("its end", python.exit, WAIT_MS)).toBe(1);
    expect(python.stderr).toBe("refused: HTTP 401 unauthorized\n");
  });
});
