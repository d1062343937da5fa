// PROTOCOL.md as data: its rules, and the tables that the code must agree with.
import { readFileSync } from "node:fs";

const TEXT = readFileSync(new URL("../../../PROTOCOL.md", import.meta.url), "utf8");

/** The ids of all rules, in order: `**F1**` at the start of a list item. */
export const rules: readonly string[] = [...TEXT.matchAll(/^[-*] +\*\*([A-Z]\d+)\*\*/gm)].map(([, id = ""]) => id);

/** The rows of all tables whose header begins with these columns. */
export function table(...columns: readonly string[]): string[][] {
  const rows: string[][] = [];
  let taken = false;
  let before: string[] = [];
  for (const cells of TEXT.split("\n").map(cellsOf)) {
    const isHeader = before.length === 0;
    if (isHeader) taken = cells.length > 0 && columns.every((column, index) => cells[index] === column);
    else if (taken && cells.length > 0 && !/^-+$/.test(cells[0] ?? "")) rows.push(cells);
    before = cells;
  }
  if (rows.length === 0) throw new Error(`PROTOCOL.md has no table with ${columns.join(", ")}`);
  return rows;
}

/** The cells of a table's line; none for other lines. */
function cellsOf(line: string): string[] {
  if (!line.startsWith("|")) return [];
  return line
    .replace(/^\||\|\s*$/g, "")
    .split("|")
    .map((cell) => cell.trim());
}

/** The words in backquotes in a cell. */
export function words(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}
