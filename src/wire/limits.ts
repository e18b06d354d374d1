import { PainnlessError } from "../errors.ts";
import type { Potential, Property } from "../system/potential.ts";
import { assertComputable, type Structure } from "../system/structure.ts";
import type { Limits } from "./messages.ts";

/** What a server takes where nothing else was said; the atoms of a structure are the potential's own limit. */
export const defaultLimits: Omit<Limits, "atoms"> = {
  structures: 65_536,
  bytes: 256 * 2 ** 20,
  queue: 4_096,
  clients: 256,
};

/** Bytes of requests that may wait in all, however few they are: as many as this many of the largest. */
const largestRequests = 4;

/** What the server holds already when a request comes. */
export interface Load {
  /** requests of this client that wait */
  readonly ofClient: number;
  /** bytes of all requests that wait */
  readonly bytes: number;
}

/** @throws {PainnlessError} BAD_MESSAGE */
export function assertSize(bytes: number, limits: Limits): void {
  if (bytes > limits.bytes) throw new PainnlessError("BAD_MESSAGE", `a message of ${bytes} bytes, expected at most ${limits.bytes}`);
}

/** @throws {PainnlessError} OVERLOADED */
export function assertRoom(load: Load, bytes: number, limits: Limits): void {
  if (load.ofClient >= limits.queue)
    throw new PainnlessError(
      "OVERLOADED",
      `${load.ofClient} requests of this client wait already, the limit is ${limits.queue}; wait for answers`,
    );
  const most = largestRequests * limits.bytes;
  if (load.bytes + bytes > most)
    throw new PainnlessError(
      "OVERLOADED",
      `requests of ${load.bytes} bytes wait already, the limit is ${most} with this one; try again later`,
    );
}

/** @throws {PainnlessError} OVERLOADED */
export function assertSeat(clients: number, limits: Limits): void {
  if (clients >= limits.clients)
    throw new PainnlessError("OVERLOADED", `${clients} clients are connected already, which is the limit; try again later`);
}

/** What a potential says of itself. */
export type Answering = Pick<Potential, "name" | "provides" | "domain">;

/** @throws {PainnlessError} UNSUPPORTED for a property that is not provided, BAD_STRUCTURE for what cannot be computed */
export function assertAnswerable(structures: readonly Structure[], want: readonly Property[], potential: Answering, limits: Limits): void {
  const missing = want.find((property) => !potential.provides.has(property));
  if (missing !== undefined)
    throw new PainnlessError(
      "UNSUPPORTED",
      `${potential.name} does not provide ${missing}; it provides ${[...potential.provides].join(", ")}`,
      { field: "want" },
    );
  if (structures.length > limits.structures)
    throw new PainnlessError("BAD_STRUCTURE", `a batch of ${structures.length} structures, the limit is ${limits.structures}`, {
      field: "names",
    });
  for (const structure of structures) assertComputable(structure, potential.domain);
}
