// The Worker: what Cloudflare starts.
import { app } from "./routes.ts";

export { Room } from "./room-object.ts";
export { StorageProbe } from "./storage-guard.ts";

export default { fetch: app.fetch };
