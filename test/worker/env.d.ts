// Types of what `cloudflare:workers` gives the tests.
declare namespace Cloudflare {
  interface Env {
    readonly ROOM: DurableObjectNamespace<import("../../worker/room-object.ts").Room>;
    readonly RECORDER: DurableObjectNamespace<import("../../worker/recorder-object.ts").Recorder>;
    readonly RECORDINGS: R2Bucket;
    readonly RELAY: DurableObjectNamespace<import("../../worker/relay-object.ts").Relay>;
  }
  interface GlobalProps {
    mainModule: typeof import("../../worker/index.ts");
  }
}
