// A command that cannot go on: one line on stderr and an exit code, no stack.

/** Thrown by a command's action. `message` is for the user. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** 1: it did not work; 2: it was called wrongly. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
