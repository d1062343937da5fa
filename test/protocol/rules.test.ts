// Every rule of PROTOCOL.md has a test that begins with its number, and no test names a rule that does not exist.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { rules } from "./support/protocol-text.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * The first argument of `test(`, `test.concurrent(` and the like, or of the result of `test.each(...)`, if it is a
 * text.
 */
const TITLE = /(?:\b(?:test|it)(?:\.\w+)*|\))\(\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|`((?:\\.|[^`\\])*)`)/g;

const LETTERS = [...new Set(rules.map((rule) => rule.charAt(0)))].join("");

/** The rules at the beginning of a title: `F1 ...`, `W2 F5 ...`. Numbers with other letters are not rules. */
function rulesOf(title: string): string[] {
  const numbers = /^(?:[A-Z]\d+ )*/.exec(title)?.[0].trim().split(" ") ?? [];
  return numbers.filter((number) => number !== "" && LETTERS.includes(number.charAt(0)));
}

function titlesIn(text: string): string[] {
  return [...text.matchAll(TITLE)].map(([, double, single, template]) => double ?? single ?? template ?? "");
}

const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));
const tested = new Map<string, string[]>();
for (const file of files) {
  for (const title of titlesIn(readFileSync(join(ROOT, file), "utf8"))) {
    for (const rule of rulesOf(title)) tested.set(rule, [...(tested.get(rule) ?? []), `${file}: ${title}`]);
  }
}

test("titles are found in every way of writing a test", () => {
  const call = "test";
  const text = [
    `${call}("F1 plain", () => {`,
    `${call}.concurrent('W2 F5 two rules', async () => {`,
    `${call}(\n  \`P1 on its own line\`,`,
    `${call}.each([["S1 a row", f("x")]])("S2 %s", () => {`,
    `${call}.each([\n  [1],\n])(\n  "S3 %i",`,
    `describe("R1 a group", () => { expect("R2 no title"); // W1 no title`,
  ];
  expect(titlesIn(text.join("\n")).flatMap(rulesOf)).toEqual(["F1", "W2", "F5", "P1", "S2", "S3"]);
  expect(["F1", "F1x y", "a F1 b", "MJPEG F1", "F12 z", "U16 P3 y"].map(rulesOf)).toEqual([
    [],
    [],
    [],
    [],
    ["F12"],
    ["P3"],
  ]);
});

test("the rules are numbered without holes, each once", () => {
  expect(rules.length).toBeGreaterThan(40);
  const counts = new Map<string, number>();
  for (const rule of rules) {
    const letter = rule.slice(0, 1);
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(rule).toBe(`${letter}${counts.get(letter)}`);
  }
});

test("every rule has a test", () => {
  expect(rules.filter((rule) => !tested.has(rule))).toEqual([]);
});

test("every test that names a rule names one that is there", () => {
  expect([...tested].filter(([rule]) => !rules.includes(rule)).flatMap(([, titles]) => titles)).toEqual([]);
});
