// Recordings of `roomcast serve` in a bucket that speaks S3: stored, read in parts, and deleted to the last object.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { produce } from "../support/producer.ts";
import { createRecordedRoom, RoomRecordings, sha256 } from "../support/recordings.ts";
import { S3Double } from "../support/s3-double.ts";
import { SECRET } from "../support/secret.ts";
import { ServeProcess } from "../support/serve-process.ts";

/** More than a segment. */
const FRAMES = 40;
const FRAME_BYTES = 500_000;

let folder: string;
let bucket: S3Double;
let server: ServeProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-s3-"));
  bucket = await S3Double.start(SECRET);
  bucket.maxPage = 2;
  const env = { AWS_ENDPOINT_URL: bucket.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: SECRET };
  const args = ["--recordings", "s3://bucket/some/where", "--var", "ROOM_CREATION=open"];
  server = await ServeProcess.start(join(folder, "state"), { args, env });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await bucket?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("A3 A6 a room is recorded into the bucket, byte for byte, and deleted from there", async () => {
  const room = await createRecordedRoom(server.url);
  const recordings = new RoomRecordings(server.url, room);
  const frames = Array.from({ length: FRAMES }, () => randomBytes(FRAME_BYTES));
  await produce(server.ingestPort, { room: room.room, token: room.tokens.publish }, frames);
  await recordings.ended();
  const sent = Buffer.concat(frames);
  const stored = await recordings.download();
  expect([stored.length, sha256(stored)]).toEqual([sent.length, sha256(sent)]);
  const headers = { range: `bytes=${FRAME_BYTES - 1}-${15 * FRAME_BYTES}` };
  const part = Buffer.from(await (await recordings.ask("/tracks/main/recording", { headers })).arrayBuffer());
  expect(part.equals(sent.subarray(FRAME_BYTES - 1, 15 * FRAME_BYTES + 1))).toBe(true);
  const keys = bucket.keys();
  expect(keys.length).toBeGreaterThan(2);
  for (const key of keys) expect(key).toMatch(`some/where/recordings/${room.room}/main/`);
  const gone = await recordings.ask("/recordings", { method: "DELETE", token: room.tokens.admin });
  expect(gone.status).toBe(204);
  expect(bucket.keys()).toEqual([]);
  expect(bucket.faults).toEqual([]);
});
