// An isolate's memory of placements: one newcomer asks for all, and a small room is never remembered.
import { expect, test } from "vitest";
import type { Placement } from "../../worker/core/placement.ts";
import { type Advice, Placements } from "../../worker/placements.ts";

const TWO: Placement = {
  generation: 1,
  relays: [
    { id: "r~weur~0", weight: 1, load: 0.5 },
    { id: "r~weur~1", weight: 1, load: 0.2 },
  ],
  freshMs: 5000,
};

function edge() {
  const clock = { now: 1000 };
  const slept: number[] = [];
  const placements = new Placements(
    () => clock.now,
    () => 0,
    async (ms) => void slept.push(ms),
  );
  const advise = (isNew = true, mustAsk = false) => placements.advise("r", "weur", !isNew, mustAsk);
  return { placements, clock, slept, advise };
}

function asked(advice: Advice): Advice & { do: "ask" } {
  if (advice.do !== "ask") throw new Error(`it was told to ${advice.do}`);
  return advice;
}

test("every newcomer of a small room asks the room, and nothing is kept", () => {
  const { placements, advise } = edge();
  for (let index = 0; index < 3; index++) {
    const ask = asked(advise());
    expect(ask.newcomers).toBe(1);
    placements.forget("r", "weur");
    ask.asked(true);
  }
});

test("while an answer is fresh nobody asks; then one does, for all who came and all who wait", async () => {
  const { placements, clock, advise } = edge();
  const first = asked(advise());
  placements.learn("r", "weur", TWO);
  first.asked(true);
  expect(advise(false)).toEqual({ do: "go", relay: "r~weur~0" });
  expect(advise()).toEqual({ do: "go", relay: "r~weur~0" });
  placements.admitted("r", "weur");
  clock.now += 5000;
  const ask = asked(advise());
  expect(ask.newcomers).toBe(2);
  const waits = advise();
  if (waits.do !== "wait") throw new Error(waits.do);
  placements.learn("r", "weur", TWO);
  ask.asked(true);
  await waits.for;
  expect(advise().do).toBe("go");
  placements.admitted("r", "weur");
  clock.now += 5000;
  expect(asked(advise()).newcomers).toBe(2);
});

test("a relay that refuses is tried no more; when none is left, one newcomer tells the room, but not at once", async () => {
  const { placements, clock, slept, advise } = edge();
  asked(advise()).asked(true);
  placements.learn("r", "weur", TWO);
  placements.refused("r", "weur", "r~weur~0");
  expect(advise(false)).toEqual({ do: "go", relay: "r~weur~1" });
  placements.refused("r", "weur", "r~weur~1");
  placements.refused("r", "weur", "r~weur~1");
  expect(advise(false).do).toBe("wait");
  expect(slept).toEqual([100]);
  clock.now += 100;
  expect(asked(advise(false))).toMatchObject({ newcomers: 0, refused: ["r~weur~0", "r~weur~1"] });
  expect(advise(false).do).toBe("wait");
});

test("news that a refusing room did not take are in the next question", () => {
  const { placements, clock, advise } = edge();
  asked(advise()).asked(true);
  placements.learn("r", "weur", TWO);
  placements.admitted("r", "weur");
  placements.refused("r", "weur", "r~weur~0");
  clock.now += 5000;
  const stranger = asked(advise());
  expect(stranger).toMatchObject({ newcomers: 2, refused: ["r~weur~0"] });
  stranger.asked(false);
  const next = asked(advise());
  expect(next).toMatchObject({ newcomers: 2, refused: ["r~weur~0"] });
  placements.learn("r", "weur", TWO);
  next.asked(true);
  clock.now += 5000;
  expect(asked(advise())).toMatchObject({ newcomers: 1, refused: [] });
});

test("if there is no place yet, newcomers wait until the room may be asked again", async () => {
  const { placements, clock, slept, advise } = edge();
  asked(advise()).asked(true);
  placements.learn("r", "weur", { generation: 1, relays: [], freshMs: 500 });
  clock.now += 200;
  const held = advise();
  if (held.do !== "wait") throw new Error(held.do);
  await held.for;
  expect(slept).toEqual([300]);
  clock.now += 300;
  expect(asked(advise()).newcomers).toBe(1);
});

test("a ticket is always the room's to redeem", () => {
  const { placements, advise } = edge();
  asked(advise());
  placements.learn("r", "weur", TWO);
  expect(asked(advise(true, true)).newcomers).toBe(1);
});
