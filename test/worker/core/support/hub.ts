// A hub with what it needs around it: a registry of its own, and members in whose room everything is allowed.
import { ByteBudget } from "../../../../worker/core/byte-budget.ts";
import { Hub } from "../../../../worker/core/hub.ts";
import { Members } from "../../../../worker/core/members.ts";
import { Registry } from "../../../../worker/core/registry.ts";
import { DEFAULT_TUNING, type Tuning } from "../../../../worker/core/tuning.ts";

/** Numbers differ from the defaults where `changes` says so; epochs are e0, e1, ... */
export function newHub(changes: Partial<Tuning> = {}) {
  let epochs = 0;
  const tuning = { ...DEFAULT_TUNING, ...changes };
  const registry = new Registry(new ByteBudget(tuning));
  const members = new Members(registry, () => ({ presence: false, memberMessages: true }));
  return { hub: new Hub("room", tuning, () => `e${epochs++}`, registry, members), registry, tuning };
}
