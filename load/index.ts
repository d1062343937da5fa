// The load generator, for programs that run one.
export type { ByName, Counts } from "./accounting/counts.ts";
export type { LoadResult } from "./accounting/result.ts";
export { STAMP_BYTES } from "./accounting/stamp.ts";
export type { LoadOptions } from "./options.ts";
export { type LoadUser, type Phase, runLoad } from "./run.ts";
export { serveShare } from "./share.ts";
