// The settings of a room that its owner can change in the page.
import { element, fieldProblem, setText } from "../dom.ts";
import { ApiError, type RoomApi, type Settings } from "../room-api.ts";

const CHECKS = [
  ["public", "Everybody may watch, without a link"],
  ["presence", "Members see who is here"],
  ["memberMessages", "Members may write messages if their link allows it"],
] as const;

const NUMBERS = [
  ["maxSubscribers", "Maximum number of viewers"],
  ["latencySeconds", "Seconds that a viewer may be late before it skips"],
] as const;

/** The section. The settings are requested when it is first opened. */
export function settingsForm(api: RoomApi, changed: (settings: Settings) => void): HTMLElement {
  const title = field("title", { maxlength: "200" });
  const numbers = NUMBERS.map(([name]) => field(name, { type: "number", min: "1" }));
  const checks = CHECKS.map(([name]) => element("input", { id: `set-${name}`, type: "checkbox" }));
  const origins = element("textarea", {
    id: "set-embedOrigins",
    rows: "2",
    "aria-describedby": "set-embedOrigins-problem",
  });
  const said = element("p", { id: "settings-said", class: "hint", role: "status" });
  const problem = element("p", { id: "settings-problem", class: "problem", role: "alert" });
  const form = element(
    "form",
    { id: "settings", novalidate: "" },
    ...labelled(title, "Title"),
    ...checks.map((box, index) => element("label", { class: "check" }, box, CHECKS[index]?.[1] ?? "")),
    ...numbers.flatMap((box, index) => labelled(box, NUMBERS[index]?.[1] ?? "")),
    ...labelled(origins, "Sites that may show the player in a frame, one on each line, such as https://app.example"),
    problem,
    element("button", { type: "submit" }, "Save"),
    said,
  );
  const boxes = [title, ...checks, ...numbers, origins];
  // Input before the settings have arrived would be lost.
  for (const box of boxes) box.disabled = true;
  const fill = (settings: Settings) => {
    for (const box of boxes) box.disabled = false;
    title.value = settings.title;
    for (const [index, [name]] of CHECKS.entries()) if (checks[index]) checks[index].checked = settings[name];
    for (const [index, [name]] of NUMBERS.entries()) if (numbers[index]) numbers[index].value = `${settings[name]}`;
    origins.value = settings.embedOrigins.join("\n");
    changed(settings);
  };
  const read = (): Partial<Settings> => ({
    title: title.value,
    ...Object.fromEntries(CHECKS.map(([name], index) => [name, checks[index]?.checked ?? false])),
    ...Object.fromEntries(NUMBERS.map(([name], index) => [name, Number(numbers[index]?.value)])),
    embedOrigins: origins.value.split(/\s+/).filter((origin) => origin !== ""),
  });
  const fields = [title, ...numbers, origins];
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const one of fields) fieldProblem(one, "");
    setText(problem, "");
    setText(said, "");
    try {
      fill(await api.change(read()));
      setText(said, "Saved. The settings apply at once.");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The answer contains the name of the setting.
      const wrong = fields.find((one) => error.message.includes(one.id.slice("set-".length)));
      if (wrong === undefined) setText(problem, error.message);
      else fieldProblem(wrong, error.message);
    }
  });
  queueMicrotask(() =>
    form
      .closest("details")
      ?.addEventListener(
        "toggle",
        () => void api.settings().then(fill, (error: Error) => setText(problem, error.message)),
        { once: true },
      ),
  );
  return element("section", {}, element("h3", {}, "Settings"), form);
}

function field(name: string, attributes: Record<string, string>): HTMLInputElement {
  return element("input", {
    id: `set-${name}`,
    autocomplete: "off",
    "aria-describedby": `set-${name}-problem`,
    ...attributes,
  });
}

function labelled(box: HTMLElement, text: string): HTMLElement[] {
  const problem = element("p", { id: `${box.id}-problem`, class: "problem", role: "alert" });
  return [element("label", { for: box.id }, text), box, problem];
}
