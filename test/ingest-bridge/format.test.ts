// The format of a track, as the bridge declares it.
import { expect, test } from "vitest";
import { Producer, preamble } from "./support/producer.ts";
import { type Setup, setup } from "./support/setup.ts";
import { until } from "./support/until.ts";

/** The formats that the room got from a producer with these fields, after it has sent `bytes`. */
async function formatsOf({ port, room }: Setup, fields: string, bytes: string | Uint8Array): Promise<string[]> {
  const before = room.formats.length;
  const producer = await Producer.connect(port, preamble(fields));
  producer.socket.end(bytes);
  await producer.hungUp();
  return room.formats.slice(before);
}

/** Packets of a transport stream without information. */
const PACKETS = Buffer.alloc(188 * 3);
for (let at = 0; at < PACKETS.length; at += 188) PACKETS.set([0x47, 0x1f, 0xff, 0x10], at);

test("T21 the format is that of the framing, and of the first bytes", async () => {
  const it = await setup();
  expect(await formatsOf(it, "framing=raw", "bytes")).toEqual([]);
  expect(await formatsOf(it, "framing=length32", Buffer.alloc(4))).toEqual([]);
  expect(await formatsOf(it, "framing=lines", "one\n{}\n")).toEqual(["text/plain"]);
  expect(await formatsOf(it, "framing=lines", '{"a":1}\nend')).toEqual(["application/x-ndjson"]);
  expect(await formatsOf(it, "framing=lines", "{no json")).toEqual(["text/plain"]);
  expect(await formatsOf(it, "framing=mjpeg", Uint8Array.of(0xff, 0xd8, 0xff, 0xd9))).toEqual(["image/jpeg"]);
  expect(await formatsOf(it, "framing=auto", PACKETS)).toEqual(["video/mp2t"]);
});

test("T21 T17 content-type= comes first, in the preamble and on a route of the configuration file, and again after a lost connection", async () => {
  const type = 'video/mp4;codecs="avc1.4d401f,mp4a.40.2"';
  const it = await setup();
  expect(await formatsOf(it, `framing=lines content-type=${type}`, "{}\n")).toEqual([type]);
  const query = new URLSearchParams({ room: "demo", framing: "lines", "content-type": type, "token-env": "T" });
  const { port, room } = await setup({ listen: [`tcp://127.0.0.1:0?${query}`] }, { env: { T: "a.b.c" } });
  const producer = await Producer.connect(port, "{}\n");
  await until(() => room.taken.length === 1);
  room.cut();
  producer.socket.end("{}\n");
  await producer.hungUp();
  expect(room.formats).toEqual([type, type]);
});
