// Settings of `roomcast serve`, and the secrets: their sources, and what is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ConfigError } from "../../ingest-bridge/index.ts";
import { ProcessesFile } from "../../serve/processes-file.ts";
import { recordingsOf } from "../../serve/recordings.ts";
import { loadSecrets } from "../../serve/secrets.ts";
import { readServeConfig, type ServeSources } from "../../serve/settings.ts";
import { isWebhookSecret } from "../../worker/operators/webhook-signature.ts";

const VARS = { ROOM_CREATION: "key", ALLOWED_ORIGINS: "" };
const read = (sources: Partial<ServeSources>) =>
  readServeConfig({ flags: {}, env: {}, file: undefined, vars: VARS, ...sources });

function problemsOf(sources: Partial<ServeSources>): string {
  try {
    read(sources);
    return "";
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join("\n");
    throw error;
  }
}

test("without being told, it listens on this machine alone", () => {
  expect(read({})).toMatchObject({
    listen: "127.0.0.1:8787",
    ingest: ["tcp://127.0.0.1:9000"],
    status: "127.0.0.1:9100",
    trustProxy: "",
    vars: {},
  });
});

test("an option wins over its variable, that over the file; vars too", () => {
  const file =
    'listen = "1.1.1.1:1"\nstatus = "1.1.1.1:1"\nstate = "file"\n[vars]\nROOM_CREATION = "file"\nALLOWED_ORIGINS = "file"';
  const env = { ROOMCAST_LISTEN: "2.2.2.2:2", ROOMCAST_STATUS: "2.2.2.2:2", ROOM_CREATION: "env", OTHER: "x" };
  const flags = { listen: "[::]:3", var: ["ROOM_CREATION=a=b"], ingest: "tls://0.0.0.0:9?cert=c&key=k,127.0.0.1:9" };
  expect(read({ flags, env, file })).toMatchObject({
    listen: "[::]:3",
    status: "2.2.2.2:2",
    state: "file",
    ingest: ["tls://0.0.0.0:9?cert=c&key=k", "tcp://127.0.0.1:9"],
    vars: { ROOM_CREATION: "a=b", ALLOWED_ORIGINS: "file" },
  });
});

test("all problems are reported together, by name", () => {
  const flags = {
    listen: "8787",
    status: "host:99999",
    trustProxy: "10.0.0.0/33",
    logLevel: "loud",
    var: ["X=1", "Y"],
  };
  const told = problemsOf({ flags, file: "unknown = 1\n[vars]\nALLOWED_ORIGINS = 5" });
  for (const name of ["--listen (ROOMCAST_LISTEN)", "--status", "--trust-proxy", "--log-level", '"unknown"', "--var"]) {
    expect(told).toContain(name);
  }
  for (const text of ["X is not a var of the Worker", "ALLOWED_ORIGINS is not a text"]) expect(told).toContain(text);
  expect(problemsOf({ file: "x" })).toContain("is not valid TOML");
});

const folder = mkdtempSync(join(tmpdir(), "roomcast-secrets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a part that cannot be noted is not the end", () => {
  const file = new ProcessesFile(join(folder, "gone", "processes.json"));
  expect(() => file.note("worker", process.pid)).not.toThrow();
});

test("secrets come from the environment, from files that it names, from the folder, or are made there", () => {
  const file = join(folder, "secrets.env");
  const named = join(folder, "named");
  writeFileSync(named, "from-a-file\n");
  const problems: string[] = [];
  const env = { TOKEN_SECRET_FILE: named };
  const first = loadSecrets({ env, file, mayMake: true, hasWebhooks: false }, problems);
  expect(first).toMatchObject({ values: { TOKEN_SECRET: "from-a-file" }, made: ["OPERATOR_KEY"] });
  expect(readFileSync(file, "utf8")).toBe(`OPERATOR_KEY=${first.values.OPERATOR_KEY}\n`);
  expect(loadSecrets({ env, file, mayMake: true, hasWebhooks: false }, problems)).toEqual({ ...first, made: [] });
  const given = { TOKEN_SECRET: "a", OPERATOR_KEY: "b", TOKEN_SECRET_PREVIOUS: "c" };
  expect(loadSecrets({ env: given, file, mayMake: false, hasWebhooks: false }, problems).values).toEqual(given);
  expect(problems).toEqual([]);
});

test("the secret that signs webhooks is created, too, if the operator has webhooks", () => {
  const file = join(folder, "webhooks.env");
  const problems: string[] = [];
  const { values, made } = loadSecrets({ env: {}, file, mayMake: true, hasWebhooks: true }, problems);
  expect(made).toEqual(["TOKEN_SECRET", "OPERATOR_KEY", "WEBHOOK_SECRET"]);
  expect(isWebhookSecret(values.WEBHOOK_SECRET ?? "")).toBe(true);
  loadSecrets({ env: {}, file: join(folder, "empty"), mayMake: false, hasWebhooks: true }, problems);
  expect(problems.join("\n")).toContain("set WEBHOOK_SECRET or WEBHOOK_SECRET_FILE");
});

/** Where recordings are, or what is wrong. */
function placeOf(config: { recordings?: string; cluster?: string }, env = {}) {
  const problems: string[] = [];
  const place = recordingsOf({ recordings: "", cluster: "", ...config }, "/folder", env, problems);
  return problems.length > 0 ? problems.join("\n") : place;
}

test("recordings are in the folder, or in a bucket, and in a cluster nowhere else", () => {
  const keys = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" };
  const recordings = "s3://bucket/some/where";
  expect(placeOf({})).toEqual({ in: "folder", path: "/folder" });
  expect(placeOf({ cluster: "s3://bucket/x" })).toBeUndefined();
  expect(placeOf({ recordings }, keys)).toEqual({
    in: "bucket",
    url: "https://s3.us-east-1.amazonaws.com/bucket/some/where/",
    region: "us-east-1",
  });
  const local = { ...keys, AWS_ENDPOINT_URL: "http://127.0.0.1:9000/", AWS_REGION: "auto" };
  expect(placeOf({ recordings: "s3://bucket", cluster: "s3://other/x" }, local)).toEqual({
    in: "bucket",
    url: "http://127.0.0.1:9000/bucket/",
    region: "auto",
  });
  expect(placeOf({ recordings })).toContain("AWS_ACCESS_KEY_ID has to be set");
  for (const cluster of ["s3://bucket/some", "s3://bucket/some/where", "s3://bucket/some/where/else"]) {
    expect(placeOf({ recordings, cluster }, keys)).toContain("have to be apart");
  }
  expect(placeOf({ recordings, cluster: "s3://bucket/somewhere" }, keys)).toMatchObject({ in: "bucket" });
  expect(placeOf({ recordings }, { ...keys, AWS_ENDPOINT_URL: "bucket" })).toContain("AWS_ENDPOINT_URL is no URL");
  expect(problemsOf({ flags: { recordings: "/folder" } })).toContain("--recordings (ROOMCAST_RECORDINGS) is not s3://");
});

test("secrets that several machines share are not created; missing files and duplicate settings are reported", () => {
  const problems: string[] = [];
  const env = { OPERATOR_KEY: "a", OPERATOR_KEY_FILE: join(folder, "named"), TOKEN_SECRET_FILE: join(folder, "none") };
  expect(loadSecrets({ env, file: join(folder, "empty"), mayMake: false, hasWebhooks: false }, problems).made).toEqual(
    [],
  );
  expect(problems.join("\n")).toMatch(/TOKEN_SECRET_FILE cannot be read.*\n.*OPERATOR_KEY and OPERATOR_KEY_FILE/);
  expect(problems.at(-1)).toContain("set TOKEN_SECRET or TOKEN_SECRET_FILE");
});
