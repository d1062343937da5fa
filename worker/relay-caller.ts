// Calls from a room's own object to its relays, and their answers.
import type { Address, Sender } from "../protocol/messages.ts";
import type { Assignment } from "./core/assignment.ts";
import { type Content, type Delivery, sumOf } from "./core/members.ts";
import type { Relays } from "./core/relays.ts";
import { inTime } from "./in-time.ts";
import { Instances, type InstancesEnv, startAt } from "./instances.ts";
import { type RelayCalls, relayOf } from "./objects.ts";

/** If a relay has not answered within this time, it counts as having done nothing. */
const ANSWER_MS = 1000;

/** Delays before a failed dismissal is repeated. */
const DISMISS_AGAIN_MS = [100, 300, 1000, 3000, 9000];

const sleepFor = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

/** The calls of one room. `act` runs the core, and sets its timers. */
export class RelayCaller {
  /** The instances through which a room's newcomers arrive. */
  readonly instances = new Instances();
  readonly #env: InstancesEnv;
  readonly #relays: () => Relays;
  readonly #act: (act: (now: number) => void) => void;
  readonly #sleep: (ms: number) => Promise<unknown>;
  /** Unanswered assignments. Each resolves with the number of connections that it ended. */
  readonly #pending = new Set<Promise<number>>();
  /** Relays that got an assignment since the room is in memory. */
  readonly #started = new Map<string, Promise<void>>();

  constructor(env: InstancesEnv, relays: () => Relays, act: (act: (now: number) => void) => void, sleep = sleepFor) {
    this.#env = env;
    this.#sleep = sleep;
    this.#relays = relays;
    this.#act = act;
  }

  of(relay: string): RelayCalls {
    return relayOf(this.#env, relay);
  }

  assign(relay: string, assignment: Assignment): void {
    const relays = this.#relays;
    const told = this.#start(relay)
      .then(() => this.of(relay).assign(assignment))
      .then(
        (ended) => {
          this.#act((now) => relays().assigned(now, relay, assignment.version));
          return ended;
        },
        () => {
          this.#act((now) => relays().notAssigned(now, relay));
          return 0;
        },
      );
    this.#pending.add(told);
    void told.finally(() => this.#pending.delete(told));
  }

  /** In a cluster: starts the relay on the right instance, unless it was started before. */
  #start(relay: string): Promise<void> {
    const started = this.#started.get(relay) ?? startAt(this.#env, this.instances.next(Date.now()), relay);
    this.#started.set(relay, started);
    return started;
  }

  /** The number of connections that the pending assignments end. */
  async ended(): Promise<number> {
    const answers = await Promise.all([...this.#pending].map((told) => answerOr(told, 0)));
    return answers.reduce((sum, count) => sum + count, 0);
  }

  /** A relay that is awake learns it when it asks for a link. A sleeping relay has no other way to learn it. */
  dismiss(relay: string, isOver: boolean): void {
    this.#started.delete(relay);
    void this.#dismiss(relay, isOver);
  }

  async #dismiss(relay: string, isOver: boolean): Promise<void> {
    for (const waitMs of [...DISMISS_AGAIN_MS, 0]) {
      try {
        return await this.of(relay).dismiss(isOver);
      } catch {
        await this.#sleep(waitMs);
      }
    }
  }

  /** Nothing depends on the result: growth looks again. */
  move(relay: string, count: number): void {
    this.of(relay)
      .move(count)
      .catch(() => {});
  }

  /** Delivers at each relay, and adds the results to `own`. */
  async deliver(
    relays: readonly string[],
    own: Delivery,
    from: Sender,
    to: Address,
    content: Content,
  ): Promise<Delivery> {
    const text = JSON.stringify(content);
    const unknown: Delivery = { error: "unknown_address" };
    const answers = relays.map((relay) => answerOr(this.of(relay).deliver(from, to, text), unknown));
    return sumOf([own, ...(await Promise.all(answers))]);
  }
}

/** The answer, or `otherwise` if none arrives in time. */
function answerOr<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  return inTime(answer, ANSWER_MS).catch(() => otherwise);
}
