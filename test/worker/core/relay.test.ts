// A relay with a scripted parent: its messages to subscribers, and its admission.
import { expect, test } from "vitest";
import { readMessage } from "../../../protocol/frame.ts";
import type { Assignment } from "../../../worker/core/assignment.ts";
import type { Join } from "../../../worker/core/authorize.ts";
import { MemoryStore } from "../../../worker/core/memory-store.ts";
import { RelayCore } from "../../../worker/core/relay.ts";
import { aloneShell, NO_RELAYS } from "./support/alone.ts";
import { message } from "./support/frames.ts";
import { Wire } from "./support/wire.ts";

const START = 1_000_000;
const ID = "room~weur~0";
const ASSIGNMENT: Assignment = {
  room: "room",
  relay: ID,
  version: 1,
  parent: "room",
  children: [],
  drainOverMs: null,
  settings: {},
  revocations: [],
  idsAreTold: false,
};

function join(jti = "one"): Join & { role: "subscribe" } {
  const who = { subject: undefined, jti, issuedAt: 0, expiresAt: null };
  const start = { at: "group" } as const;
  return { role: "subscribe", who, subscription: { framed: true, tracks: null, start, delivery: "live" } };
}

/** A relay with an assignment and a link. */
function relay(kv = new MemoryStore()) {
  const calls: string[] = [];
  const shell = { ...aloneShell(() => "none"), call: (parent: string) => void calls.push(parent) };
  const core = new RelayCore(ID, kv, NO_RELAYS, shell);
  core.restore(START, []);
  core.assign(START, ASSIGNMENT);
  const link = new Wire(true);
  expect(core.parent?.opened(START, 1, link)).toBe(true);
  const say = (now: number, text: object) => core.parent?.message(now, 1, JSON.stringify(text));
  const send = (now: number, bytes: Uint8Array) => core.parent?.message(now, 1, bytes);
  const come = (now: number, id: string, jti = id) => {
    const wire = new Wire(true);
    core.join(now, id, join(jti), wire);
    return wire;
  };
  const begin = () => {
    say(START, TRACK);
    say(START, { type: "caught-up", name: "main", epoch: "e1", sequence: 5 });
  };
  return { core, link, calls, say, send, come, begin };
}

test("a relay whose object has no name has that of its assignment", () => {
  const asked: string[] = [];
  const call = (_parent: string, relay: string) => void asked.push(relay);
  const core = new RelayCore(undefined, new MemoryStore(), NO_RELAYS, { ...aloneShell(() => "none"), call });
  core.restore(START, []);
  core.assign(START, ASSIGNMENT);
  core.join(START, "a", join(), new Wire(true));
  core.tick(START + 60_000);
  expect([core.id, core.room, new Set(asked)]).toEqual([ID, ASSIGNMENT.room, new Set([ID])]);
});

/** The texts of one type in a wire's queue. */
function texts(wire: Wire, type: string): Record<string, unknown>[] {
  const all = wire.down
    .filter((one) => typeof one === "string" && one !== "ping")
    .map((one) => JSON.parse(String(one)));
  return all.filter((one) => one.type === type);
}

function sequences(wire: Wire): number[] {
  return wire.down.flatMap((one) => (typeof one === "string" ? [] : readMessage(one).map(({ sequence }) => sequence)));
}

const TRACK = { type: "track", track: 0, name: "main", epoch: "e1", sequence: 5 };

test("L3 L4 frames pass unchanged, and a subscriber of the relay gets `relay` if the link lagged", () => {
  const { link, say, send, come, begin } = relay();
  expect(texts(link, "attach")).toEqual([{ type: "attach", version: 1, positions: [] }]);
  const wire = come(START, "a");
  say(START, { type: "source", name: "main", state: "online" });
  begin();
  send(START, message(5, 2, { key: true }));
  say(START, { type: "gap", name: "main", epoch: "e1", from: 7, to: 9, reason: "lagged" });
  send(START, message(10, 1, { key: true }));
  say(START, { type: "gap", name: "main", epoch: "e1", from: 11, to: 11, reason: "ingest" });
  send(START, message(12, 1));
  expect(sequences(wire)).toEqual([5, 6, 10, 12]);
  expect(texts(wire, "track")).toEqual([TRACK]);
  expect(texts(wire, "gap").map(({ from, to, reason }) => [from, to, reason])).toEqual([
    [7, 9, "relay"],
    [11, 11, "ingest"],
  ]);
});

test("L8 a relay without a link keeps its subscribers for 30 s, then sends them away and takes nobody", () => {
  const { core, calls, come } = relay();
  const wire = come(START, "a");
  core.parent?.closed(START, 1, false);
  const request = {
    asked: { ...join().subscription, role: "subscribe", label: null, pingMs: null },
    credential: { by: "token", grant: { who: join().who, can: ["subscribe"], tracks: null } },
  } as unknown as Parameters<RelayCore["enter"]>[1];
  let now = START;
  while (now < START + 29_000) {
    now = Math.max(now + 1, Math.min(core.dueAt ?? now + 1000, now + 1000));
    core.tick(now);
  }
  expect(wire.closed).toBeUndefined();
  expect(core.enter(now, request)).toMatchObject({ role: "subscribe" });
  expect(calls.length).toBeGreaterThan(5);
  core.tick(START + 30_000);
  expect(wire.closed?.code ?? "waits").toBe(wire.queuedBytes === 0 ? 4000 : "waits");
  expect(core.node.registry.isEmpty).toBe(true);
  expect(core.enter(START + 30_000, request)).toBe("elsewhere");
});

test("L8 after sleep, without link and without what was written at `park`, those who were in step come back", () => {
  const kv = new MemoryStore();
  const { send, come, begin } = relay(kv);
  const wire = come(START, "a");
  begin();
  send(START, message(5, 1, { key: true }));
  while (wire.arrive() !== undefined);
  const saved = wire.saved;
  if (saved === undefined) throw new Error("nothing was saved");
  const woken = new RelayCore(ID, kv, NO_RELAYS, { ...aloneShell(() => "none"), call: () => {} });
  woken.restore(START + 60_000, [{ saved, sink: wire }]);
  expect(wire.closed?.code).toBe(4000);
});

test("L7 a relay that was parked resumes at its positions", () => {
  const kv = new MemoryStore();
  const { core, link, say, send, come, begin } = relay(kv);
  const wire = come(START, "a");
  begin();
  send(START, message(5, 1, { key: true }));
  say(START + 5000, { type: "park", positions: [{ track: "main", epoch: "e1", sequence: 6 }] });
  expect(core.isUnsaved()).toBe(true);
  core.save();
  expect(texts(link, "parked")).toHaveLength(1);
  core.parent?.closed(START + 5000, 1, true);
  while (wire.arrive() !== undefined);
  const saved = wire.saved;
  if (saved === undefined) throw new Error("nothing was saved");
  const woken = new RelayCore(ID, kv, NO_RELAYS, { ...aloneShell(() => "none"), call: () => {} });
  woken.restore(START + 60_000, [{ saved, sink: wire }]);
  const again = new Wire(true);
  woken.parent?.opened(START + 60_000, 2, again);
  expect(texts(again, "attach")[0]?.positions).toEqual([{ track: "main", epoch: "e1", sequence: 6 }]);
  woken.parent?.message(START + 60_000, 2, JSON.stringify({ ...TRACK, sequence: 6 }));
  woken.parent?.message(START + 60_000, 2, message(6, 1));
  expect(sequences(wire)).toEqual([6]);
  expect(wire.closed).toBeUndefined();
});

test("L9 a relay sends the newest subscribers elsewhere, with `moved`", () => {
  const { core, come } = relay();
  const wires = ["a", "b", "c"].map((id) => come(START, id));
  for (const wire of wires) while (wire.arrive() !== undefined);
  core.move(START, 2);
  expect(wires.map(({ closed }) => closed?.code)).toEqual([undefined, 4006, 4006]);
  expect(wires[2]?.closed?.text).toBe("moved");
});

test("L11 a revocation reaches subscribers at the relay; an older assignment changes nothing", () => {
  const { core, come } = relay();
  const wires = ["a", "b"].map((jti) => come(START, jti));
  for (const wire of wires) while (wire.arrive() !== undefined);
  const revocations = [["revoked:jti:b", { issuedBefore: null, keepUntil: 1e12 }]];
  expect(core.assign(START, { ...ASSIGNMENT, version: 3, revocations })).toBe(1);
  expect(wires.map(({ closed }) => closed?.code)).toEqual([undefined, 4507]);
  expect(core.assign(START, { ...ASSIGNMENT, version: 2 })).toBe(0);
  const again = { who: join("b").who, can: ["subscribe"], tracks: null } as const;
  expect(core.renew(START, again, "a")).toMatchObject({ refused: "token_revoked" });
});

test("L3 subscribers wait until the past of a new track is there, and start at its newest group; it is as old as at the parent", () => {
  const { core, say, send, come } = relay();
  const wire = come(START, "a");
  say(START, { ...TRACK, sequence: 0 });
  say(START, { type: "past", ms: 40_000 });
  send(START, message(0, 2, { key: true }));
  say(START, { type: "past", ms: 20_000 });
  send(START, message(2, 2, { key: true }));
  expect(sequences(wire)).toEqual([]);
  say(START, { type: "caught-up", name: "main", epoch: "e1", sequence: 4 });
  expect(sequences(wire)).toEqual([2, 3]);
  const rewind = new Wire(true);
  const start = { at: "rewind", seconds: 30 } as const;
  core.join(START, "b", { ...join("b"), subscription: { ...join().subscription, start } }, rewind);
  expect(sequences(rewind)).toEqual([0, 1, 2, 3]);
});

test("S9 L3 the format of a track is known below a relay, also after it was parked", () => {
  const kv = new MemoryStore();
  const { core, link, say, send, come } = relay(kv);
  const formats = (wire: Wire) => [...texts(wire, "track"), ...texts(wire, "format")].map(({ format }) => format);
  say(START, { ...TRACK, format: "a/b" });
  say(START, { type: "caught-up", name: "main", epoch: "e1", sequence: 5 });
  send(START, message(5, 1, { key: true }));
  const wire = come(START, "a");
  say(START, { type: "format", name: "main", epoch: "e0", format: "old/one" });
  say(START, { type: "format", name: "main", epoch: "e1", format: "c/d" });
  expect(formats(wire)).toEqual(["a/b", "c/d"]);
  expect(link.saved).toMatchObject({ tracks: [{ name: "main", format: "c/d" }] });
  say(START + 5000, { type: "park", positions: [{ track: "main", epoch: "e1", sequence: 6 }] });
  core.save();
  core.parent?.closed(START + 5000, 1, true);
  const woken = new RelayCore(ID, kv, NO_RELAYS, { ...aloneShell(() => "none"), call: () => {} });
  woken.restore(START + 60_000, []);
  expect(woken.node.hub.snapshot(START + 60_000).tracks[0]?.format).toBe("c/d");
});

test("S3 a newcomer gets nothing of an epoch that its parent ended; if that epoch continues, the next newcomer gets its group", () => {
  const { say, send, come, begin } = relay();
  begin();
  send(START, message(5, 2, { key: true }));
  say(START, { type: "gap", name: "main", epoch: "e1", from: 7, to: null, reason: "epoch" });
  const between = come(START, "a");
  send(START, message(7, 1));
  const after = come(START, "b");
  expect(sequences(between)).toEqual([]);
  expect(sequences(after)).toEqual([5, 6, 7]);
});
