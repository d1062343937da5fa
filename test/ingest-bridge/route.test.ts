// Producers without a preamble: static routes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Producer } from "./support/producer.ts";
import { setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

async function tokenFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "token"), text);
  return join(folder, "token");
}

test("T17 publishes from the first byte on, and answers nothing", async () => {
  const url = "tcp://127.0.0.1:0?room=demo&track=cam&framing=lines&token-env=T";
  const { port, room } = await setup({ listen: [url] }, { env: { T: "a.b.c" } });
  const producer = await Producer.connect(port, "one\ntwo\n");
  producer.socket.end();
  expect(await producer.hungUp()).toBe("");
  expect(room.taken.map(({ track, payload }) => `${track}:${payload}`)).toEqual(["cam:one", "cam:two", "cam:"]);
  expect(room.tokens).toEqual(["a.b.c"]);
});

test("reads its token file anew for each attempt", async () => {
  const file = await tokenFile("old.token.x\n");
  const { port, room } = await setup({ listen: [`tcp://127.0.0.1:0?room=demo&token-file=${file}`] });
  const producer = await Producer.connect(port, "x");
  await until(() => room.taken.length === 1);
  await writeFile(file, "new.token.x\n");
  room.cut();
  producer.socket.end("y");
  await producer.hungUp();
  expect(room.tokens).toEqual(["old.token.x", "new.token.x"]);
  expect(room.bytes.toString()).toBe("xy");
});

test("a refusal closes the connection and is logged", async () => {
  const url = "tcp://127.0.0.1:0?room=demo&token-env=T";
  const { port, room, log } = await setup({ listen: [url] }, { env: { T: "a.b.c" } });
  room.behaviour.refuse = () => ({ status: 401, code: "unauthorized" });
  const producer = await Producer.connect(port, "x");
  expect(await producer.hungUp()).toBe("");
  await until(() => log.some((line) => line.includes('"code":"unauthorized"')));
});

test("no token, no connection to the room", async () => {
  const url = `tcp://127.0.0.1:0?room=demo&token-file=${await tokenFile("\n")}`;
  const { port, room, log } = await setup({ listen: [url] }, { joinTimeoutMs: 100 });
  const producer = await Producer.connect(port, "x");
  expect(await producer.hungUp()).toBe("");
  expect(room.tokens).toEqual([]);
  expect(log.some((line) => line.includes("no token"))).toBe(true);
});
