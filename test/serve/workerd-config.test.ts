// The configuration of workerd: from wrangler.toml, without secrets, and readable by workerd with any vars.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readManifest } from "../../serve/worker-manifest.ts";
import { workerdProgram } from "../../serve/workerd.ts";
import { workerdConfig } from "../../serve/workerd-config.ts";

const manifest = readManifest(readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8"));

test("it has the flags, vars, limits and routes of wrangler.toml", () => {
  expect(manifest).toMatchObject({
    compatibilityFlags: ["no_web_socket_compression"],
    assets: { binding: "ASSETS", runWorkerFirst: expect.arrayContaining(["/", "/api/*", "/rooms/*", "/roomcast.js"]) },
    objects: [
      { binding: "ROOM", className: "Room" },
      { binding: "RELAY", className: "Relay" },
      { binding: "RECORDER", className: "Recorder" },
    ],
    vars: { ROOM_CREATION: "key" },
  });
  expect(manifest.rateLimits).toContainEqual({ name: "CREATIONS", limit: 60, period: 60 });
});

test("bindings for which there is nothing are named", () => {
  const toml = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");
  const more = '[[r2_buckets]]\nbinding = "RECORDINGS"\n[[kv_namespaces]]\nbinding = "CACHE"\n';
  expect(manifest.missing).toEqual([]);
  expect(readManifest(`${toml}\n${more}`).missing).toEqual(["CACHE"]);
});

test("workerd reads it, whatever texts it holds", () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-config-"));
  const texts = {
    vars: { ODD: 'a"b\\c\n\t\u0001é😀 (name = "x")' },
    secrets: ["TOKEN_SECRET"],
    trustProxy: "10.0.0.0/8",
  };
  const text = workerdConfig({
    manifest,
    assets: "/a b",
    objects: "/o",
    events: true,
    recordings: { in: "folder", path: "/r" } as const,
    ...texts,
  });
  writeFileSync(join(folder, "config.capnp"), text);
  writeFileSync(join(folder, "worker.js"), "export default {}");
  const compiled = execFileSync(workerdProgram(), ["compile", "--config-only", join(folder, "config.capnp")]);
  expect(compiled.includes(Buffer.from(`${texts.vars.ODD}\0`))).toBe(true);
  expect(compiled.includes("fromEnvironment")).toBe(false);
  expect(text).toContain('(name = "TOKEN_SECRET", fromEnvironment = "TOKEN_SECRET")');
  rmSync(folder, { recursive: true, force: true });
});
