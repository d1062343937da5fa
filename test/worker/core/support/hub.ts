// A hub with its surroundings: its own registry, and members whose room allows everything.
import { ByteBudget } from "../../../../worker/core/byte-budget.ts";
import { Hub } from "../../../../worker/core/hub.ts";
import { Members } from "../../../../worker/core/members.ts";
import { Registry } from "../../../../worker/core/registry.ts";
import { DEFAULT_TUNING, type Tuning } from "../../../../worker/core/tuning.ts";

/** The room has one object. */
export const noPost = () => {
  throw new Error("nothing is posted");
};

/** `changes` overrides the default numbers; epochs are e0, e1, ... */
export function newHub(changes: Partial<Tuning> = {}) {
  let epochs = 0;
  const tuning = { ...DEFAULT_TUNING, ...changes };
  const registry = new Registry(new ByteBudget(tuning));
  const members = new Members(registry, () => ({ presence: false, memberMessages: true }), noPost);
  return {
    hub: new Hub(
      () => "room",
      tuning,
      () => `e${epochs++}`,
      registry,
      members,
    ),
    registry,
    tuning,
  };
}
