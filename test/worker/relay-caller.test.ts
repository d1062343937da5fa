// Failed calls of a room to its relays.
import { expect, test } from "vitest";
import type { Relays } from "../../worker/core/relays.ts";
import type { ObjectsEnv } from "../../worker/objects.ts";
import { RelayCaller } from "../../worker/relay-caller.ts";

/** A caller whose relay answers only after this number of failures. */
function callerOf(failures: number) {
  const calls: boolean[] = [];
  const waits: number[] = [];
  const relay = {
    dismiss: async (isOver: boolean) => {
      calls.push(isOver);
      if (calls.length <= failures) throw new Error("out of reach");
    },
  };
  const env = { RELAY: { getByName: () => relay } } as unknown as ObjectsEnv;
  const sleep = async (ms: number) => void waits.push(ms);
  const caller = new RelayCaller(
    env,
    () => ({}) as Relays,
    () => {},
    sleep,
  );
  return { caller, calls, waits };
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

test("a dismissal that fails is tried again, until the relay has heard of it", async () => {
  const { caller, calls, waits } = callerOf(2);
  caller.dismiss("r~weur~0", true);
  await settle();
  expect({ calls, waits }).toEqual({ calls: [true, true, true], waits: [100, 300] });
});

test("... but not forever", async () => {
  const { caller, calls } = callerOf(100);
  caller.dismiss("r~weur~0", false);
  await settle();
  expect(calls.length).toBe(6);
});
