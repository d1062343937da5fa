// The files of serve/deploy: what can be checked of them without a daemon, a container or root.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { variableOf } from "../../ingest-bridge/index.ts";
import { CLUSTER_VARIABLES } from "../../serve/cluster.ts";
import { SECRETS } from "../../serve/secrets.ts";
import { SERVE_SETTINGS } from "../../serve/settings.ts";
import { readManifest } from "../../serve/worker-manifest.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DEPLOY = join(ROOT, "serve/deploy");
const read = (name: string) => readFileSync(join(DEPLOY, name), "utf8");

/** Every variable that `roomcast serve` knows. */
const VARIABLES = [
  ...SERVE_SETTINGS.map(({ name }) => variableOf(name)),
  ...SECRETS,
  ...CLUSTER_VARIABLES,
  ...Object.keys(readManifest(readFileSync(join(ROOT, "wrangler.toml"), "utf8")).vars),
];

/** From SIGTERM to the end: 6 s, and in a cluster some more. */
const LEAST_GRACE_SECONDS = 8;

describe("the Dockerfile", () => {
  const text = read("Dockerfile");
  const lines = text.replaceAll("\\\n", " ").split("\n");
  const argumentsOf = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length).trim());

  test("has no fault that a linter finds", () => {
    expect(validate(text).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([]);
    expect(validate("FROM node\nCOPY a\n")).not.toEqual([]);
  });

  test("copies what there is, sets variables that there are, and starts the command without root", () => {
    const own = argumentsOf("COPY").filter((line) => !line.startsWith("--from"));
    const sources = own.flatMap((line) => line.split(/\s+/).slice(0, -1));
    expect(sources.length).toBeGreaterThan(3);
    expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const set = argumentsOf("ENV").flatMap((line) => [...line.matchAll(/(\w+)=/g)].map(([, name = ""]) => name));
    expect(set.filter((name) => name !== "NODE_ENV" && !VARIABLES.includes(name))).toEqual([]);
    expect([argumentsOf("USER"), argumentsOf("STOPSIGNAL")]).toEqual([["node"], ["SIGTERM"]]);
    expect(argumentsOf("HEALTHCHECK")[0]).toContain("/readyz");
    const { bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { bin: { roomcast: string } };
    expect(JSON.parse(argumentsOf("ENTRYPOINT")[0] ?? "")).toEqual(["node", bin.roomcast, "serve"]);
    const ports = set.length > 0 && [...text.matchAll(/ROOMCAST_\w+=0\.0\.0\.0:(\d+)/g)].map(([, port]) => port);
    expect(argumentsOf("EXPOSE")[0]?.split(" ")).toEqual(ports);
  });
});

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
  readonly depends_on?: object;
  readonly stop_grace_period?: string;
  readonly restart?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: object;
  readonly volumes: object;
  readonly configs?: object;
}

describe.each(readdirSync(DEPLOY).filter((name) => name.endsWith(".yaml")))("%s", (name) => {
  const { services, networks, volumes, configs = {} } = parse(read(name), { merge: true, strict: true }) as Compose;
  const all = Object.entries(services);
  const ours = all.filter(([, { image }]) => image === "roomcast");

  test("names only what it has", () => {
    const missing = all.flatMap(([, one]) => [
      ...Object.keys(one.depends_on ?? {}).filter((other) => !Object.hasOwn(services, other)),
      ...(one.networks ?? []).filter((network) => !Object.hasOwn(networks, network)),
      ...(one.volumes ?? []).map((text) => text.split(":")[0] ?? "").filter((one) => !Object.hasOwn(volumes, one)),
      ...(one.configs ?? []).map(({ source }) => source).filter((source) => !Object.hasOwn(configs, source)),
    ]);
    expect(missing).toEqual([]);
  });

  test("builds the image, sets variables that there are, and gives the server time to end", () => {
    expect(ours.length).toBeGreaterThan(0);
    for (const [, { build, environment = {}, stop_grace_period = "", restart, volumes: kept }] of ours) {
      expect(existsSync(join(DEPLOY, build?.context ?? "", build?.dockerfile ?? "none"))).toBe(true);
      expect(Object.keys(environment).filter((variable) => !VARIABLES.includes(variable))).toEqual([]);
      expect(Number.parseInt(stop_grace_period, 10)).toBeGreaterThanOrEqual(LEAST_GRACE_SECONDS);
      expect(restart).toBe("unless-stopped");
      expect(kept).toEqual([expect.stringMatching(/:\/var\/lib\/roomcast$/)]);
    }
  });
});

describe("the systemd unit", () => {
  const text = read("roomcast.service");

  test("starts the command with options that there are, and sends signals to the server alone", () => {
    const command = /^ExecStart=(.*)$/m.exec(text)?.[1] ?? "";
    const options = [...command.matchAll(/--([a-z-]+)/g)].map(([, option]) => option);
    expect(command).toContain("/dist/cli/roomcast.js serve ");
    expect(
      options.filter((option) => option !== "config" && !SERVE_SETTINGS.some(({ name }) => name === option)),
    ).toEqual([]);
    expect(text).toMatch(/^KillMode=mixed$/m);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(LEAST_GRACE_SECONDS);
  });

  const isThere = spawnSync("systemd-analyze", ["--version"]).error === undefined && existsSync("/usr/bin/node");
  test.runIf(isThere)("is one that systemd reads without a word", () => {
    const { status, stderr, stdout } = spawnSync("systemd-analyze", ["verify", join(DEPLOY, "roomcast.service")]);
    expect([status, `${stdout}${stderr}`]).toEqual([0, ""]);
  });
});
