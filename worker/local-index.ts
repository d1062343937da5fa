// The database of the index without D1: the SQLite of one object.
import { DurableObject } from "cloudflare:workers";
import type { IndexDatabase, IndexStatement } from "./operators/index-database.ts";
import { TABLES } from "./operators/schema.ts";

type Row = Record<string, SqlStorageValue>;

/** A statement on its way to the object. */
interface Order {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The object that has the tables. */
export class LocalIndex extends DurableObject<object> {
  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env);
    for (const text of TABLES) ctx.storage.sql.exec(text);
  }

  /** Returns the rows of each statement. If one statement fails, it throws, and none takes effect. */
  run(orders: readonly Order[]): Row[][] {
    const { sql } = this.ctx.storage;
    return this.ctx.storage.transactionSync(() =>
      orders.map(({ text, values }) => sql.exec(text, ...values).toArray()),
    );
  }
}

/** Reaches the object by calls. A stub belongs to the request that made it, so each call makes its own. */
export class LocalDatabase implements IndexDatabase {
  readonly hasTables = true;
  readonly #objects: DurableObjectNamespace<LocalIndex>;

  constructor(objects: DurableObjectNamespace<LocalIndex>) {
    this.#objects = objects;
  }

  prepare(text: string): LocalStatement {
    return new LocalStatement(this, { text, values: [] });
  }

  async batch<T>(statements: LocalStatement[]): Promise<{ results: T[] }[]> {
    const rows = await this.#objects.getByName("index").run(statements.map(({ order }) => order));
    return rows.map((results) => ({ results: results as T[] }));
  }
}

class LocalStatement implements IndexStatement {
  readonly order: Order;
  readonly #database: LocalDatabase;

  constructor(database: LocalDatabase, order: Order) {
    this.#database = database;
    this.order = order;
  }

  bind(...values: unknown[]): LocalStatement {
    return new LocalStatement(this.#database, { ...this.order, values });
  }

  async first<T>(): Promise<T | null> {
    const { results } = await this.all<T>();
    return results[0] ?? null;
  }

  async all<T>(): Promise<{ results: T[] }> {
    const [answer = { results: [] }] = await this.#database.batch<T>([this]);
    return answer;
  }

  run(): Promise<unknown> {
    return this.all();
  }
}
