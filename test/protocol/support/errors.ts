// The violation in an error.
import { type ErrorCode, ProtocolError } from "../../../protocol/errors.ts";

/** The violation that `run` throws; undefined: it threw nothing. Any other error is a bug, and passes. */
export function violation(run: () => unknown): ProtocolError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

/** The code of the violation that `run` throws. */
export function codeOf(run: () => unknown): ErrorCode | undefined {
  return violation(run)?.code;
}
