// The command lines of the page.
import { expect, test } from "vitest";
import { parsePreamble } from "../../protocol/preamble.ts";
import { fileCommand, parseIngest, testPictureCommand } from "../../web/commands.ts";

const TO = { host: "127.0.0.1", port: "9000" };

test("the ingest link says host and port", () => {
  expect(parseIngest("tcp://127.0.0.1:9000")).toEqual(TO);
  expect(parseIngest("tcp://ingest.example:9/")).toEqual({ host: "ingest.example", port: "9" });
  expect(parseIngest("tcp://[::1]:9000")).toEqual({ host: "::1", port: "9000" });
});

test("a link that is none gives no command of its own", () => {
  for (const link of ["", "127.0.0.1:9000", "tcp://host", "tcp://a b; rm:x", "http://host:80"]) {
    expect(parseIngest(link)).toBeUndefined();
  }
});

test("the commands begin with a preamble that the bridge reads, and end at the bridge", () => {
  for (const command of [testPictureCommand("demo", "a.b-c_d", TO), fileCommand("demo", "a.b-c_d", TO)]) {
    const line = /^\(printf '(.*)\\n'; ffmpeg .* pipe:1\) \| nc 127\.0\.0\.1 9000$/.exec(command)?.[1];
    expect(parsePreamble(line ?? "")).toMatchObject({ room: "demo", token: "a.b-c_d", framing: "mpegts" });
  }
});
