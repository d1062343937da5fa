// What a room's object needs of the Worker's environment, and the header by which the Worker reaches it.
import type { StorageProbe } from "./storage-guard.ts";

export interface RoomEnv {
  /** On machines of our own, where a disk may be full. */
  readonly STORAGE_PROBE?: DurableObjectNamespace<StorageProbe>;
  readonly MAX_SUBSCRIBERS?: string;
  readonly MAX_PUBLISHERS?: string;
  readonly MAX_BYTES_PER_SECOND_IN?: string;
  readonly MAX_HISTORY_BYTES?: string;
  readonly MAX_HISTORY_SECONDS?: string;
  readonly MAX_IDLE_SECONDS?: string;
}

/** The header in which the Worker hands over a checked `JoinRequest`; what a client sends under this name is dropped. */
export const JOIN_HEADER = "x-roomcast-knock";

/** When somebody may come back whose connection the object could not read after sleep. */
export const RETRY_MS = 2000;
