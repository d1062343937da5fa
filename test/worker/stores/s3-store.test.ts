// The four verbs of a bucket that speaks S3, against one that checks signatures and lists in pages.
import { buffer } from "node:stream/consumers";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { afterAll, beforeAll, expect, test } from "vitest";
import { S3Store } from "../../../worker/s3-store.ts";
import { S3Double } from "../../support/s3-double.ts";
import { SECRET } from "../../support/secret.ts";

let bucket: S3Double;
beforeAll(async () => {
  bucket = await S3Double.start(SECRET);
});
afterAll(() => bucket[Symbol.asyncDispose]());

function store(prefix: string, secretAccessKey = SECRET): S3Store {
  const place = { url: `${bucket.url}/bucket/${prefix}`, region: "eu-1", accessKeyId: "key", secretAccessKey };
  return new S3Store({ fetch } as never, place);
}

const bytesOf = async (stream: ReadableStream<Uint8Array> | undefined) =>
  stream && (await buffer(stream as unknown as NodeStream)).toString();

test("what was put is there, as a whole and in parts; what was not is nowhere", async () => {
  const own = store("a/");
  await own.put("x/one", new TextEncoder().encode("0123456789"));
  expect(bucket.keys()).toEqual(["a/x/one"]);
  expect(await bytesOf(await own.get("x/one"))).toBe("0123456789");
  expect(await bytesOf(await own.get("x/one", { offset: 3, length: 4 }))).toBe("3456");
  expect(await own.get("x/none")).toBeUndefined();
  expect(await store("b/").get("x/one")).toBeUndefined();
});

test("a list has the keys with the prefix, page by page, in order", async () => {
  const own = store("");
  const names = Array.from({ length: 7 }, (_, index) => `list/${index}`);
  for (const name of [...names, "list-not"]) await own.put(name, new Uint8Array(1));
  bucket.maxPage = 3;
  const pages: string[][] = [];
  for (let cursor: string | undefined; pages.length === 0 || cursor !== undefined; ) {
    const page = await own.list("list/", cursor);
    pages.push(page.keys);
    cursor = page.cursor;
  }
  expect(pages).toEqual([names.slice(0, 3), names.slice(3, 6), names.slice(6)]);
  expect(await store("a/").list("x/")).toEqual({ keys: ["x/one"], cursor: undefined });
});

test("many are deleted at once, and what is not there is no error", async () => {
  const own = store("many/");
  const names = Array.from({ length: 70 }, (_, index) => String(index));
  await Promise.all(names.map((name) => own.put(name, new Uint8Array(1))));
  await own.delete([...names, "none"]);
  expect(bucket.keys("many/")).toEqual([]);
});

test("whoever has not the right is refused, and a bucket that is not there is an error", async () => {
  const other = store("a/", "x".repeat(40));
  await expect(other.put("x/two", new Uint8Array(1))).rejects.toThrow("403");
  await expect(other.get("x/one")).rejects.toThrow("403");
  await expect(other.list("x/")).rejects.toThrow("403");
  await expect(other.delete(["x/one"])).rejects.toThrow("403");
  expect(bucket.keys("a/")).toEqual(["a/x/one"]);
  bucket.isGone = true;
  await expect(store("a/").get("x/one")).rejects.toThrow();
  bucket.isGone = false;
});
