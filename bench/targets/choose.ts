// The targets by name.
import { startLoop, startPartyServer, startRelay } from "./peers.ts";
import { startRoomcast } from "./roomcast.ts";
import type { Target } from "./target.ts";

const STARTERS = {
  "roomcast-framed": () => startRoomcast("framed"),
  "roomcast-plain": () => startRoomcast("plain"),
  loop: startLoop,
  partyserver: startPartyServer,
  relay: startRelay,
} satisfies Record<string, () => Promise<Target>>;

export type TargetName = keyof typeof STARTERS;
export const TARGETS = Object.keys(STARTERS) as TargetName[];

/** Several targets that end together. */
export interface Targets extends AsyncDisposable {
  readonly all: readonly Target[];
}

/** Starts the named targets and, if there is a bundle `against`, the Roomcast targets among them once more with it. */
export async function startTargets(names: readonly TargetName[], against?: string): Promise<Targets> {
  const starters = names.map((name): (() => Promise<Target>) => STARTERS[name]);
  if (against !== undefined) {
    if (names.includes("roomcast-framed")) starters.push(() => startRoomcast("framed", against));
    if (names.includes("roomcast-plain")) starters.push(() => startRoomcast("plain", against));
  }
  const all: Target[] = [];
  const dispose = async () => {
    for (const target of all) await target[Symbol.asyncDispose]();
  };
  try {
    for (const start of starters) all.push(await start());
    return { all, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
