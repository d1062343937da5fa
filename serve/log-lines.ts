// Writes the output of the server's parts as lines of one log.
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Logger } from "../ingest-bridge/index.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
type Level = (typeof LEVELS)[number];

/** Longer lines are cut: a stack trace of workerd has a few thousand. */
const MAX_LINE_CHARS = 8192;

/** Writes each line of `stream` to `log`; JSON keeps its fields and its level. `hear` also gets the fields. */
export function relayLines(stream: Readable | null, log: Logger, hear: (fields: Fields) => void = () => {}): void {
  if (stream === null) return;
  stream.on("error", () => {});
  createInterface({ input: stream }).on("line", (line) => {
    const fields = fieldsOf(line);
    hear(fields);
    const { level, message, msg, time: _, timestamp: __, ...rest } = fields;
    log[levelOf(level)](rest, String(msg ?? message ?? ""));
  });
}

export type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(line: string): Fields {
  const cut = line.slice(0, MAX_LINE_CHARS);
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  } catch {
    // Not JSON: the line is logged unchanged. The programs write JSON while all is well.
  }
  return { level: "warn", message: cut };
}

/** pino uses numbers, workerd uses names. */
function levelOf(level: unknown): Level {
  if (typeof level === "number") return LEVELS[Math.min(5, Math.max(0, Math.floor(level / 10) - 1))] ?? "info";
  const name = String(level).toLowerCase();
  if (name === "warning") return "warn";
  return LEVELS.find((one) => one === name) ?? "info";
}
