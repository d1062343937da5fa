// The Worker that Cloudflare starts.
import type { Env } from "./env.ts";
import { consume } from "./operators/consumer.ts";
import { app } from "./routes.ts";
import { setValues } from "./set-values.ts";

export { Recorder } from "./recorder-object.ts";
export { Relay } from "./relay-object.ts";
export { Room } from "./room-object.ts";
export { StorageProbe } from "./storage-guard.ts";

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext) => app.fetch(request, setValues(env), context),
  queue: consume,
};
