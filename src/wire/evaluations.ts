import { PainnlessError } from "../errors.ts";
import type { Evaluation, Potential } from "../system/potential.ts";
import { decodeEvaluate, encodeResult } from "./batch.ts";
import { type Job, Schedule, type Slice } from "./batching.ts";
import type { DecodedMessage } from "./codec.ts";
import { computeTogether, type Outcome } from "./compute.ts";
import type { Client, Ledger, Owed } from "./ledger.ts";
import { assertAnswerable } from "./limits.ts";
import type { Limits, MessageOf } from "./messages.ts";
import type { Tally } from "./statistics.ts";
import type { Turns } from "./turns.ts";

interface Request extends Job {
  readonly owed: Owed;
  readonly evaluations: Evaluation[];
}

/** The evaluate requests: what waits is computed together, in turns. */
export class Evaluations {
  readonly #potential: Potential;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #tally: Tally;
  readonly #turns: Turns;
  readonly #schedule = new Schedule<Client, Request>();
  #computing = false;

  constructor(potential: Potential, limits: Limits, ledger: Ledger, tally: Tally, turns: Turns) {
    this.#potential = potential;
    this.#limits = limits;
    this.#ledger = ledger;
    this.#tally = tally;
    this.#turns = turns;
  }

  /** @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, UNSUPPORTED, OVERLOADED: it is not taken */
  accept(client: Client, decoded: DecodedMessage<MessageOf<"evaluate">>, bytes: number): void {
    const { message } = decoded;
    this.#ledger.assertRoom(client, message, bytes);
    const structures = decodeEvaluate(decoded);
    assertAnswerable(structures, message.want, this.#potential, this.#limits);
    const owed = this.#ledger.open(client, message, bytes, () => this.#schedule.remove(client, request));
    const request: Request = { owed, want: message.want, structures, evaluations: [] };
    this.#schedule.add(client, request);
  }

  /** Leaves out a client that reads nothing, or takes it in again. */
  pause(client: Client, paused: boolean): void {
    this.#schedule.pause(client, paused);
    if (!paused) this.computeNext();
  }

  /** Puts the engine to work on what waits, unless it is. */
  computeNext(): void {
    if (this.#computing || !this.#schedule.isWaiting) return;
    this.#computing = true;
    void this.#turns.take(() => this.#compute(this.#schedule.next()));
  }

  async #compute(slices: readonly Slice<Request>[]): Promise<void> {
    const start = performance.now();
    const outcomes = await computeTogether(this.#potential, slices);
    this.#computing = false;
    if (slices.length > 0) {
      this.#tally.compute.add(performance.now() - start);
      this.#tally.add("batches");
    }
    slices.forEach((slice, s) => {
      this.#conclude(slice, outcomes[s] ?? []);
    });
    this.computeNext();
  }

  #conclude({ job, structures }: Slice<Request>, outcome: Outcome): void {
    const { owed, evaluations } = job;
    this.#tally.add("structures", structures.length);
    this.#tally.add(
      "atoms",
      structures.reduce((sum, { numbers }) => sum + numbers.length, 0),
    );
    if (!this.#ledger.has(owed)) return; // withdrawn meanwhile
    if (outcome instanceof PainnlessError) {
      this.#ledger.refuse(owed, outcome);
      return;
    }
    evaluations.push(...outcome);
    if (evaluations.length === job.structures.length) this.#ledger.answer(owed, encodeResult(owed, evaluations));
  }
}
