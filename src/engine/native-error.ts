import { type ErrorCode, errorCodes, PainnlessError } from "../errors.ts";

/** An error of the addon as one of ours; `where` goes before its message.
 *  C++ throws plain Errors that carry `code` and `field`; one without a code is a fault of the door itself. */
export function fromNative(cause: unknown, where = ""): PainnlessError {
  if (!(cause instanceof Error)) return new PainnlessError("INTERNAL", `${where}the native addon threw ${String(cause)}`, { cause });
  const { code, field } = cause as Error & { code?: unknown; field?: unknown };
  const known = errorCodes.find((c) => c === code) ?? ("INTERNAL" satisfies ErrorCode);
  return new PainnlessError(known, where + cause.message, { field: typeof field === "string" ? field : null, cause });
}
