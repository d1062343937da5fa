// Roomcast meets the requirements for a relay with untrusted clients.
import { afterAll, beforeAll, describe, test } from "vitest";
import { CASES } from "./cases.ts";
import type { Relay } from "./support/relay.ts";
import { startRoomcast } from "./support/roomcast.ts";

let relay: Relay;

beforeAll(async () => {
  relay = await startRoomcast();
});

afterAll(() => relay?.close());

describe.concurrent("Roomcast", () => {
  test.each(CASES)("$about: $name", ({ run }) => run(relay));
});
