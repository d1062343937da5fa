// The members of a room with several objects: they see each other, and send messages to each other, as in one object.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Runtime } from "../../cli/runtime.ts";
import { startTestRuntime, tokenWith } from "../support/local-room.ts";
import type { RawSubscriber } from "../support/raw-subscriber.ts";
import { connectionOf, DEPTHS, SpreadRoom, said } from "../support/spread-room.ts";
import { waitFor } from "../support/wait.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await startTestRuntime({ vars: { MAX_OBJECT_SUBSCRIBERS: "2", LIMITS: "off" } });
});
afterAll(() => runtime.close());

const bodiesOf = (one: RawSubscriber) => said(one, "message").map(({ body }) => body);

/** Sends a message, and resolves with the result. */
async function say(from: RawSubscriber, id: number, to: unknown, body: unknown) {
  from.socket.send(JSON.stringify({ type: "message", id, to, body }));
  const answer = await waitFor("an answer", () => said(from, "delivery").find((one) => one.id === id));
  return { connections: answer.connections, skipped: answer.skipped, error: answer.error };
}

/** The members that `one` knows. */
function present(one: RawSubscriber): string[] {
  let known = new Set<string>();
  for (const { full, joined, left } of said(one, "presence") as unknown as Presence[]) {
    if (full) known = new Set();
    for (const id of left) known.delete(id);
    for (const { connection } of joined) known.add(connection);
  }
  return [...known].sort();
}

interface Presence {
  readonly full: boolean;
  readonly joined: { readonly connection: string }[];
  readonly left: string[];
}

test("M3 over HTTP to one, to a subject and to all: everywhere, with true counts", async () => {
  const ann = await tokenWith({ sub: "ann" });
  using room = await SpreadRoom.create(runtime.url, {}, [ann, await tokenWith({ sub: "bob" })]);
  const post = (body: object) => room.api.ask("POST", "/messages", body);
  const count = room.subscribers.length;
  for (const depth of DEPTHS) {
    const to = { connection: connectionOf(room.at(depth)[0] as RawSubscriber) };
    expect(await post({ to, body: `only ${depth}` })).toEqual({ connections: 1, skipped: 0 });
  }
  const anns = room.subscribers.filter((_, index) => index % 2 === 0);
  expect(await post({ to: { subject: "ann" }, body: "anns" })).toEqual({ connections: anns.length, skipped: 0 });
  const plain = await room.join(ann, "", false);
  await waitFor("the plain one to be counted", async () => (await room.api.describe()).subscribers === count + 1);
  expect(await post({ body: "all" })).toEqual({ connections: count, skipped: 1 });
  for (const one of room.subscribers.filter((one) => one !== plain)) {
    await waitFor("all of them", () => bodiesOf(one).includes("all"));
    const [depth] = DEPTHS.filter((each) => room.at(each)[0] === one);
    const expected = [
      ...(depth === undefined ? [] : [`only ${depth}`]),
      ...(anns.includes(one) ? ["anns"] : []),
      "all",
    ];
    expect(bodiesOf(one)).toEqual(expected);
  }
  for (const to of [
    { subject: "nobody" },
    { connection: "x~enam~0" },
    { connection: "x~enam~99" },
    { connection: "~" },
  ]) {
    await expect(post({ to, body: 1 })).rejects.toThrow("404 unknown_address");
  }
});

test("M1 members speak to each other from any object, with true counts", async () => {
  const speaker = (sub: string) => tokenWith({ sub, can: ["subscribe", "message"] });
  const tokens = [await speaker("ann"), await speaker("bob")];
  using room = await SpreadRoom.create(runtime.url, { memberMessages: true }, tokens);
  const count = room.subscribers.length;
  const [high, middle, low] = DEPTHS.map((depth) => room.at(depth)[0]) as [RawSubscriber, RawSubscriber, RawSubscriber];
  const ofBob = room.subscribers.filter((_, index) => index % 2 === 1);
  for (const [index, from] of [high, middle, low].entries()) {
    const others = { connections: count - 1, skipped: 0, error: null };
    expect(await say(from, 10 * index, "all", `all ${index}`)).toEqual(others);
    expect(await say(from, 10 * index + 1, { subject: "bob" }, `bob ${index}`)).toEqual({
      ...others,
      connections: ofBob.length,
    });
    for (const [at, to] of [high, middle, low].entries()) {
      const address = { connection: connectionOf(to) };
      expect(await say(from, 10 * index + 2 + at, address, `to ${at} from ${index}`)).toEqual({
        ...others,
        connections: 1,
      });
    }
    const nobody = { connections: 0, skipped: 0, error: "unknown_address" };
    expect(await say(from, 10 * index + 6, { connection: "x~enam~1" }, 0)).toEqual(nobody);
    expect(await say(from, 10 * index + 7, { connection: "x~oc~1" }, 0)).toEqual(nobody);
  }
  await waitFor("the last word", () => bodiesOf(low).includes("to 2 from 2"));
  for (const [at, one] of [high, middle, low].entries()) {
    const ids = [0, 1, 2].filter((index) => index !== at).map((index) => `all ${index}`);
    expect(bodiesOf(one).filter((body) => String(body).startsWith("all"))).toEqual(ids);
    expect(bodiesOf(one).filter((body) => String(body).startsWith("to"))).toEqual(
      [0, 1, 2].map((from) => `to ${at} from ${from}`),
    );
    const { from } = said(one, "message").find(({ body }) => body === `to ${at} from 2`) ?? {};
    expect(from).toMatchObject({ connection: connectionOf(low) });
  }
  await room.api.ask("PATCH", "", { settings: { memberMessages: false } });
  expect(await say(low, 99, "all", 0)).toEqual({ connections: 0, skipped: 0, error: "not_enabled" });
});

test("M4 everybody knows who is there, at whichever object", async () => {
  using room = await SpreadRoom.create(runtime.url, { presence: true });
  const ids = () =>
    room.subscribers
      .filter(({ closed }) => closed === undefined)
      .map(connectionOf)
      .sort();
  const allKnow = (what: string) =>
    waitFor(what, () => {
      const there = ids();
      return room.subscribers.every((one) => one.closed !== undefined || `${present(one)}` === `${there}`);
    });
  await allKnow("all to know of all");
  room.at("~enam~1")[0]?.socket.close();
  await waitFor("its end", () => room.at("~enam~1")[0]?.closed);
  await allKnow("all to know that one left");
  await room.join();
  await allKnow("all to know of one more");
  await room.api.ask("PATCH", "", { settings: { presence: false } });
  const before = room.subscribers.map((one) => said(one, "presence").length);
  const count = room.subscribers.length;
  await room.join();
  await waitFor("the newcomer to be counted", () =>
    room.subscribers.every((one) => one.closed !== undefined || said(one, "occupancy").at(-1)?.subscribers === count),
  );
  expect(room.subscribers.slice(0, count).map((one) => said(one, "presence").length)).toEqual(before);
  await room.api.ask("PATCH", "", { settings: { presence: true } });
  await allKnow("all to know of all again");
});
