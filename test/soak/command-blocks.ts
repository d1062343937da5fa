// The command blocks of a Markdown text, as commands.

/** A block in a fence that names a shell. */
export interface Block {
  readonly document: string;
  /** In order, without trailing comments. */
  readonly commands: readonly string[];
}

/** The blocks of `text`; one command may have several lines. */
export function commandBlocks(document: string, text: string): Block[] {
  return [...text.matchAll(/^```(?:sh|bash)\n(.*?)^```/gms)].map(([, body = ""]) => ({
    document,
    commands: commandsOf(body),
  }));
}

function commandsOf(body: string): string[] {
  const commands: string[] = [];
  let pending = "";
  for (const line of body.split("\n")) {
    pending += `${pending && "\n"}${line.replace(/\s{2,}#.*$/, "")}`;
    if (isOpen(pending)) continue;
    if (pending.trim() !== "" && !pending.startsWith("#")) commands.push(pending.trim());
    pending = "";
  }
  if (pending.trim() !== "") throw new Error(`a command that does not end: ${pending}`);
  return commands;
}

/** True if the command continues in the next line. */
function isOpen(text: string): boolean {
  const bare = text.replace(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "");
  const count = (character: string) => bare.split(character).length - 1;
  return text.endsWith("\\") || /['"]/.test(bare) || count("(") > count(")");
}
