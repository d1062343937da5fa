// The announcement of an instance: others may start relays by it, and nobody has to wait for it or fail with it.
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { readConfig } from "../../worker/config.ts";
import type { Env } from "../../worker/env.ts";
import { type Instance, type InstancesEnv, sayHere } from "../../worker/instances.ts";
import { upgrade } from "../../worker/upgrade.ts";
import { tokenFor } from "./support/api.ts";
import { createRoom } from "./support/rooms.ts";

afterEach(() => vi.restoreAllMocks());

/** A member of a cluster whose call succeeds or fails. */
function memberOf(here: () => Promise<void>): Env & InstancesEnv {
  const INSTANCES = { getByName: () => ({ here }) } as unknown as DurableObjectNamespace<Instance>;
  return { ...(env as unknown as Env), INSTANCE: "one", INSTANCES };
}

test("an announcement that fails refuses nobody, is logged, and is tried again at the next one", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const failing = vi.fn(() => Promise.reject(new Error("no lease")));
  const member = memberOf(failing);
  const { room } = await createRoom();
  const headers = { upgrade: "websocket", authorization: `Bearer ${await tokenFor(room)}` };
  const request = new Request(`https://roomcast.test/rooms/${room}/ws`, { headers });
  const response = await upgrade(request, room, member, readConfig(member));
  expect(response.status).toBe(101);
  response.webSocket?.accept();
  response.webSocket?.close();
  expect(await sayHere(member)).toBeUndefined();
  expect(failing).toHaveBeenCalledTimes(2);
  expect(warn).toHaveBeenCalledTimes(2);
  const working = vi.fn(() => Promise.resolve());
  expect([await sayHere(memberOf(working)), await sayHere(memberOf(working))]).toEqual(["one", "one"]);
  expect(working).toHaveBeenCalledTimes(1);
});

test("whoever is alone announces nothing", async () => {
  expect(await sayHere(env as unknown as InstancesEnv)).toBeUndefined();
});
