// The command lines of the page.
import { expect, test } from "vitest";
import { parsePreamble } from "../../protocol/preamble.ts";
import { aboutCommands, commandsFor, parseIngest, SYSTEMS, type System } from "../../web/commands.ts";

const TARGET = {
  room: "demo",
  token: "a.b-c_d",
  to: { host: "127.0.0.1", port: "9000", isSecure: false },
  worker: "https://rooms.example",
};
const texts = (system: System, target = TARGET) => commandsFor(system, target).map(({ text }) => text);

test("the ingest link says host and port", () => {
  expect(parseIngest("tcp://127.0.0.1:9000")).toEqual(TARGET.to);
  expect(parseIngest("tcp://ingest.example:9/")).toEqual({ host: "ingest.example", port: "9", isSecure: false });
  expect(parseIngest("tls://ingest.example:9")).toEqual({ host: "ingest.example", port: "9", isSecure: true });
  expect(parseIngest("tcp://[::1]:9000")).toEqual({ host: "::1", port: "9000", isSecure: false });
});

test("a link that is none gives no command of its own", () => {
  for (const link of ["", "127.0.0.1:9000", "tcp://host", "tcp://a b; rm:x", "http://host:80"]) {
    expect(parseIngest(link)).toBeUndefined();
  }
  // Without an address for producers, only a bridge of your own is left.
  const offered = SYSTEMS.filter((system) => commandsFor(system, { ...TARGET, to: undefined }).length > 0);
  expect(offered).toEqual(["obs"]);
});

test.each([
  ["linux", "nc -N 127.0.0.1 9000"],
  ["mac", "nc 127.0.0.1 9000"],
] as const)(
  "on %s the commands begin with a preamble that the bridge reads, and end when their input does",
  (system, end) => {
    for (const command of texts(system)) {
      const [, line = "", nc] = /^\(printf '(.*)\\n'; ffmpeg .* pipe:1\) \| (.*)$/.exec(command) ?? [];
      expect(parsePreamble(line)).toMatchObject({ room: "demo", token: "a.b-c_d", framing: "mpegts" });
      expect(nc).toBe(end);
    }
  },
);

test("on Windows the token is a variable without a space behind it, and no netcat is needed", () => {
  for (const command of texts("windows"))
    expect(command).toMatch(
      /^set ROOMCAST_TOKEN=a\.b-c_d&& ffmpeg .* pipe:1 \| npx roomcast send demo --ingest 127\.0\.0\.1:9000 --framing mpegts$/,
    );
  expect(texts("windows", { ...TARGET, to: { host: "::1", port: "9", isSecure: false } })[0]).toContain(
    "--ingest [::1]:9 ",
  );
});

test("OBS gets a bridge with a route of its own, and where to send", () => {
  const [bridge, settings] = texts("obs");
  expect(bridge).toContain("--worker https://rooms.example");
  expect(bridge).toContain('"tcp://127.0.0.1:9001?room=demo&framing=mpegts&token-env=ROOMCAST_TOKEN"');
  expect(settings).toContain("tcp://127.0.0.1:9001");
  expect(SYSTEMS.every((system) => aboutCommands(system, undefined) !== "")).toBe(true);
});

test.each(["linux", "mac", "windows"] as const)(
  "on %s a bridge behind TLS gets a command that speaks TLS",
  (system) => {
    const to = { host: "ingest.example", port: "9000", isSecure: true };
    for (const command of texts(system, { ...TARGET, to })) {
      expect(command).toMatch(/ROOMCAST_TOKEN=a\.b-c_d/);
      expect(command).toMatch(/ npx roomcast send demo --ingest tls:\/\/ingest\.example:9000 --framing mpegts$/);
    }
    expect(aboutCommands(system, to)).toContain("Node");
  },
);
