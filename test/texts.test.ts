// The language of texts and comments: words and constructions that readers stumble over do not come back.
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;
const IGNORED = /(?:^|\/)(?:node_modules|dist|\..*)$/;

/** Each has a plain form: "everybody", "subscribers that", "returns true if", "forever", "silently". */
const STUMBLING_BLOCKS: readonly RegExp[] = [
  /\bwho(?:ever|soever)\b/i,
  /\bthose who\b/i,
  /\bnobody who\b/i,
  /(?:^|[.;:] )Who (?![^.]*\?)/,
  /\banswers whether\b/i,
  /\bfor ever\b/i,
  /\bfurnish/i,
  /\buntold\b/i,
  /\bis to be\b/i,
];

/** Comments of a source file, one a line; other texts line by line, without code blocks. */
function linesOf(path: string): [number, string][] {
  const lines = readFileSync(`${ROOT}${path}`, "utf8")
    .split("\n")
    .map((text, index): [number, string] => [index + 1, text.trim()]);
  if (path.endsWith(".ts")) {
    return lines
      .filter(([, text]) => /^(?:\/\/|\/?\*)/.test(text))
      .map(([line, text]) => [line, text.replace(/^\W+/, "")]);
  }
  let isCode = false;
  return lines.filter(([, text]) => {
    if (text.startsWith("```")) isCode = !isCode;
    return !isCode;
  });
}

function found(path: string): string[] {
  return linesOf(path).flatMap(([line, text]) =>
    STUMBLING_BLOCKS.filter((block) => block.test(text)).map(() => `${path}:${line}: ${text}`),
  );
}

test("texts and comments use plain constructions", () => {
  const files = globSync("**/*.{md,html,ts}", { cwd: ROOT, exclude: (name) => IGNORED.test(name) });
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((path) => !path.endsWith("texts.test.ts")).flatMap(found)).toEqual([]);
});
