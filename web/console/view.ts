// A view of the console. It is refreshed while it is shown and the tab is visible.

export interface View {
  /** Throws the server's refusal. */
  refresh(): Promise<void>;
  readonly everyMs: number;
}
