// The methods that the index needs of its database: D1 on Cloudflare, an object on your own machine.

/** A statement of SQLite. */
export interface IndexStatement {
  /** Returns the same statement with a value for each `?`. */
  bind(...values: unknown[]): IndexStatement;
  /** The first row; null: there is none. */
  first<T>(): Promise<T | null>;
  all<T>(): Promise<{ readonly results: T[] }>;
  run(): Promise<unknown>;
}

/** SQLite in another place. Every method rejects if the database cannot be reached, or refuses. */
export interface IndexDatabase {
  /** True if it creates its tables by itself. */
  readonly hasTables?: true;
  prepare(text: string): IndexStatement;
  /** All of them or none. */
  batch<T = unknown>(statements: IndexStatement[]): Promise<{ readonly results: T[] }[]>;
}
