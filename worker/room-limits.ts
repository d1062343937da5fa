// The operator's limits of rooms, read from vars.
import { DEFAULT_LIMITS, type RoomLimits } from "./core/room-settings.ts";
import type { RoomEnv } from "./room-env.ts";

const LIMIT_VARS = {
  maxSubscribers: "MAX_SUBSCRIBERS",
  maxPublishers: "MAX_PUBLISHERS",
  bytesPerSecondIn: "MAX_BYTES_PER_SECOND_IN",
  historyBytes: "MAX_HISTORY_BYTES",
  historySeconds: "MAX_HISTORY_SECONDS",
  idleExpirySeconds: "MAX_IDLE_SECONDS",
} as const satisfies Record<keyof RoomLimits, keyof RoomEnv>;

/** The operator's limits of rooms; adds to `faults` what is wrong with them. */
export function readLimits(env: RoomEnv, faults: string[] = []): RoomLimits {
  const limits: Record<string, number | null> = { ...DEFAULT_LIMITS };
  for (const [name, variable] of Object.entries(LIMIT_VARS)) {
    const text = env[variable] ?? "";
    if (/^[1-9]\d{0,14}$/.test(text)) limits[name] = Number(text);
    else if (text !== "") faults.push(`${variable} is a whole number above 0`);
  }
  return limits as unknown as RoomLimits;
}
