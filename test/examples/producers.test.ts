// The plain programs that send over TCP, in five languages, as far as the machine has their tools.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { nodeEnvironment } from "../../client/node.ts";
import { Subscriber } from "../../client/subscriber.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { createRoom, startTestRuntime } from "../support/local-room.ts";
import { Process } from "../support/processes.ts";
import { within } from "../support/wait.ts";

const FOLDER = fileURLToPath(new URL("../../examples/producers", import.meta.url));
const built = mkdtempSync(join(tmpdir(), "roomcast-producers-"));
const WAIT_MS = 60_000;

/** By file: required programs, preparation, and the command. */
const PROGRAMS: Readonly<Record<string, { needs: string; build?: readonly string[]; run: readonly string[] }>> = {
  "send.py": { needs: "python3", run: ["python3", "send.py"] },
  "send.mjs": { needs: process.execPath, run: [process.execPath, "send.mjs"] },
  "send.java": { needs: "javac", run: ["java", "send.java"] },
  "send.rs": { needs: "rustc", build: ["rustc", "-o", join(built, "rust"), "send.rs"], run: [join(built, "rust")] },
  "send.c": {
    needs: "cc",
    build: ["cc", "-Wall", "-Wextra", "-Werror", "-o", join(built, "c"), "send.c"],
    run: [join(built, "c")],
  },
};

const isThere = (program: string) => spawnSync(program, ["--version"]).status === 0;

let runtime: Runtime;
let bridge: TestBridge;
beforeAll(async () => {
  runtime = await startTestRuntime();
  bridge = await startTestBridge(runtime.url);
});
afterAll(async () => {
  await bridge?.[Symbol.asyncDispose]();
  await runtime?.close();
  rmSync(built, { recursive: true, force: true });
});

describe.each(Object.entries(PROGRAMS))(
  "%s",
  (_, { needs, build: [compiler = "", ...args] = [], run: [program = "", ...first] }) => {
    const start = (room: string, token: string) => {
      const to = ["127.0.0.1", String(bridge.port), room, "raw"];
      return Process.start(program, [...first, ...to], { cwd: FOLDER, env: { ROOMCAST_TOKEN: token } });
    };

    test.runIf(isThere(needs))("T3 T5 sends all of stdin, and ends well once the room has it", async () => {
      if (compiler !== "") execFileSync(compiler, args, { cwd: FOLDER });
      const { room, tokens } = await createRoom(runtime.url);
      const subscriber = new Subscriber({
        url: runtime.url,
        room,
        token: tokens.subscribe,
        start: "-60",
        environment: nodeEnvironment,
      });
      const bytes = randomBytes(3_000_000);
      const hash = createHash("sha256");
      await using sending = start(room, tokens.publish);
      const received = (async () => {
        for await (const event of subscriber) {
          if (event.type === "frame") hash.update(event.payload);
          if (event.type === "end") return hash.digest("hex");
        }
      })();
      sending.reads(Readable.from([bytes]));
      expect(await within("its end", sending.exit, WAIT_MS)).toBe(0);
      expect(sending.stderr).toBe("");
      expect(await within("the end of the stream", received)).toBe(createHash("sha256").update(bytes).digest("hex"));
    });

    test.runIf(isThere(needs))("T4 says why it was refused, and fails", async () => {
      const { room, tokens } = await createRoom(runtime.url);
      await using sending = start(room, tokens.subscribe);
      sending.reads(Readable.from([randomBytes(100)]));
      expect(await within("its end", sending.exit, WAIT_MS)).toBe(1);
      expect(sending.stderr).toMatch(/^ERROR forbidden /);
    });
  },
);
