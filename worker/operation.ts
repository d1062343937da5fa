// The description of a route of the API.
import type * as z from "zod/mini";
import type { ProblemCode } from "./problem.ts";

type Method = "get" | "post" | "patch" | "put" | "delete";

/** One route: its credential, its input, its answers, and its refusals. */
export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** The credential that is needed; null: none. */
  readonly who: string | null;
  readonly body?: z.ZodMiniType;
  readonly status: 200 | 201 | 204;
  readonly answer?: z.ZodMiniType;
  readonly problems: readonly ProblemCode[];
}
