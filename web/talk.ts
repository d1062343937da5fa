// Members and messages, if the room's owner has turned them on.
import type { DeliveryEvent, MessageEvent, PresenceEvent } from "../client/index.ts";
import { element, setText } from "./dom.ts";
import { MAX_NAME_CHARS, nameOf, People, undeliveredText } from "./people.ts";
import type { RoomcastPlayer } from "./player-element.ts";

const NAME_KEY = "roomcast.name";
/** Below the 4 KiB that the room allows, for any characters. */
const MAX_TEXT_CHARS = 1000;

/** Shows members and messages, and sends messages. */
export class Talk {
  readonly element: HTMLElement;
  readonly #player: RoomcastPlayer;
  readonly #people = new People();
  readonly #here = element("ul", { id: "here", class: "here" });
  readonly #count = element("h2", { id: "here-title" });
  readonly #log = element("div", {
    id: "messages",
    class: "messages",
    role: "log",
    tabindex: "0",
    "aria-label": "Messages",
  });
  readonly #text = element("input", {
    id: "message",
    maxlength: `${MAX_TEXT_CHARS}`,
    autocomplete: "off",
    "aria-describedby": "message-problem",
  });
  readonly #problem = element("p", { id: "message-problem", class: "problem", role: "alert" });
  readonly #presence: HTMLElement;
  readonly #messages: HTMLElement;
  readonly #form: HTMLElement;
  #drawn = 0;
  #waiting = new Map<number, string>();

  constructor(player: RoomcastPlayer) {
    this.#player = player;
    this.#form = this.#newForm();
    this.#presence = element("section", { "aria-labelledby": "here-title", hidden: "" }, this.#count, this.#here);
    this.#messages = element("section", { "aria-labelledby": "messages-title", hidden: "" });
    this.#messages.append(element("h2", { id: "messages-title" }, "Messages"), this.#log, this.#form);
    this.element = element("div", {}, this.#presence, this.#messages);
    const name = keptName();
    if (name !== "") player.setAttribute("label", name);
    player.addEventListener("presence", (event) => this.#take((event as CustomEvent<PresenceEvent>).detail));
    player.addEventListener("message", (event) => this.#take((event as CustomEvent<MessageEvent>).detail));
    player.addEventListener("delivery", (event) => this.#delivered((event as CustomEvent<DeliveryEvent>).detail));
  }

  /** Shows the parts that the room's settings and the token allow. */
  allow(canRead: boolean, canWrite: boolean): void {
    this.#messages.hidden = !canRead && this.#people.said.length === 0;
    this.#form.hidden = !canWrite || !canRead;
  }

  #take(event: PresenceEvent | MessageEvent): void {
    if (event.type === "presence") this.#people.presence(event);
    else this.#people.message(event);
    this.#render();
  }

  #render(): void {
    const { total, members, said } = this.#people;
    this.#presence.hidden = total === undefined;
    setText(this.#count, `Here now: ${total ?? 0}`);
    const me = this.#player.view?.connectionId;
    const names = members.map((member) =>
      element(
        "li",
        {},
        `${nameOf(member)}${member.connection === me ? " (you)" : ""}${member.role === "publish" ? ", shares" : ""}`,
      ),
    );
    const more = (total ?? 0) - members.length;
    this.#here.replaceChildren(...names, ...(more > 0 ? [element("li", {}, `and ${more} more`)] : []));
    if (said.length > 0) this.#messages.hidden = false;
    this.#drawSaid();
  }

  #drawSaid(): void {
    const { said } = this.#people;
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 30;
    const last = said.at(-1);
    if (last === undefined || this.#drawn === said.length + this.#people.dropped) return;
    const fresh = said.slice(this.#drawn - this.#people.dropped - said.length);
    this.#drawn = said.length + this.#people.dropped;
    for (const { by, text, isMine } of fresh) {
      const row = element("p", isMine ? { class: "mine" } : {}, element("b", {}, by), ` ${text}`);
      this.#log.append(row);
    }
    while (this.#log.childElementCount > said.length) this.#log.firstElementChild?.remove();
    if (isAtEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #send(): void {
    const text = this.#text.value.trim();
    if (text === "") return;
    const id = this.#player.send({ text });
    if (id === undefined) return setText(this.#problem, "There is no connection to the room. Try again.");
    setText(this.#problem, "");
    this.#waiting.set(id, text);
    this.#text.value = "";
  }

  #delivered(event: DeliveryEvent): void {
    const text = this.#waiting.get(event.id ?? 0);
    if (text === undefined) return;
    this.#waiting.delete(event.id ?? 0);
    const problem = undeliveredText(event);
    setText(this.#problem, problem ?? "");
    if (problem === undefined) this.#people.sent(text);
    else if (this.#text.value === "") this.#text.value = text;
    this.#render();
  }

  #newForm(): HTMLElement {
    const name = element("input", { id: "my-name", maxlength: `${MAX_NAME_CHARS}`, autocomplete: "nickname" });
    name.value = keptName();
    name.addEventListener("change", () => {
      const kept = name.value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "").trim();
      keepName(kept);
      this.#player.setAttribute("label", kept);
    });
    const row = element("div", { class: "row" }, this.#text, element("button", { type: "submit" }, "Send"));
    const form = element(
      "form",
      { hidden: "" },
      element("label", { for: "my-name" }, "Your name"),
      name,
      element("label", { for: "message" }, "Message to everybody"),
      row,
      this.#problem,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    return form;
  }
}

function keptName(): string {
  try {
    return localStorage.getItem(NAME_KEY) ?? "";
  } catch {
    return "";
  }
}

function keepName(name: string): void {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // The name stays in the field until the page is reloaded.
  }
}
