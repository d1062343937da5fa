// The OpenAPI document, made of the schemas that validate.
import * as z from "zod/mini";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { PROBLEMS, Problem, type ProblemCode } from "./problem.ts";
import { problemAnswer } from "./schemas.ts";
import { VERSION } from "./version.ts";

/** Refusals that every route may give. */
const ANY = ["origin_not_allowed", "not_configured", "room_unavailable", "internal_error"] as const;

/** The paths of the API, as the router writes them. */
export const PATHS: readonly string[] = [...new Set(OPERATIONS.map(({ path }) => path))];

/** The answer to a wrong method on a path of the API. */
export function methodNotAllowed(path: string, method: string): never {
  const methods = OPERATIONS.filter((operation) => operation.path === path).map((one) => one.method.toUpperCase());
  const allow = methods.join(", ");
  throw new Problem("method_not_allowed", `${method.slice(0, 16)}: this route has only ${allow}`, {
    headers: { allow },
  });
}

/** The document (OpenAPI 3.1). */
export function openApi() {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    const path = operation.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Roomcast", version: VERSION, license: { name: "MIT", identifier: "MIT" } },
    // Relative to the URL of the document.
    servers: [{ url: "/" }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: toSchema(problemAnswer, "output") },
    },
  };
}

function describe({ id, summary, who, path, body, status, answer, problems }: Operation) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  return {
    operationId: id,
    summary: who === null ? summary : `${summary} (${who})`,
    security: who === null ? [] : [{ token: [] }],
    parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    ...(body && { requestBody: { content: { "application/json": { schema: toSchema(body, "input") } } } }),
    responses: {
      [status]: {
        description: "Done",
        ...(answer && { content: { "application/json": { schema: toSchema(answer, "output") } } }),
      },
      ...refusals([...problems, ...ANY]),
    },
  };
}

/** The refusals of a route, by status, with their codes. */
function refusals(codes: readonly ProblemCode[]) {
  const byStatus: Record<number, string[]> = {};
  for (const code of new Set(codes)) {
    const [status] = PROBLEMS[code];
    byStatus[status] = [...(byStatus[status] ?? []), code];
  }
  const schema = { $ref: "#/components/schemas/Problem" };
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, list]) => [
      status,
      { description: list.join(", "), content: { "application/problem+json": { schema } } },
    ]),
  );
}

function toSchema(schema: z.ZodMiniType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
