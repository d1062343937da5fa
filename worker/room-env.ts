// The environment that a room's object needs, and the header with which the Worker reaches it.
import type { Grant } from "./core/authorize.ts";
import type { RoomReport } from "./core/journal.ts";
import type { Placement } from "./core/placement.ts";
import type { InstancesEnv } from "./instances.ts";
import type { MessageQueue } from "./operators/message-queue.ts";
import type { StorageProbe } from "./storage-guard.ts";
import type { StoreEnv } from "./stores.ts";

export interface RoomEnv extends InstancesEnv, StoreEnv {
  /** For self-hosting, where a disk may be full, or a bucket gone. */
  readonly STORAGE_PROBE?: DurableObjectNamespace<StorageProbe>;
  /** The queue for rooms' events. Without it, rooms report nothing. */
  readonly EVENTS?: MessageQueue<RoomReport>;
  readonly MAX_SUBSCRIBERS?: string;
  readonly MAX_PUBLISHERS?: string;
  readonly MAX_BYTES_PER_SECOND_IN?: string;
  readonly MAX_HISTORY_BYTES?: string;
  readonly MAX_HISTORY_SECONDS?: string;
  readonly MAX_IDLE_SECONDS?: string;
  readonly MAX_RECORDING_SECONDS?: string;
  readonly MAX_RECORDING_BYTES?: string;
  readonly MAX_OBJECT_SUBSCRIBERS?: string;
  readonly MAX_RELAYS?: string;
}

/** The header in which the Worker passes on a validated `JoinRequest`. A client's header of this name is dropped. */
export const JOIN_HEADER = "x-roomcast-knock";

/** A room's answer that names other objects of the room. It stays inside the Worker. */
export const PLACEMENT_STATUS = 300;

/** A relay's answer: not here; the room knows the right object. */
export const ELSEWHERE_STATUS = 421;

/** The object that serves a subscriber, and the subscriber's grant. placement null: there is no place. */
export type Placed =
  | { readonly placement: Placement; readonly grant: Grant }
  | { readonly placement: null; readonly grant: null };

/** The delay before a client reconnects if the object could not read its connection after sleep. */
export const RETRY_MS = 2000;
