// Types of what `cloudflare:workers` gives the tests.
declare namespace Cloudflare {
  interface Env {
    readonly ROOM: DurableObjectNamespace<import("../../worker/room-object.ts").Room>;
  }
  interface GlobalProps {
    mainModule: typeof import("../../worker/index.ts");
  }
}
