import type { Intake, Potential } from "../system/potential.ts";
import type { Ledger } from "./ledger.ts";
import type { Limits } from "./messages.ts";
import type { Tally } from "./statistics.ts";
import type { Turns } from "./turns.ts";

/** The one engine of a server, and what all requests at it have in common. */
export interface Workshop {
  readonly potential: Potential;
  readonly intake: Intake;
  readonly limits: Limits;
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly turns: Turns;
}
