// Why an upgrade failed: which refusals are final, and how to ask if the platform does not say (browsers).

import type { Environment, Refusal } from "./environment.ts";
import { problemCode } from "./refused-error.ts";
import { retryAfterMs } from "./retry-after.ts";
import { roomUrl } from "./room-urls.ts";

/** Statuses of an upgrade that another attempt does not change. */
export const FINAL_STATUSES: readonly number[] = [400, 401, 403, 404, 409, 410];
/** Final statuses of a room's description. Others say nothing about the upgrade. */
export const FINAL_ANSWERS: readonly number[] = [401, 403, 404, 410];

/** Requests the room's description, which is refused for the same reasons as an upgrade. Rejects as `fetch` does. */
export async function askWhy(
  environment: Environment,
  url: string,
  room: string,
  token: string,
): Promise<Refusal | undefined> {
  const answer = await environment.fetch?.(roomUrl(url, room), { headers: { authorization: `Bearer ${token}` } });
  if (answer === undefined) return undefined;
  const { status } = answer;
  const code = problemCode(FINAL_ANSWERS.includes(status) ? await answer.json() : undefined, status);
  return { status, code, retryAfterMs: retryAfterMs(answer.headers?.get("retry-after"), environment.now()) };
}
