// The Worker's bindings, secrets and vars, and the context of the routes.
import type { Config, Vars } from "./config.ts";
import type { RoomReport } from "./core/journal.ts";
import type { InstancesEnv } from "./instances.ts";
import type { DeliveryOrder } from "./operators/deliveries.ts";
import type { IndexDatabase } from "./operators/index-database.ts";
import type { MessageQueue } from "./operators/message-queue.ts";
import type { Recorder } from "./recorder-object.ts";
import type { Relay } from "./relay-object.ts";
import type { Room } from "./room-object.ts";

/** The environment from wrangler.toml and the secrets. */
export interface Env extends Vars, Pick<InstancesEnv, "INSTANCE" | "INSTANCES"> {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly RELAY: DurableObjectNamespace<Relay>;
  readonly RECORDER: DurableObjectNamespace<Recorder>;
  readonly ASSETS: Fetcher;
  /** The index of rooms, from their reports. */
  readonly INDEX?: IndexDatabase;
  /** Reports of rooms, on their way to the index. */
  readonly EVENTS?: MessageQueue<RoomReport>;
  /** Webhooks on their way. */
  readonly WEBHOOKS?: MessageQueue<DeliveryOrder>;
  readonly ANALYTICS?: AnalyticsEngineDataset;
  readonly CREATIONS?: RateLimit;
  readonly TICKETS?: RateLimit;
  readonly UPGRADES?: RateLimit;
  readonly EMBEDS?: RateLimit;
}

/** The context of handlers. */
export interface AppEnv {
  Bindings: Env;
  Variables: { config: Config };
}
