// The keys of the player, except where another element uses them. Pure, except that it looks at elements.

/** Volume and track can go up or down. */
export type Command =
  | { readonly does: "pause" | "mute" | "fullscreen" }
  | { readonly does: "volume" | "track"; readonly by: 1 | -1 };

const COMMANDS: Readonly<Record<string, Command>> = {
  " ": { does: "pause" },
  m: { does: "mute" },
  f: { does: "fullscreen" },
  ArrowUp: { does: "volume", by: 1 },
  ArrowDown: { does: "volume", by: -1 },
  ArrowRight: { does: "track", by: 1 },
  ArrowLeft: { does: "track", by: -1 },
};

/** The command of a key; undefined: none, or the focused element uses the key. */
export function commandOf(event: KeyboardEvent): Command | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return undefined;
  const command = COMMANDS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const [target] = event.composedPath();
  return command !== undefined && !(target instanceof Element && uses(target, event.key)) ? command : undefined;
}

/** Text fields use all keys, buttons the space bar, sliders and scrolling elements the arrows. */
function uses(target: Element, key: string): boolean {
  const type = target instanceof HTMLInputElement ? target.type : "";
  if (type === "range") return key.startsWith("Arrow");
  if (target.closest("textarea, select, [contenteditable], dialog") !== null) return true;
  if (type === "checkbox" || type === "radio") return key === " ";
  if (type !== "") return true;
  if (target.closest("button, summary, a") !== null) return key === " ";
  return target.matches("[tabindex]") && target.scrollHeight > target.clientHeight && key.startsWith("Arrow");
}
