// What the bridge can be told: every setting with its names, its default and its help.
import type { OnFull } from "../client/index.ts";
import type { Address, Listen } from "./listen-url.ts";

/** Everything that the bridge can be told. */
export interface Config {
  readonly listen: readonly Listen[];
  /** The Worker's base URL. */
  readonly worker: string;
  /** Where /healthz, /readyz and /metrics are. */
  readonly status: Address;
  readonly logLevel: LogLevel;
  /** Bytes that one producer may have in the bridge before it is not read any more. */
  readonly bufferBytes: number;
  /** ... and all of them together. */
  readonly totalBufferBytes: number;
  /** What a full buffer means for producers whose listener does not say. */
  readonly onFull: OnFull;
  /** Producers at a time, over all listeners. */
  readonly maxConnections: number;
  /** ... and from one address; 0: any number. */
  readonly maxConnectionsPerAddress: number;
  /** Seconds without a byte after which a producer is cut off; 0: never. */
  readonly idleTimeout: number;
  /** `raw`: bytes that follow a frame within so many milliseconds leave together ... */
  readonly coalesceMs: number;
  /** ... or once there are so many. */
  readonly coalesceBytes: number;
  /** Seconds that SIGTERM leaves for delivering what is buffered. */
  readonly drainTimeout: number;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How a setting is written on the command line, and what it is without being told. */
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
  { key: "listen", name: "listen", value: "url", initial: "tcp://127.0.0.1:9000", help: "listen here, repeatable" },
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
    help: "where a producer's buffer is full: block it, or drop-group: drop whole groups that were not sent",
  },
  { key: "maxConnections", name: "max-connections", value: "n", initial: "4096", help: "producers at a time" },
  {
    key: "maxConnectionsPerAddress",
    name: "max-connections-per-address",
    value: "n",
    initial: "0",
    help: "producers at a time from one address, 0: any number",
  },
  {
    key: "idleTimeout",
    name: "idle-timeout",
    value: "seconds",
    initial: "0",
    help: "cut off a producer that sends nothing for so long, 0: never",
  },
  {
    key: "coalesceMs",
    name: "coalesce-ms",
    value: "n",
    initial: "5",
    help: "raw: gather what comes within so many milliseconds after a frame, 0: nothing",
  },
  {
    key: "coalesceBytes",
    name: "coalesce-bytes",
    value: "n",
    initial: "65536",
    help: "raw: gather no more than about so many bytes",
  },
  {
    key: "drainTimeout",
    name: "drain-timeout",
    value: "seconds",
    initial: "10",
    help: "how long SIGTERM may take to deliver what is buffered",
  },
];
