// The configuration: precedence, all problems together, listen URLs.
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { ConfigError, checkFiles, readConfig, SETTINGS, variableOf } from "../../ingest-bridge/index.ts";

function problemsOf(sources: Partial<Parameters<typeof readConfig>[0]>): readonly string[] {
  try {
    readConfig({ flags: {}, env: {}, file: undefined, ...sources });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const listenProblems = (url: string, env = {}) => problemsOf({ flags: { listen: [url] }, env });

describe("merging", () => {
  test("a flag wins over its variable, that over the file, that over the default", () => {
    const config = readConfig({
      flags: { worker: "http://flag" },
      env: { ROOMCAST_WORKER: "http://env", ROOMCAST_BUFFER_BYTES: "70000" },
      file: 'worker = "http://file"\nbuffer-bytes = 80000\nmax-connections = 7',
    });
    expect(config).toMatchObject({ worker: "http://flag", bufferBytes: 70_000, maxConnections: 7, logLevel: "info" });
    const none = { tls: undefined, route: undefined, proxy: false, onFull: undefined };
    expect(config.listen).toEqual([{ host: "127.0.0.1", port: 9000, ...none }]);
  });

  test("an empty variable is none, and several listeners are separated by commas", () => {
    const env = { ROOMCAST_WORKER: "", ROOMCAST_LISTEN: "tcp://[::1]:1, tcp://localhost:2" };
    const config = readConfig({ flags: {}, env, file: undefined });
    expect(config.worker).toBe("http://127.0.0.1:8787");
    expect(config.listen.map(({ host, port }) => [host, port])).toEqual([
      ["::1", 1],
      ["localhost", 2],
    ]);
  });

  test("the result is frozen, all the way down", () => {
    const config = readConfig({ flags: {}, env: {}, file: undefined });
    expect([config, config.listen, config.listen[0], config.status].every(Object.isFrozen)).toBe(true);
  });
});

describe("problems", () => {
  test("all are reported together, with flag and variable", () => {
    const problems = problemsOf({
      flags: { worker: "ftp://x", status: "nowhere" },
      env: { ROOMCAST_LOG_LEVEL: "loud", ROOMCAST_MAX_CONNECTIONS: "0" },
      file: 'buffer-bytes = "many"\ncolour = 1',
    });
    expect(problems).toHaveLength(6);
    expect(problems[0]).toMatch(/^--config \(ROOMCAST_CONFIG\) has the unknown key "colour"/);
    for (const name of ["worker", "status", "log-level", "buffer-bytes", "max-connections"]) {
      const variable = `ROOMCAST_${name.toUpperCase().replace("-", "_")}`;
      expect(problems.filter((problem) => problem.startsWith(`--${name} (${variable}) `))).toHaveLength(1);
    }
  });

  test("a file that is not valid TOML", () => {
    expect(problemsOf({ file: "listen = [" })).toEqual([expect.stringMatching(/^--config .* is not valid TOML: /)]);
  });

  test.each([
    ["9000", "is not tcp://HOST:PORT"],
    ["udp://127.0.0.1:1", "is not tcp://HOST:PORT"],
    ["tcp://127.0.0.1", "is not tcp://HOST:PORT"],
    ["tcp://user@127.0.0.1:1", "is not tcp://HOST:PORT"],
    ["tcp://127.0.0.1:1/path", "is not tcp://HOST:PORT"],
    ["tcp://127.0.0.1:1?colour=red", "has the unknown key colour"],
    ["tcp://127.0.0.1:1?room=a&room=b&token-file=f", "has room twice"],
    ["tcp://127.0.0.1:1?client-ca=c", "has client-ca, which only tls:// accepts"],
    ["tcp://127.0.0.1:1?proxy=v1", "has an unknown proxy; the only one is v2"],
    ["tcp://127.0.0.1:1?on-full=explode", "has an unknown on-full; the values are block, drop-group"],
    ["tls://127.0.0.1:1?cert=c&key=k&client-ca=", "has a client-ca without a file name"],
    ["tls://127.0.0.1:1?cert=c", "lacks cert=FILE or key=FILE"],
    ["tcp://127.0.0.1:1?track=t", "has track, which needs room=ROOM"],
    ["tcp://127.0.0.1:1?room=demo", "needs either token-file=FILE or token-env=NAME"],
    ["tcp://127.0.0.1:1?room=demo&token-file=f&token-env=e", "needs either"],
    ["tcp://127.0.0.1:1?room=demo&token-env=NOPE", "names NOPE, which is not set"],
    ["tcp://127.0.0.1:1?room=de mo&token-file=f", "has a room that is not a valid room id"],
    ["tcp://127.0.0.1:1?room=demo&token-file=f&framing=morse", "has an unknown framing"],
    ["tcp://127.0.0.1:1?room=demo&token-file=f&content-type=", "has a content-type that is not a valid MIME type"],
    ["tcp://127.0.0.1:1?content-type=a/b", "has content-type, which needs room=ROOM"],
  ])("%s", (url, problem) => {
    expect(listenProblems(url)).toEqual([expect.stringContaining(problem)]);
  });

  test("everything that is wrong with one URL", () => {
    expect(listenProblems("tcp://127.0.0.1:1?room=-&framing=x&cert=c&y=z")).toHaveLength(5);
  });
});

test("every setting has a flag, a variable and a key of the file, and its default is good", () => {
  const file = SETTINGS.map(({ name, initial }) => `${name} = ${JSON.stringify(initial)}`).join("\n");
  const env = Object.fromEntries(SETTINGS.map(({ name, initial }) => [variableOf(name), initial]));
  const flags = Object.fromEntries(SETTINGS.map(({ key, initial }) => [key, initial]));
  const configs = [{ file }, { env }, { flags }, {}].map((one) =>
    readConfig({ flags: {}, env: {}, file: undefined, ...one }),
  );
  expect(configs.every((config) => isDeepStrictEqual(config, configs[0]))).toBe(true);
  expect(Object.keys(configs[0] ?? {}).sort()).toEqual(SETTINGS.map(({ key }) => key).sort());
});

test("what each listener may say for itself", () => {
  const url = "tls://0.0.0.0:9001?cert=c&key=k&client-ca=ca&proxy=v2&on-full=drop-group";
  const config = readConfig({ flags: { listen: [url] }, env: {}, file: 'on-full = "block"' });
  const tls = { cert: "c", key: "k", clientCa: "ca" };
  expect(config.listen[0]).toMatchObject({ tls, proxy: true, onFull: "drop-group", route: undefined });
  expect(config.onFull).toBe("block");
});

describe("files", () => {
  const problems = (url: string) =>
    checkFiles(readConfig({ flags: { listen: [url] }, env: {}, file: undefined }), {}).then(
      () => [],
      (error: ConfigError) => error.problems,
    );

  test("missing tokens and certificates are reported together", async () => {
    const route = "room=demo&token-file=/nowhere/token";
    expect(await problems(`tls://127.0.0.1:1?cert=/nowhere&key=/nowhere&${route}`)).toEqual([
      expect.stringContaining("has no usable cert, key or client-ca"),
      expect.stringContaining("the route at 127.0.0.1:1 has no token: ENOENT"),
    ]);
  });

  test("an existing token is valid, and its text is never printed", async () => {
    expect(await problems(`tcp://127.0.0.1:1?room=demo&token-file=${import.meta.filename}`)).toEqual([]);
  });
});

test("a static route", () => {
  const url = "tcp://0.0.0.0:9001?room=demo&framing=mpegts&track=cam&token-env=T";
  const config = readConfig({ flags: { listen: [url] }, env: { T: "x" }, file: undefined });
  expect(config.listen[0]?.route).toEqual({
    room: "demo",
    track: "cam",
    framing: "mpegts",
    token: { from: "environment", variable: "T" },
  });
});

test("a static route of the file says what its track carries", () => {
  const file =
    'listen = ["tcp://0.0.0.0:9001?room=demo&token-env=T&content-type=video/mp4;codecs=%22avc1.4d401f%2Cmp4a.40.2%22"]';
  const config = readConfig({ flags: {}, env: { T: "x" }, file });
  expect(config.listen[0]?.route?.format).toBe('video/mp4;codecs="avc1.4d401f,mp4a.40.2"');
});
