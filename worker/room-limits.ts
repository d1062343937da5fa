// The operator's limits for rooms, read from vars.
import { MAX_OBJECT_SUBSCRIBERS, MAX_RELAYS, type RelayLimits } from "./core/growth-limits.ts";

import { DEFAULT_LIMITS, type RoomLimits } from "./core/room-settings.ts";
import type { RoomEnv } from "./room-env.ts";

const LIMIT_VARS = {
  maxSubscribers: "MAX_SUBSCRIBERS",
  maxPublishers: "MAX_PUBLISHERS",
  bytesPerSecondIn: "MAX_BYTES_PER_SECOND_IN",
  historyBytes: "MAX_HISTORY_BYTES",
  historySeconds: "MAX_HISTORY_SECONDS",
  idleExpirySeconds: "MAX_IDLE_SECONDS",
  recordingSeconds: "MAX_RECORDING_SECONDS",
  recordingBytes: "MAX_RECORDING_BYTES",
} as const satisfies Record<keyof RoomLimits, keyof RoomEnv>;

/** The operator's limits for rooms with several objects. Adds problems to `faults`. */
export function readRelayLimits(env: RoomEnv, faults: string[] = []): RelayLimits {
  const whole = (name: "MAX_OBJECT_SUBSCRIBERS" | "MAX_RELAYS", otherwise: number): number => {
    const text = env[name] ?? "";
    if (text !== "" && !/^\d{1,9}$/.test(text)) faults.push(`${name} must be a whole number`);
    return text === "" ? otherwise : Number(text);
  };
  return {
    maxObjectSubscribers: whole("MAX_OBJECT_SUBSCRIBERS", MAX_OBJECT_SUBSCRIBERS),
    maxRelays: whole("MAX_RELAYS", MAX_RELAYS),
    hintsOff: (env.JURISDICTION ?? "") !== "",
  };
}

/** The operator's limits for rooms. Adds problems to `faults`. */
export function readLimits(env: RoomEnv, faults: string[] = []): RoomLimits {
  const limits: Record<string, number | null> = { ...DEFAULT_LIMITS };
  for (const [name, variable] of Object.entries(LIMIT_VARS)) {
    const text = env[variable] ?? "";
    if (/^[1-9]\d{0,14}$/.test(text)) limits[name] = Number(text);
    else if (text !== "") faults.push(`${variable} must be a whole number above 0`);
  }
  return limits as unknown as RoomLimits;
}
