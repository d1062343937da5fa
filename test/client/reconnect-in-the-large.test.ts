// Thousands of subscribers lose their room at the same moment: how fast they reconnect, and the cost for the room.
import { afterEach, describe, expect, test } from "vitest";
import { Subscriber } from "../../client/subscriber.ts";
import { randomFrom } from "../support/chaos-proxy.ts";
import { ModelRoom } from "./support/model-room.ts";
import { VirtualClock } from "./support/virtual-clock.ts";

const SUBSCRIBERS = 5000;
const SEED = 20_261_126;
const MAX_PER_SECOND = 1000;
const TIMEOUT_MS = 120_000;
const subscribers: Subscriber[] = [];

afterEach(() => {
  for (const subscriber of subscribers.splice(0)) subscriber.close();
});

/** A room that all subscribers have been in for a while. */
async function crowd(environment: "Node" | "a page") {
  const clock = new VirtualClock();
  const random = randomFrom(SEED);
  const room = new ModelRoom(clock, random);
  const surroundings = room.environment(environment === "Node");
  for (let index = 0; index < SUBSCRIBERS; index++) {
    const subscriber = new Subscriber({ url: "http://host", room: "r", token: "t", environment: surroundings });
    subscribers.push(subscriber);
    clock.setTimeout(() => void consume(subscriber), random() * 10_000);
  }
  await clock.run(30_000);
  expect(room.subscribers).toBe(SUBSCRIBERS);
  return { clock, room };
}

async function consume(subscriber: Subscriber): Promise<void> {
  for await (const _ of subscriber) {
  }
}

/** The room is away for `awayMs`. Resolves when all are back, or after `withinMs`, with the counts. */
async function loseRoom(environment: "Node" | "a page", awayMs: number, withinMs: number) {
  const { clock, room } = await crowd(environment);
  const lostAt = clock.now();
  room.lose(awayMs);
  await clock.run(withinMs, () => room.subscribers === SUBSCRIBERS);
  const backMs = clock.now() - lostAt;
  const { upgrades, asked, taken } = room;
  const rows = Array.from({ length: Math.ceil(backMs / 1000) }, (_, second) => {
    const counts = [upgrades, asked, taken].map((times) => times.filter((at) => inSecond(at - lostAt, second)).length);
    return [second, ...counts].map((number) => String(number).padStart(9)).join("");
  });
  const head = `${environment}, away for ${awayMs} ms, seed ${SEED}, all back after ${backMs} ms`;
  console.info([head, "   second upgrades    asked    taken", ...rows].join("\n"));
  return { room, backMs, upgrades, asked };
}

function inSecond(ms: number, second: number): boolean {
  return ms >= second * 1000 && ms < (second + 1) * 1000;
}

/** The maximum in any 1,000 ms. */
function peak(times: readonly number[]): number {
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

describe("R2 5,000 subscribers lose the room at once", { timeout: TIMEOUT_MS }, () => {
  test.each(["Node", "a page"] as const)("it restarts for 2 s (%s)", async (environment) => {
    const { room, backMs, upgrades, asked } = await loseRoom(environment, 2000, 60_000);
    expect(room.subscribers).toBe(SUBSCRIBERS);
    expect(backMs).toBeLessThanOrEqual(12_000);
    expect(peak(upgrades)).toBeLessThanOrEqual(MAX_PER_SECOND);
    expect(asked).toEqual([]);
  });

  test.each(["Node", "a page"] as const)("it is away for 30 s (%s)", async (environment) => {
    const { room, upgrades, asked } = await loseRoom(environment, 30_000, 120_000);
    expect(room.subscribers).toBe(SUBSCRIBERS);
    expect(peak(upgrades)).toBeLessThanOrEqual(MAX_PER_SECOND);
    expect(asked.length).toBeLessThanOrEqual(environment === "Node" ? 0 : upgrades.length / 4);
    expect(peak(asked)).toBeLessThanOrEqual(MAX_PER_SECOND / 3);
  });
});
