// A failure of a command: one line on stderr and an exit code, without a stack trace.

/** Thrown by a command's action. `message` is for the user. */
export class Failure extends Error {
  override readonly name = "Failure";
  /** 1: the command failed; 2: wrong usage. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
