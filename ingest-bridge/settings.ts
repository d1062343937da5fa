// The settings of the bridge, with their names, defaults and help.
import type { OnFull } from "../client/index.ts";
import type { Address, Listen } from "./listen-url.ts";

/** The configuration of the bridge. */
export interface Config {
  readonly listen: readonly Listen[];
  /** The Worker's base URL. */
  readonly worker: string;
  /** The address of /healthz, /readyz and /metrics. */
  readonly status: Address;
  readonly logLevel: LogLevel;
  /** Bytes that one producer may have in the bridge. Above it, the bridge stops reading from it. */
  readonly bufferBytes: number;
  /** Bytes that all producers together may have in the bridge. */
  readonly totalBufferBytes: number;
  /** The behaviour at a full buffer for listeners without their own setting. */
  readonly onFull: OnFull;
  /** Producers at the same time, over all listeners. */
  readonly maxConnections: number;
  /** Producers at the same time from one address; 0: any number. */
  readonly maxConnectionsPerAddress: number;
  /** Seconds without a byte after which the bridge cuts off a producer; 0: never. */
  readonly idleTimeout: number;
  /** `raw`: bytes that arrive within this number of milliseconds after a frame leave together. */
  readonly coalesceMs: number;
  /** `raw`: they leave earlier at this number of bytes. */
  readonly coalesceBytes: number;
  /** Seconds that delivering the buffers may take after SIGTERM. */
  readonly drainTimeout: number;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A setting's form on the command line, and its default. */
export interface Setting {
  readonly key: keyof Config;
  /** The flag is `--NAME`, the variable `ROOMCAST_NAME`, the file's key `NAME`. */
  readonly name: string;
  readonly value: string;
  readonly initial: string;
  readonly help: string;
}

/** All settings, in the order of the help text. */
export const SETTINGS: readonly Setting[] = [
  {
    key: "listen",
    name: "listen",
    value: "url",
    initial: "tcp://127.0.0.1:9000",
    help: "listen on this URL; repeatable",
  },
  { key: "worker", name: "worker", value: "url", initial: "http://127.0.0.1:8787", help: "the Worker's base URL" },
  { key: "status", name: "status", value: "host:port", initial: "127.0.0.1:9100", help: "health and metrics" },
  { key: "logLevel", name: "log-level", value: "level", initial: "info", help: LOG_LEVELS.join(", ") },
  { key: "bufferBytes", name: "buffer-bytes", value: "n", initial: "16777216", help: "buffer of one producer, bytes" },
  {
    key: "totalBufferBytes",
    name: "total-buffer-bytes",
    value: "n",
    initial: "536870912",
    help: "buffers of all producers together, bytes",
  },
  {
    key: "onFull",
    name: "on-full",
    value: "what",
    initial: "block",
    help: "when a producer's buffer is full: block the producer, or drop-group: drop whole unsent groups",
  },
  { key: "maxConnections", name: "max-connections", value: "n", initial: "4096", help: "producers at the same time" },
  {
    key: "maxConnectionsPerAddress",
    name: "max-connections-per-address",
    value: "n",
    initial: "0",
    help: "producers from one address at the same time, 0: any number",
  },
  {
    key: "idleTimeout",
    name: "idle-timeout",
    value: "seconds",
    initial: "0",
    help: "seconds until the bridge cuts off a producer that sends nothing, 0: never",
  },
  {
    key: "coalesceMs",
    name: "coalesce-ms",
    value: "n",
    initial: "5",
    help: "raw: milliseconds for which the bridge gathers bytes into one frame, 0: none",
  },
  {
    key: "coalesceBytes",
    name: "coalesce-bytes",
    value: "n",
    initial: "65536",
    help: "raw: gather at most about this many bytes",
  },
  {
    key: "drainTimeout",
    name: "drain-timeout",
    value: "seconds",
    initial: "10",
    help: "seconds that delivering the buffers may take after SIGTERM",
  },
];
