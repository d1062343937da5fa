// The operator's actions on a room: settings, webhook, revocations, closing.
import { element, one, setText } from "../dom.ts";
import type { Setting } from "./answers.ts";
import { act, get } from "./api.ts";

type Field = HTMLInputElement | HTMLSelectElement;

const DELIVERIES = ["live", "latest", "reliable"];

/** The settings that have a field, with their labels, in this order. */
const LABELS: Readonly<Record<string, string>> = {
  title: "Title",
  public: "Everybody may watch",
  presence: "Members see each other",
  memberMessages: "Members may send messages",
  delivery: "Default delivery",
  maxSubscribers: "Maximum number of subscribers",
  latencySeconds: "Seconds that a viewer may be late before it skips",
  historySeconds: "History, seconds",
  idleExpirySeconds: "Seconds that an empty room stays open; empty: forever",
};

/** The forms of one room. */
export class Owner {
  readonly #main: HTMLElement;
  readonly #path: string;
  readonly #failed: (error: unknown) => void;
  /** The current settings, once they are known. Fields are created only once, so that the user's input stays. */
  #settings: Readonly<Record<string, Setting>> | undefined;
  readonly #fields = new Map<string, Field>();

  constructor(main: HTMLElement, room: string, failed: (error: unknown) => void) {
    this.#main = main;
    this.#path = `/api/rooms/${room}`;
    this.#failed = failed;
    this.#onSubmit("settings", () => this.#saveSettings());
    this.#onSubmit("webhook", () => this.#saveWebhook());
    this.#onSubmit("revoke", () => this.#revoke());
    this.#onSubmit("close", () => this.#close(room));
    void this.#showWebhook();
  }

  /** Takes the room's settings. */
  know(settings: Readonly<Record<string, Setting>>): void {
    const isFirst = this.#settings === undefined;
    this.#settings = settings;
    if (!isFirst) return;
    const host = one(this.#main, "#fields", HTMLElement);
    for (const [name, label] of Object.entries(LABELS)) {
      const value = settings[name];
      if (value === undefined) continue;
      const id = `setting-${name}`;
      const field = fieldOf(id, value);
      this.#fields.set(name, field);
      const isCheck = field instanceof HTMLInputElement && field.type === "checkbox";
      const text = element("label", { for: id }, label);
      if (isCheck) host.append(element("div", { class: "check" }, field, text));
      else host.append(text, field);
    }
  }

  #onSubmit(id: string, act: () => Promise<string>): void {
    const form = one(this.#main, `form#${id}`, HTMLFormElement);
    const button = one(form, "button", HTMLButtonElement);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        setText(one(this.#main, "#news", HTMLElement), await act());
      } catch (error) {
        this.#failed(error);
      } finally {
        button.disabled = false;
      }
    });
  }

  async #saveSettings(): Promise<string> {
    const changed: Record<string, Setting> = {};
    for (const [name, field] of this.#fields) {
      const before = this.#settings?.[name];
      const value = saidBy(field, before);
      if (value !== before) changed[name] = value;
    }
    if (Object.keys(changed).length === 0) return "Nothing has changed.";
    await act("PATCH", this.#path, { settings: changed });
    return "The settings are saved. They apply from now on.";
  }

  async #saveWebhook(): Promise<string> {
    const url = one(this.#main, "#webhook-url", HTMLInputElement).value.trim();
    if (url === "") await act("DELETE", `${this.#path}/webhook`);
    else await act("PUT", `${this.#path}/webhook`, { url });
    return url === ""
      ? "The room has no webhook address any more."
      : "The room sends its events to this address from now on.";
  }

  /** Shows the address if the Worker has webhooks. */
  async #showWebhook(): Promise<void> {
    const answer = await get<{ url: string | null }>(`${this.#path}/webhook`).catch(() => undefined);
    if (answer?.url) one(this.#main, "#webhook-url", HTMLInputElement).value = answer.url;
  }

  async #revoke(): Promise<string> {
    const by = one(this.#main, "#revoke-by", HTMLSelectElement).value;
    const value = one(this.#main, "#revoke-value", HTMLInputElement).value.trim();
    if (by !== "all" && value === "") throw new Error("Enter the subject or the jti.");
    const body = by === "all" ? { issuedBefore: Math.floor(Date.now() / 1000) } : { [by]: value };
    await act("POST", `${this.#path}/revocations`, body);
    return "The tokens are revoked, and their connections are closed.";
  }

  async #close(room: string): Promise<string> {
    const typed = one(this.#main, "#close-id", HTMLInputElement).value.trim();
    if (typed !== room) throw new Error("That is not the id of this room. The room stays open.");
    await act("DELETE", this.#path);
    location.hash = "#/";
    return "The room is closed.";
  }
}

function fieldOf(id: string, value: Setting): Field {
  if (typeof value === "boolean") {
    const box = element("input", { id, type: "checkbox" });
    box.checked = value;
    return box;
  }
  if (DELIVERIES.includes(String(value))) {
    const select = element("select", { id }, ...DELIVERIES.map((name) => element("option", { value: name }, name)));
    select.value = String(value);
    return select;
  }
  const type = typeof value === "string" ? "text" : "number";
  return element("input", { id, type, value: value === null ? "" : String(value), autocomplete: "off" });
}

function saidBy(field: Field, before: Setting | undefined): Setting {
  if (field instanceof HTMLInputElement && field.type === "checkbox") return field.checked;
  if (typeof before === "string") return field.value;
  return field.value.trim() === "" ? null : Number(field.value);
}
