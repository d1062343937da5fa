// The answers to wrong usage: one line, exit code 2, no stack trace.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { main } from "../../cli/main.ts";

let stdout = "";
let stderr = "";

beforeEach(() => {
  stdout = stderr = "";
  vi.stubEnv("ROOMCAST_TOKEN", undefined);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test.each([
  ["no command", [], "Usage: roomcast"],
  ["an unknown command", ["dance"], "unknown command 'dance'"],
  ["an unknown option", ["bridge", "--colour", "red"], "unknown option '--colour'"],
  ["an unknown option of a nested command", ["token", "inspect", "--colour"], "unknown option '--colour'"],
  ["an option given twice", ["bridge", "--worker", "http://a", "--worker", "http://b"], "Give it only once."],
  ["a bad choice", ["send", "demo", "--framing", "morse"], "Allowed choices are raw"],
  ["a bad address", ["send", "demo", "--ingest", "nowhere"], "Give HOST:PORT"],
  ["a CA without TLS", ["send", "demo", "--ca", "ca.pem"], "roomcast: --ca needs --ingest tls://HOST:PORT"],
  [
    "a CA that is not there",
    ["send", "demo", "--ingest", "tls://a:1", "--ca", "/nowhere"],
    "--ca cannot be read: ENOENT",
  ],
  ["no token", ["send", "demo"], "roomcast: no token: set ROOMCAST_TOKEN"],
  ["two tokens", ["send", "demo", "--token", "a", "--token-file", "b"], "not both"],
  ["a bad room", ["watch", "-"], "roomcast: the room is not a valid room id"],
  ["a bad track", ["watch", "demo", "--track", "-"], "roomcast: the track is not a valid track name"],
  ["a bad track of a load", ["load", "demo", "--track", "-"], "roomcast: the track is not a valid track name"],
  ["no subscribers", ["load", "demo", "--subscribers", "0"], "Give a whole number from 1 to"],
  ["a frame without room for its stamp", ["load", "demo", "--publish", "--frame-bytes", "8"], "from 24 to"],
  ["a load without a token", ["load", "demo"], "roomcast: no token: set ROOMCAST_TOKEN"],
  [
    "a bad configuration",
    ["bridge", "--worker", "ftp://x", "--check-config"],
    "--worker (ROOMCAST_WORKER) is not an http",
  ],
  [
    "a token that is not there",
    ["bridge", "--listen", "tcp://127.0.0.1:0?room=demo&token-file=/nowhere", "--check-config"],
    "the route at 127.0.0.1:0 has no token: ENOENT",
  ],
  ["a file that is not there", ["bridge", "--config", "/nowhere"], "--config (ROOMCAST_CONFIG) cannot be read"],
  ["a token that lacks its options", ["token"], "roomcast: missing or wrong: --room, --can"],
  ["an unknown right", ["token", "--room", "demo", "--can", "fly"], "roomcast: missing or wrong: --can"],
  ["a bad duration", ["token", "--room", "demo", "--can", "publish", "--ttl", "soon"], "Give a duration such as"],
])("%s", async (_name, args, message) => {
  expect(await main(["node", "roomcast", ...args])).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test.each([
  ["--help", ["bridge", "--help"], "Exit codes"],
  ["--check-config", ["bridge", "--check-config"], ""],
])("%s is no failure", async (_name, args, text) => {
  expect(await main(["node", "roomcast", ...args])).toBe(0);
  expect(stdout).toContain(text);
});
