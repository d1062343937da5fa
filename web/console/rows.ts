// Table rows that are updated in place, so that focus and selection stay.
import { element, setText } from "../dom.ts";

/** A text cell, or a cell with a node, with the name of its column for narrow screens. */
export interface Cell {
  readonly label: string;
  readonly text?: string;
  readonly node?: () => HTMLElement;
  readonly className?: string;
}

/** The rows of a `tbody`, by their keys. */
export class Rows {
  readonly #body: HTMLTableSectionElement;
  #rows = new Map<string, HTMLTableRowElement>();

  constructor(body: HTMLTableSectionElement) {
    this.#body = body;
    // If the table scrolls, the keyboard has to reach it.
    const scrolls = body.closest<HTMLElement>(".scrolls");
    if (scrolls !== null) scrolls.tabIndex = 0;
  }

  /** Shows these rows, in this order. The node of a cell is created once. */
  set(rows: readonly { readonly key: string; readonly cells: readonly Cell[] }[]): void {
    const next = new Map<string, HTMLTableRowElement>();
    for (const { key, cells } of rows) {
      const row = this.#rows.get(key) ?? rowOf(cells);
      cells.forEach(({ text }, index) => {
        const cell = row.cells[index];
        if (text !== undefined && cell !== undefined) setText(cell, text);
      });
      next.set(key, row);
    }
    this.#rows = next;
    const wanted = [...next.values()];
    const isSame = wanted.length === this.#body.rows.length && wanted.every((row, at) => row === this.#body.rows[at]);
    if (!isSame) this.#body.replaceChildren(...wanted);
  }

  /** The row of a key. */
  get(key: string): HTMLTableRowElement | undefined {
    return this.#rows.get(key);
  }
}

function rowOf(cells: readonly Cell[]): HTMLTableRowElement {
  const made = cells.map(({ label, node, className }) => {
    const cell = element("td", { "data-label": label, ...(className !== undefined && { class: className }) });
    if (node !== undefined) cell.append(node());
    return cell;
  });
  return element("tr", {}, ...made);
}

/** A state as a pill. */
export function pill(state: string): HTMLElement {
  return element("span", { class: "pill", "data-value": state }, state);
}
