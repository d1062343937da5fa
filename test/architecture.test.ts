// The structure of the source: allowed imports between folders, restrictions of pure code, and forbidden contents of
// files.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Layer {
  /** The folders that it may import from, in addition to itself. */
  readonly imports: readonly string[];
  /** The packages that it may use; undefined: any. */
  readonly packages?: readonly string[];
  /** No platform, no clock, no timer, no random numbers: all of these are passed in. */
  readonly pure?: true;
}

const EVERYTHING = [
  "protocol",
  "worker/core",
  "worker",
  "client",
  "ingest-bridge",
  "load/accounting",
  "load",
  "serve",
  "web",
  "cli",
  "scripts",
  "bench",
  "examples",
];

/** A folder belongs to the longest matching prefix. */
const LAYERS: Readonly<Record<string, Layer>> = {
  protocol: { imports: [], packages: ["zod", "jose"], pure: true },
  "worker/core": { imports: ["protocol"], packages: [], pure: true },
  worker: { imports: ["protocol", "worker/core"] },
  client: { imports: ["protocol"] },
  "ingest-bridge": { imports: ["client", "protocol"] },
  web: { imports: ["client", "protocol"] },
  "load/accounting": { imports: ["protocol"], packages: [], pure: true },
  load: { imports: ["client", "protocol", "load/accounting"] },
  serve: { imports: ["client", "ingest-bridge"] },
  cli: { imports: ["client", "protocol", "ingest-bridge", "load", "serve"] },
  scripts: { imports: ["cli"] },
  examples: { imports: [], packages: ["node:crypto", "node:http", "node:net", "node:readline", "node:stream"] },
  // Some benchmarks start the same programs as tests: a cluster with its bucket.
  bench: { imports: [...EVERYTHING, "test"] },
  test: { imports: EVERYTHING },
};

const IMPURE =
  /(?<![.\w#])(?:setTimeout|setInterval|setImmediate|queueMicrotask|performance|WebSocket|WebSocketPair|fetch|process|Buffer|console|crypto|navigator|globalThis)\b(?!\s*[?]?:)|\bDate\.now\b|\bnew Date\(\)|(?<!new )\bDate\(|\bMath\.random\b/g;

interface Source {
  readonly path: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  /** Without comments and without quoted text. */
  readonly bare: string;
}

/** Names that git ignores: folders, files and `*.ending`. */
const IGNORED = [".git", ...readFileSync(join(ROOT, ".gitignore"), "utf8").split("\n")]
  .map((line) => line.trim().replace(/\/$/, ""))
  .filter((line) => line !== "" && !line.startsWith("#"));

function isIgnored(name: string): boolean {
  return IGNORED.some((one) => (one.startsWith("*") ? name.endsWith(one.slice(1)) : name === one));
}

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (isIgnored(entry.name)) return [];
    return entry.isDirectory() ? filesIn(path) : entry.isFile() ? [path] : [];
  });
}

/** Everything that is not code: comments, texts, templates, and regular expressions in possible positions. */
const NO_CODE =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=(?:[(,=:[!&|?{};>]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

function isComment(part: string): boolean {
  return part.startsWith("//") || part.startsWith("/*");
}

function commentsOf(text: string): string {
  return (text.match(NO_CODE) ?? []).filter(isComment).join("\n");
}

function withoutComments(text: string): string {
  return text.replace(NO_CODE, (part) => (isComment(part) ? part.replace(/[^\n]/g, "") : part));
}

/** In templates, only expressions stay. */
function withoutTexts(code: string): string {
  return code.replace(NO_CODE, (part) => (part.startsWith("`") ? (part.match(/\$\{[^}]*\}/g) ?? []).join(" ") : '""'));
}

const files = filesIn(".");
const sources: readonly Source[] = files
  .filter((path) => /\.[mc]?[jt]sx?$/.test(path))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    const code = withoutComments(text);
    return { path, text, code, bare: withoutTexts(code) };
  });

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS)
    .filter((name) => path.startsWith(`${name}/`))
    .sort((one, other) => other.length - one.length)[0];
}

function importsOf({ code }: Pick<Source, "code">): string[] {
  const matches = code.matchAll(/\b(?:from|import)\s*\(?\s*["'`]([^"'`\n]+)["'`]/g);
  return [...matches].map(([, specifier = ""]) => specifier);
}

/** The objection to an import of a file in layer `name`; undefined: none. */
function objection({ path }: Source, name: string, specifier: string): string | undefined {
  const { imports, packages } = LAYERS[name] ?? { imports: [] };
  const wrong = `${path} imports ${specifier}`;
  if (!specifier.startsWith(".")) {
    const parts = specifier.split("/");
    const used = specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
    return packages === undefined || packages.includes(used) ? undefined : wrong;
  }
  const target = posix.join(dirname(path), specifier);
  // Files beside the folders are not code: the package's name and version, the text of the protocol.
  if (/^[^/]+\.(?:json|md)(?:\?raw)?$/.test(target) && packages === undefined) return undefined;
  const layer = layerOf(target);
  return layer !== undefined && (layer === name || imports.includes(layer)) ? undefined : wrong;
}

/** `path:line: found` for each match in `text`. */
function places(path: string, text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(
    (match) => `${path}:${text.slice(0, match.index).split("\n").length}: ${match[0].trim()}`,
  );
}

/** The same in comments, without the line. */
function remarks({ path, text }: Source, pattern: RegExp): string[] {
  return (commentsOf(text).match(pattern) ?? []).map((found) => `${path}: ${found}`);
}

/** The import cycles, each as the path from a file to itself. */
function circlesOf(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) return void circles.push([...way.slice(way.indexOf(path)), path]);
    if (done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return circles;
}

const inLayers = sources.filter(({ path }) => path.includes("/"));
const shipped = sources.filter(({ path }) => !path.startsWith("test/"));
const tests = sources.filter(({ path }) => path.startsWith("test/"));

describe("imports", () => {
  test("every source file is in a folder that has its rules here", () => {
    expect(inLayers.filter(({ path }) => layerOf(path) === undefined).map(({ path }) => path)).toEqual([]);
    expect(Object.keys(LAYERS).filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  test.each(Object.keys(LAYERS))("%s imports only what it may import", (name) => {
    const ours = inLayers.filter(({ path }) => layerOf(path) === name);
    expect(
      ours.flatMap((source) =>
        importsOf(source)
          .map((one) => objection(source, name, one))
          .filter(Boolean),
      ),
    ).toEqual([]);
  });

  test("no file of a layer imports itself by way of others, types included", () => {
    const targets = new Map(
      shipped.map((source) => [
        source.path,
        importsOf(source)
          .filter((one) => one.startsWith("."))
          .map((one) => posix.join(dirname(source.path), one)),
      ]),
    );
    expect(circlesOf(targets)).toEqual([]);
  });

  test("a circle is found, however long, and what only meets again is none", () => {
    const graph = (edges: Record<string, string[]>) => circlesOf(new Map(Object.entries(edges)));
    expect(graph({ a: ["b"], b: ["c"], c: ["a"], d: ["a"] })).toEqual([["a", "b", "c", "a"]]);
    expect(graph({ a: ["b", "c"], b: ["d"], c: ["d"], d: ["elsewhere"] })).toEqual([]);
  });

  test("imports are found in every way of writing them", () => {
    const code = `import a from "./a"; import "./b";import{c}from'./c'; export * from "./d";
      export { e } from "./e"; import type { F } from "./f"; await import("./g"); type H = import("./h").H;
      import {\n  i,\n} from "./i"; const from = "./j";`;
    expect(importsOf({ code }).join(" ")).toBe("./a ./b ./c ./d ./e ./f ./g ./h ./i");
  });
});

describe("pure code", () => {
  const pure = sources.filter(({ path }) => LAYERS[layerOf(path) ?? ""]?.pure);

  test("protocol, worker/core and load/accounting use no platform, clock, timer or chance", () => {
    expect(pure.length).toBeGreaterThan(20);
    expect(pure.flatMap(({ path, bare }) => places(path, bare, IMPURE))).toEqual([]);
  });

  test("impure code is found, and similar pure code is not", () => {
    const bad = [
      "setTimeout(f)",
      "Date.now()",
      "new Date()",
      "Math.random()",
      "performance.now()",
      "new WebSocket(u)",
      "await fetch(u)",
    ];
    expect(bad.filter((code) => !code.match(IMPURE))).toEqual([]);
    const good = [
      "new Date(now)",
      "this.fetch()",
      "this.#process()",
      "history.crypto",
      "prefetch",
      "{ performance: 3 }",
      "process?: number",
    ];
    expect(good.filter((code) => code.match(IMPURE))).toEqual([]);
    expect(
      withoutTexts(withoutComments(`a /* Date.now() */ + \`Date.now() \${b}\` + 'Date.now()' // Date.now()`)),
    ).not.toMatch(IMPURE);
  });
});

describe("files", () => {
  test("no source file has more than 300 lines, none of worker/core more than 250", () => {
    const lines = shipped.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    const most = (path: string) => (layerOf(path) === "worker/core" ? 250 : 300);
    expect(lines.filter(({ path, lines }) => lines > most(path))).toEqual([]);
  });

  test("every source file begins with a line that says its subject", () => {
    const first = ({ text }: Source) => text.replace(/^#!.*\n/, "").split("\n")[0] ?? "";
    expect(sources.filter((source) => !/^\/\/ \S.{8,}$/.test(first(source))).map(({ path }) => path)).toEqual([]);
  });

  test("file names are in kebab case", () => {
    const byCustom = ["README.md", "Dockerfile", "Caddyfile"];
    const named = files
      .filter((path) => layerOf(path) !== undefined)
      .map((path) => basename(path))
      .filter((name) => !byCustom.includes(name));
    expect(named.filter((name) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$/.test(name))).toEqual([]);
  });

  test("no type is any, and nothing is hidden from the compiler or the linter", () => {
    expect(sources.flatMap(({ path, bare }) => places(path, bare, /(?<![.\w])any\b/g))).toEqual([]);
    expect(sources.flatMap((source) => remarks(source, /@ts-\w+|biome-ignore|eslint-/g))).toEqual([]);
  });

  test("no work is left for later", () => {
    expect(sources.flatMap((source) => remarks(source, /\b(?:TODO|FIXME|XXX|HACK)\b/g))).toEqual([]);
  });

  test("no test is left out, and none keeps others out", () => {
    const out = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:only|skip|todo)\b/g;
    expect(tests.flatMap(({ path, bare }) => places(path, bare, out))).toEqual([]);
  });

  test("nothing names a host that packages come from", () => {
    const host =
      /(?<![.\w])registry\.(?:[\w-]+\.)+(?:org|com|net|io|dev)\b|\bnpmjs\.(?:org|com)\b|\bnpm\.pkg\.github\b|"resolved"\s*:|^\s*(?:@[\w-]+:)?registry\s*=/gim;
    expect(files.flatMap((path) => places(path, readFileSync(join(ROOT, path), "latin1"), host))).toEqual([]);
  });
});
