// The Worker's bindings, secrets and vars, and what the routes find in their context.
import type { Config, Vars } from "./config.ts";
import type { Room } from "./room-object.ts";

/** What wrangler.toml and the secrets give the Worker. */
export interface Env extends Vars {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly ASSETS: Fetcher;
  readonly CREATIONS?: RateLimit;
  readonly TICKETS?: RateLimit;
  readonly UPGRADES?: RateLimit;
}

/** What handlers find in their context. */
export interface AppEnv {
  Bindings: Env;
  Variables: { config: Config };
}
