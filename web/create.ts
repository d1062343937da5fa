// The view of `/`: creates a room, then shows how to watch it and how to send into it.
import { isRoomId } from "../protocol/names.ts";
import { fileCommand, parseIngest, testPictureCommand } from "./commands.ts";
import { copyButton, one, setText, showTemplate } from "./dom.ts";

interface CreatedRoom {
  readonly room: string;
  readonly tokens: { readonly admin: string; readonly publish: string; readonly subscribe: string };
  readonly links: { readonly page: string; readonly websocket: string; readonly ingest: string };
}

type Outcome =
  | { readonly is: "created"; readonly room: CreatedRoom }
  | { readonly is: "key-needed"; readonly given: boolean }
  | { readonly is: "failed"; readonly message: string };

/** Shows the form that creates a room. */
export function showCreate(): void {
  document.title = "Roomcast";
  const main = showTemplate("create");
  const form = one(main, "form", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit(main, form);
  });
}

async function submit(main: HTMLElement, form: HTMLFormElement): Promise<void> {
  const id = one(form, "#room-id", HTMLInputElement).value.trim();
  const key = one(form, "#operator-key", HTMLInputElement);
  const button = one(form, "button", HTMLButtonElement);
  const problem = one(form, "#problem", HTMLElement);
  if (id !== "" && !isRoomId(id)) {
    setText(problem, "A room id has letters, digits, - and _, at most 64, and begins with a letter or a digit.");
    return;
  }
  setText(problem, "");
  button.disabled = true;
  const outcome = await createRoom(id, key.value.trim());
  button.disabled = false;
  if (outcome.is === "created") return showCreated(main, outcome.room);
  if (outcome.is === "key-needed") {
    one(form, "#key-field", HTMLElement).hidden = false;
    key.focus();
    setText(
      problem,
      outcome.given ? "This is not the operator key." : "Only whoever has the operator key creates rooms here.",
    );
  } else {
    setText(problem, outcome.message);
  }
}

async function createRoom(id: string, key: string): Promise<Outcome> {
  try {
    const response = await fetch("/api/rooms", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(key === "" ? {} : { Authorization: `Bearer ${key}` }) },
      body: JSON.stringify(id === "" ? {} : { id }),
    });
    if (response.status === 201) return { is: "created", room: (await response.json()) as CreatedRoom };
    if (response.status === 401 || response.status === 403) return { is: "key-needed", given: key !== "" };
    return { is: "failed", message: await problemOf(response) };
  } catch {
    return { is: "failed", message: "The server could not be reached. Try again." };
  }
}

async function problemOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const { title, detail } = { ...(typeof body === "object" ? body : undefined) } as Record<string, unknown>;
  const texts = [title, detail].filter((text) => typeof text === "string" && text !== "");
  return texts.length === 0 ? `The server answered ${response.status}.` : texts.join(": ");
}

function showCreated(main: HTMLElement, created: CreatedRoom): void {
  const { room, tokens, links } = created;
  const form = one(main, "form", HTMLFormElement);
  const view = one(main, "#created", HTMLElement);
  form.hidden = true;
  view.hidden = false;
  setText(one(view, "#created-title", HTMLElement), `Room ${room} is open`);
  one(view, "#open-room", HTMLAnchorElement).href = links.page;
  fill(view, "page-link", links.page);
  const to = parseIngest(links.ingest) ?? { host: "HOST", port: "PORT" };
  fill(view, "test-command", testPictureCommand(room, tokens.publish, to));
  fill(view, "file-command", fileCommand(room, tokens.publish, to));
  one(view, "#created-title", HTMLElement).focus();
}

function fill(view: HTMLElement, id: string, text: string): void {
  const target = one(view, `#${id}`, HTMLElement);
  setText(target, text);
  copyButton(one(view, `button[data-copies="${id}"]`, HTMLButtonElement), target);
}
