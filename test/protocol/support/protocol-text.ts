// PROTOCOL.md as data: its rules, and the tables that the code must agree with.
import { readFileSync } from "node:fs";

const TEXT = readFileSync(new URL("../../../PROTOCOL.md", import.meta.url), "utf8");

/** The ids of all rules, in order: `**F1**` at the start of a list item. */
export const rules: readonly string[] = [...TEXT.matchAll(/^\* \*\*([A-Z]\d+)\*\*/gm)].map(([, id = ""]) => id);

/** The cells of a table's rows; the table is the first one whose header begins with `firstColumn` after `heading`. */
export function table(heading: string, firstColumn: string): string[][] {
  const section = TEXT.slice(TEXT.indexOf(`\n## ${heading}`));
  const lines = section.slice(section.indexOf(`\n| ${firstColumn} |`) + 1).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

/** The words in backquotes of a cell. */
export function words(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}
