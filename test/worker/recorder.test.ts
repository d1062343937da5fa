// A recorder inside the runtime: published data reaches the bucket, whatever leaves memory meanwhile.
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { answered, api, tokenFor } from "./support/api.ts";
import { END, frame, KEY, publish, request, type Tokens } from "./support/rooms.ts";

afterEach(() => vi.useRealTimers());

/** It is so late, ms since 1970. */
const setClock = (now: number) => vi.useFakeTimers({ toFake: ["Date"], now });

interface Page {
  readonly segments: { readonly first: number; readonly next: number; readonly bytes: number; readonly url: string }[];
  readonly gaps: { readonly from: number; readonly to: number | null; readonly reason: string }[];
  readonly isLive: boolean;
}

interface Listed {
  readonly recordings: { readonly track: string; readonly segments: number; readonly bytes: number }[];
}

async function createRecorded(settings: object = {}): Promise<{ room: string; tokens: Tokens }> {
  const body = JSON.stringify({ settings: { recording: "all", ...settings } });
  return answered(request("/api/rooms", { method: "POST", body }), 201);
}

/** Resolves with the result of `probe`; rejects after 30 s. */
async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`no ${what}`);
    await scheduler.wait(50);
  }
}

const pageOf = (room: string, token: string) => answered<Page>(api("GET", room, "/tracks/main/segments", token), 200);

/** Resolves when the recording reaches `next`. */
const reaches = (room: string, token: string, next: number) =>
  eventually(`recording up to ${next}`, async () => {
    const answer = await api("GET", room, "/tracks/main/segments", token);
    if (answer.status !== 200) return void (await answer.body?.cancel());
    const page = (await answer.json()) as Page;
    return page.segments.at(-1)?.next === next ? page : undefined;
  });

async function keysOf(room: string): Promise<string[]> {
  const { objects } = await env.RECORDINGS.list({ prefix: `recordings/${room}/` });
  return objects.map(({ key }) => key);
}

test("A1 A3 frames are in the bucket once the source says its end, byte by byte", async () => {
  const { room, tokens } = await createRecorded();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, KEY), frame(1, 5000), frame(2, 70, KEY), frame(3, 9, END));
  const { segments, gaps } = await reaches(room, tokens.subscribe, 4);
  expect(gaps).toEqual([]);
  expect(segments).toMatchObject([{ first: 0, next: 4, bytes: 5179 }]);
  const download = await api("GET", room, "/tracks/main/recording", tokens.subscribe);
  const bytes = new Uint8Array(await download.arrayBuffer());
  const expected = [0, 1, 2, 3].flatMap((sequence) =>
    Array.from(frame(sequence, [100, 5000, 70, 9][sequence] ?? 0).payload),
  );
  expect([...bytes]).toEqual(expected);
  expect(await keysOf(room)).toHaveLength(1);
});

test("A1 A4 a recorder that is killed with frames in memory gets them again", async () => {
  const { room, tokens } = await createRecorded();
  const recorder = env.RECORDER.getByName(`${room}!main`);
  const kill = () => runInDurableObject(recorder, (_, state) => state.abort("a test wants it")).catch(() => {});
  const isOnline = async () => (await api("GET", room, "/recordings", tokens.subscribe)).json<Listed>();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, KEY), frame(1, 100));
  await eventually("a recorder", async () => (await isOnline()).recordings.length > 0);
  await kill();
  publisher.frames(frame(2, 100, KEY), frame(3, 100));
  await eventually("a recorder", async () => (await isOnline()).recordings.length > 0);
  await kill();
  publisher.frames(frame(4, 100, KEY), frame(5, 100, END));
  const { segments, gaps } = await reaches(room, tokens.subscribe, 6);
  const missing = gaps.reduce((sum, { from, to }) => sum + (to ?? Number.NaN) + 1 - from, 0);
  expect(segments.reduce((sum, { bytes }) => sum + bytes, 0) + 100 * missing).toBe(600);
  expect(missing).toBe(0);
});

test("A5 A6 a room that is closed leaves nothing in the bucket, nor does a recording that is deleted", async () => {
  const { room, tokens } = await createRecorded();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, KEY), frame(1, 100, END));
  await reaches(room, tokens.subscribe, 2);
  expect(await keysOf(room)).toHaveLength(1);
  await answered(api("DELETE", room, "/tracks/main/recording", tokens.admin), 204);
  expect(await keysOf(room)).toEqual([]);
  expect(await pageOf(room, tokens.subscribe)).toMatchObject({ segments: [], gaps: [] });
  const second = await publish(room, tokens.publish, "takeover=1");
  second.frames(frame(0, 30, KEY), frame(1, 30, END));
  await reaches(room, tokens.subscribe, 2);
  expect(await keysOf(room)).toHaveLength(1);
  await answered(api("DELETE", room, "", tokens.admin), 204);
  expect(await keysOf(room)).toEqual([]);
});

test("A2 tracks that are not named are not recorded, and a room that was not asked to records nothing", async () => {
  const { room, tokens } = await createRecorded({ recording: ["notes"] });
  const main = await publish(room, tokens.publish);
  const notes = await publish(room, tokens.publish, "track=notes");
  main.frames(frame(0, 10, KEY | END));
  notes.frames(frame(0, 20, KEY | END, 1));
  const list = await eventually("a recording", async () => {
    const { recordings } = await answered<Listed>(api("GET", room, "/recordings", tokens.subscribe), 200);
    return recordings.some(({ segments }) => segments > 0) && recordings;
  });
  expect(list).toMatchObject([{ track: "notes", segments: 1, bytes: 20 }]);
});

test("A7 H22 a reusable ticket reads recordings of its tracks, a ticket that serves once does not, nor a ticket as a token", async () => {
  const { room, tokens } = await createRecorded();
  const publisher = await publish(room, tokens.publish);
  publisher.frames(frame(0, 100, KEY), frame(1, 100, END));
  await reaches(room, tokens.subscribe, 2);
  const ticketOf = async (body: object) =>
    (await answered<{ ticket: string }>(api("POST", room, "/tickets", tokens.subscribe, body), 201)).ticket;
  const read = (path: string, ticket: string) => request(`/api/rooms/${room}${path}?ticket=${ticket}`);
  const reusable = await ticketOf({ reusable: true });
  for (const path of ["/recordings", "/tracks/main/segments", "/tracks/main/recording"]) {
    const answer = await read(path, reusable);
    expect(answer.status).toBe(200);
    await answer.body?.cancel();
    expect((await read(path, await ticketOf({}))).status).toBe(401);
    expect((await read(path, tokens.subscribe)).status).toBe(401);
    expect((await api("GET", room, path, reusable)).status).toBe(401);
  }
  const elsewhere = await ticketOf({ reusable: true, tracks: ["other"] });
  expect((await read("/tracks/main/recording", elsewhere)).status).toBe(403);
  const other = await createRecorded();
  expect((await request(`/api/rooms/${other.room}/recordings?ticket=${reusable}`)).status).toBe(401);
  const both = await request(`/api/rooms/${room}/recordings?ticket=${reusable}`, {
    headers: { authorization: `Bearer ${tokens.subscribe}` },
  });
  expect(both.status).toBe(400);
  const write = await request(`/api/rooms/${room}/recordings?ticket=${reusable}`, { method: "DELETE" });
  expect(write.status).toBe(401);
});

/** A recorded MPEG-TS track of two frames, which is over. */
async function recorded(settings: object = {}) {
  const { room, tokens } = await createRecorded(settings);
  const publisher = await publish(room, tokens.publish, "format=video/mp2t");
  publisher.frames(frame(0, 188, KEY), frame(1, 188, END));
  await reaches(room, tokens.subscribe, 2);
  publisher.close();
  return { room, tokens };
}

/** The status of a GET, as somebody without a token. */
async function statusOf(url: URL | string): Promise<number> {
  const { pathname, search } = new URL(url, "http://roomcast.test");
  const answer = await request(pathname + search);
  await answer.body?.cancel();
  return answer.status;
}

async function playlistOf(room: string, token: string): Promise<URL> {
  const { recordings } = await answered<{ recordings: { playlist: string }[] }>(
    api("GET", room, "/recordings", token),
    200,
  );
  return new URL(recordings[0]?.playlist ?? "");
}

test("A5 what is expired is gone from the bucket within the hour, by the recorder's alarm alone", async () => {
  const start = Date.now();
  const { room, tokens } = await recorded({ recordingSeconds: 7200 });
  const url = (await pageOf(room, tokens.subscribe)).segments[0]?.url ?? "";
  const recorder = env.RECORDER.getByName(`${room}!main`);
  const alarmAt = await runInDurableObject(recorder, (_, state) => state.storage.getAlarm());
  expect(alarmAt).toBeLessThan(Date.now() + (7200 + 3600) * 1000);
  setClock(start + 7_190_000);
  await runDurableObjectAlarm(recorder);
  expect(await keysOf(room)).toHaveLength(1);
  setClock(start + 7_200_000 + 600_000);
  expect(await runDurableObjectAlarm(recorder)).toBe(true);
  vi.useRealTimers();
  await eventually("an empty bucket", async () => (await keysOf(room)).length === 0);
  expect(await statusOf(url)).toBe(404);
  const { segments } = await pageOf(room, tokens.subscribe);
  expect(segments).toEqual([]);
});

test("A6 H15 a room that expires takes its recordings with it", async () => {
  const { room, tokens } = await recorded({ idleExpirySeconds: 600 });
  expect(await keysOf(room)).toHaveLength(1);
  const start = Date.now();
  await eventually("an empty room", async () => {
    const { publishers } = await answered<{ publishers: number }>(api("GET", room, "", tokens.subscribe), 200);
    return publishers === 0;
  });
  setClock(start + 700_000);
  expect(await runDurableObjectAlarm(env.ROOM.getByName(room))).toBe(true);
  vi.useRealTimers();
  await eventually("an empty bucket", async () => (await keysOf(room)).length === 0);
  expect((await api("GET", room, "/recordings", tokens.subscribe)).status).toBe(410);
});

test("A7 A10 a token or a URL of another room opens nothing here, and deletes nothing", async () => {
  const [{ room, tokens }, other] = [await recorded(), await recorded()];
  const inside = `/api/rooms/${room}/`;
  const paths = ["/recordings", "/tracks/main/segments", "/tracks/main/recording", "/tracks/main/index.m3u8"];
  for (const path of paths) {
    for (const token of [other.tokens.admin, other.tokens.subscribe]) {
      expect((await api("GET", room, path, token)).status).toBe(401);
    }
  }
  for (const path of ["/recordings", "/tracks/main/recording", ""]) {
    expect((await api("DELETE", room, path, other.tokens.admin)).status).toBe(401);
    expect((await api("DELETE", room, path, tokens.subscribe)).status).toBe(403);
  }
  const own = new URL((await pageOf(room, tokens.subscribe)).segments[0]?.url ?? "", "http://roomcast.test");
  expect(await statusOf(own)).toBe(200);
  const foreign = [
    await playlistOf(other.room, other.tokens.subscribe),
    new URL((await pageOf(other.room, other.tokens.subscribe)).segments[0]?.url ?? "", "http://roomcast.test"),
  ];
  for (const url of foreign) {
    expect(await statusOf(url)).toBe(200);
    url.pathname = url.pathname.replace(`/api/rooms/${other.room}/`, inside);
    expect(await statusOf(url)).toBe(401);
    url.pathname = own.pathname;
    expect(await statusOf(url)).toBe(401);
  }
  expect(await keysOf(room)).toHaveLength(1);
});

test("A10 H5 the URL of a playlist ends when it says, with its token, and when that is revoked", async () => {
  const { room, tokens } = await recorded();
  const start = Date.now();
  const second = (ms: number) => Math.floor(ms / 1000);
  const short = await playlistOf(room, await tokenFor(room, { exp: second(start) + 100, jti: "short" }));
  const long = await playlistOf(room, tokens.subscribe);
  const revoked = await playlistOf(room, await tokenFor(room, { jti: "revoked" }));
  for (const url of [short, long, revoked]) expect(await statusOf(url)).toBe(200);
  const untilOf = (url: URL) => Number(url.searchParams.get("until"));
  expect(untilOf(short)).toBe(second(start) + 100);
  // Six hours, and at most twice as long.
  expect(untilOf(long)).toBeGreaterThanOrEqual(second(start) + 6 * 3600);
  expect(untilOf(long)).toBeLessThanOrEqual(second(Date.now()) + 12 * 3600);
  await answered(api("POST", room, "/revocations", tokens.admin, { jti: "revoked" }), 201);
  expect([await statusOf(revoked), await statusOf(long)]).toEqual([401, 200]);
  for (const url of [short, long]) {
    const segment = (await (await request(url.pathname + url.search)).text())
      .split("\n")
      .find((line) => line.startsWith("/"));
    for (const one of [url, new URL(segment ?? "", "http://roomcast.test")]) {
      setClock(untilOf(one) * 1000 - 1000);
      if (one === url) expect(await statusOf(one)).toBe(200);
      setClock(untilOf(one) * 1000);
      expect(await statusOf(one)).toBe(401);
      vi.useRealTimers();
    }
  }
});
