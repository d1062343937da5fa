// The owner's links: copy, revoke, create.
import { copyText, element, one, setText } from "../dom.ts";
import { keepRoom, type OwnedLink, ownedRoom } from "../owned-rooms.ts";
import { roomLink } from "../page-address.ts";
import type { RoomApi } from "../room-api.ts";
import { expiryText, readToken } from "../token-claims.ts";

/** The rights, and their labels. */
const RIGHTS = [
  ["subscribe", "Watch"],
  ["publish", "Share"],
  ["message", "Write messages"],
  ["admin", "Manage the room"],
] as const;

/** Lifetimes, in seconds. */
const LIVES = [
  ["3600", "an hour"],
  ["86400", "a day"],
  ["604800", "a week"],
  ["7776000", "90 days"],
] as const;
const DEFAULT_LIFE = "86400";

/** The section. New links are stored in this browser, with the room. */
export function linkList(room: string, admin: string, api: RoomApi, fail: (error: unknown) => void): HTMLElement {
  const list = element("ul", { id: "links", class: "links" });
  let links: readonly OwnedLink[] = ownedRoom(room)?.links ?? [];
  const keep = (changed: readonly OwnedLink[]) => {
    links = changed;
    const owned = ownedRoom(room);
    keepRoom({ room, admin, ingest: "", ...owned, links });
    draw();
  };
  const draw = () => list.replaceChildren(...links.map((link) => row(room, link, () => revoke(link))));
  const revoke = async (link: OwnedLink) => {
    try {
      const { jti } = readToken(link.token);
      if (jti !== undefined) await api.revoke(jti);
      keep(links.filter((other) => other !== link));
    } catch (error) {
      fail(error);
    }
  };
  draw();
  const form = newLinkForm(async (name, can, life) =>
    keep([...links, { name, token: await api.mint(can, life, name) }]),
  );
  return element("section", {}, element("h3", {}, "Links"), list, form);
}

function row(room: string, { name, token }: OwnedLink, revoke: () => void): HTMLElement {
  const { can } = readToken(token);
  const rights = RIGHTS.filter(([right]) => can.includes(right)).map(([, text]) => text.toLowerCase());
  const copy = element("button", { type: "button", "aria-label": `Copy the link for ${name}` }, "Copy");
  copyText(copy, () => roomLink(location.origin, room, token));
  const end = element(
    "button",
    { type: "button", class: "danger", "aria-label": `Revoke the link for ${name}` },
    "Revoke",
  );
  end.addEventListener("click", revoke);
  const about = `${rights.join(", ")}; until ${expiryText(token) ?? "it is revoked"}`;
  const words = element("span", { class: "grow" }, element("b", {}, name), element("span", { class: "hint" }, about));
  return element("li", { class: "row" }, words, copy, end);
}

type Make = (name: string, can: readonly string[], ttlSeconds: number) => Promise<void>;

function newLinkForm(make: Make): HTMLElement {
  const boxes = RIGHTS.map(([right, text]) => {
    const box = element("input", { type: "checkbox", value: right, id: `can-${right}` });
    box.checked = right === "subscribe";
    return { box, label: element("label", { class: "check" }, box, text) };
  });
  const name = element("input", {
    id: "link-name",
    maxlength: "64",
    autocomplete: "off",
    "aria-describedby": "link-problem",
  });
  const life = element(
    "select",
    { id: "link-life" },
    ...LIVES.map(([value, text]) => element("option", { value }, text)),
  );
  life.value = DEFAULT_LIFE;
  const problem = element("p", { id: "link-problem", class: "problem", role: "alert" });
  const form = element(
    "form",
    { id: "new-link" },
    element("label", { for: "link-name" }, "New link for"),
    name,
    element("fieldset", {}, element("legend", {}, "Allows them to"), ...boxes.map(({ label }) => label)),
    element("label", { for: "link-life" }, "Works for"),
    life,
    problem,
    element("button", { type: "submit" }, "Create the link"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const can = boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
    const called = name.value.trim();
    const wrong = called === "" ? "Enter a name for the link." : can.length === 0 ? "Choose at least one right." : "";
    setText(problem, wrong);
    if (wrong !== "") return (called === "" ? name : one(form, "input[type=checkbox]", HTMLInputElement)).focus();
    try {
      await make(called, can, Number(life.value));
      name.value = "";
    } catch (error) {
      setText(problem, error instanceof Error ? error.message : String(error));
    }
  });
  return form;
}
