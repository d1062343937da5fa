// Calls between the objects of a room: in order for each pair, on their way until the model delivers them; each may
// fail.
import type { TreeNode } from "./tree-node.ts";

interface Call {
  readonly from: TreeNode;
  /** The core that waits for the answer. If it is gone, nobody waits. */
  readonly fromCore: unknown;
  readonly to: TreeNode;
  readonly run: () => unknown;
  readonly done: (answer: never) => void;
  readonly failed: () => void;
  answer: { readonly value: unknown } | undefined;
}

/** `lost`: the call does not arrive; `unanswered`: the answer does not come back; otherwise, the next step happens. */
export type CallFate = "goes-on" | "lost" | "unanswered";

/** All calls that are on their way. */
export class TreeCalls {
  readonly #calls: Call[] = [];

  add<T>(from: TreeNode, to: TreeNode, run: () => T, done: (answer: T) => void, failed: () => void): void {
    this.#calls.push({ from, fromCore: from.inMemory, to, run, done, failed, answer: undefined });
  }

  get count(): number {
    return this.#calls.length;
  }

  has(from: TreeNode): boolean {
    return this.#calls.some((one) => one.from === from && one.fromCore === from.inMemory);
  }

  /** The oldest call of some pair takes its next step. Returns false if there is none. */
  step(index: number, fate: CallFate): boolean {
    const heads = this.#calls.filter((one, at) => !this.#calls.slice(0, at).some((other) => isSamePair(one, other)));
    const call = heads[index % heads.length];
    if (call === undefined) return false;
    if (fate !== "lost" && call.answer === undefined) {
      call.answer = { value: call.run() };
      if (fate === "goes-on") return true;
    }
    this.#calls.splice(this.#calls.indexOf(call), 1);
    const { from, fromCore, answer } = call;
    if (from.inMemory !== fromCore) return true;
    from.act(() => {
      if (fate === "goes-on" && answer !== undefined) call.done(answer.value as never);
      else call.failed();
    });
    return true;
  }
}

function isSamePair(one: Call, other: Call): boolean {
  return one.from === other.from && one.to === other.to;
}
