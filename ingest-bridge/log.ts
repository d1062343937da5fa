// The bridge's log: JSON lines on stderr, or prose if stderr is a terminal. The log never contains a token.
import { type Logger, pino, stdTimeFunctions } from "pino";
import pretty from "pino-pretty";
import type { LogLevel } from "./settings.ts";

export type { Logger } from "pino";

/** A logger on stderr, or on `stream`. */
export function createLogger(level: LogLevel, stream?: { write(line: string): void }): Logger {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime };
  if (stream !== undefined) return pino(options, stream);
  const stderr = { fd: process.stderr.fd, sync: true };
  return process.stderr.isTTY
    ? pino(options, pretty({ colorize: true, destination: stderr.fd, sync: true }))
    : pino(options, pino.destination(stderr));
}
