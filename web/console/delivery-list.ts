// The latest webhooks, with their answers, and a button to send each one again.
import { element, one, setText } from "../dom.ts";
import type { Delivery } from "./answers.ts";
import { act, getIndexed } from "./api.ts";
import { ago, count } from "./format.ts";
import { pill, Rows } from "./rows.ts";

const SHOWN = 50;

/** Fills the section `host`, for one room or for all. */
export class DeliveryList {
  readonly #rows: Rows;
  readonly #none: HTMLElement;
  readonly #room: string | undefined;
  readonly #failed: (error: unknown) => void;

  constructor(host: HTMLElement, room: string | undefined, failed: (error: unknown) => void) {
    host.append(one(document, "template#delivery-list", HTMLTemplateElement).content.cloneNode(true));
    this.#rows = new Rows(one(host, "tbody", HTMLTableSectionElement));
    this.#none = one(host, ".hint", HTMLElement);
    this.#room = room;
    this.#failed = failed;
  }

  async refresh(): Promise<void> {
    const of = this.#room === undefined ? "" : `&room=${this.#room}`;
    const path = `/api/deliveries?limit=${SHOWN}${of}`;
    const { deliveries } = await getIndexed<{ deliveries: Delivery[] }>(path, { deliveries: [] });
    this.#none.hidden = deliveries.length > 0;
    const now = Date.now();
    this.#rows.set(
      deliveries.map((one) => ({
        // The status is part of the key, because the pill and the button depend on it.
        key: `${one.id} ${one.status}`,
        cells: [
          { label: "Event", text: one.type },
          { label: "Room", node: () => element("a", { href: `#/rooms/${one.room}` }, one.room) },
          { label: "To", text: one.url, className: "wide" },
          { label: "State", node: () => pill(one.status) },
          { label: "Attempts", text: count(one.attempts), className: "number" },
          { label: "Answer", text: one.answer ?? "–", className: "wide" },
          { label: "When", text: ago(one.at, now) },
          { label: "", node: () => this.#again(one) },
        ],
      })),
    );
  }

  #again({ id, type }: Delivery): HTMLElement {
    const button = element("button", { type: "button", "aria-label": `Send again: ${type}` }, "Send again");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await act("POST", `/api/deliveries/${id}`);
        setText(button, "Sent");
      } catch (error) {
        button.disabled = false;
        this.#failed(error);
      }
    });
    return button;
  }
}
