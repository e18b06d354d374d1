/** Every error a caller can meet, by code. The command line turns the code into an exit status.
 *
 *  | code            | meaning                                                         | exit |
 *  |-----------------|-----------------------------------------------------------------|------|
 *  | USAGE           | an argument, option or side that does not exist                 | 2    |
 *  | BAD_STRUCTURE   | atoms, positions or cell that cannot be computed                | 2    |
 *  | BAD_MODEL       | a model file that is damaged, unknown or inconsistent           | 2    |
 *  | BAD_CHECKPOINT  | a run's saved state that is damaged, or not of this run         | 2    |
 *  | BAD_MESSAGE     | a message that does not follow the protocol                     | 2    |
 *  | UNSUPPORTED     | understood, but this side cannot do it                          | 2    |
 *  | NOT_FOUND       | a file or name that is not there                                | 2    |
 *  | MISSING         | something the machine lacks: compiler, Python, package, device  | 3    |
 *  | NOT_FINITE      | a computation gave NaN or infinity                              | 1    |
 *  | UNSTABLE        | a trajectory that cannot be integrated on                       | 1    |
 *  | WRITE_FAILED    | a file that cannot be written on: no space left, a limit        | 1    |
 *  | WORKER_DIED     | a worker process ended while it owed an answer                  | 1    |
 *  | WORKER_FAILED   | a worker process answered with an error of its own              | 1    |
 *  | TIMEOUT         | no answer within the deadline                                   | 1    |
 *  | OVERLOADED      | a server has as many clients or waiting requests as it takes    | 1    |
 *  | CANCELLED       | the caller withdrew the request                                 | 130  |
 *  | INTERNAL        | a broken promise of our own                                     | 1    |
 */
export const errorCodes = [
  "USAGE",
  "BAD_STRUCTURE",
  "BAD_MODEL",
  "BAD_CHECKPOINT",
  "BAD_MESSAGE",
  "UNSUPPORTED",
  "NOT_FOUND",
  "MISSING",
  "NOT_FINITE",
  "UNSTABLE",
  "WRITE_FAILED",
  "WORKER_DIED",
  "WORKER_FAILED",
  "TIMEOUT",
  "OVERLOADED",
  "CANCELLED",
  "INTERNAL",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** The one error class. The message says: thing, found, expected, remedy. */
export class PainnlessError extends Error {
  readonly code: ErrorCode;
  /** The field of the input at fault, e.g. "positions", where there is one. */
  readonly field: string | null;

  constructor(code: ErrorCode, message: string, options: { field?: string | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PainnlessError";
    this.code = code;
    this.field = options.field ?? null;
  }
}
