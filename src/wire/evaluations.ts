import { PainnlessError } from "../errors.ts";
import type { Evaluation } from "../system/potential.ts";
import { decodeEvaluate, encodeResult } from "./batch.ts";
import { type Job, Schedule, type Slice } from "./batching.ts";
import type { DecodedMessage } from "./codec.ts";
import { computeTogether, type Outcome } from "./compute.ts";
import type { Client, Owed } from "./ledger.ts";
import { assertAnswerable } from "./limits.ts";
import type { MessageOf } from "./messages.ts";
import type { Workshop } from "./workshop.ts";

interface Request extends Job {
  readonly owed: Owed;
  readonly evaluations: Evaluation[];
}

/** The evaluate requests: what waits is computed together, in turns. */
export class Evaluations {
  readonly #shop: Workshop;
  readonly #schedule = new Schedule<Client, Request>();
  #computing = false;

  constructor(shop: Workshop) {
    this.#shop = shop;
  }

  /** @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, UNSUPPORTED, OVERLOADED: it is not taken */
  accept(client: Client, decoded: DecodedMessage<MessageOf<"evaluate">>, bytes: number): void {
    const { message } = decoded;
    this.#shop.ledger.assertRoom(client, message, bytes);
    const structures = decodeEvaluate(decoded);
    assertAnswerable(structures, message.want, this.#shop.potential, this.#shop.limits);
    const owed = this.#shop.ledger.open(client, message, bytes, () => this.#schedule.remove(client, request));
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
    void this.#shop.turns.take(() => this.#compute(this.#schedule.next()));
  }

  async #compute(slices: readonly Slice<Request>[]): Promise<void> {
    const start = performance.now();
    const outcomes = await computeTogether(this.#shop.potential, slices);
    this.#computing = false;
    if (slices.length > 0) {
      this.#shop.tally.compute.add(performance.now() - start);
      this.#shop.tally.add("batches");
    }
    slices.forEach((slice, s) => {
      this.#conclude(slice, outcomes[s] ?? []);
    });
    this.computeNext();
  }

  #conclude({ job, structures }: Slice<Request>, outcome: Outcome): void {
    const { owed, evaluations } = job;
    this.#shop.tally.add("structures", structures.length);
    this.#shop.tally.add(
      "atoms",
      structures.reduce((sum, { numbers }) => sum + numbers.length, 0),
    );
    if (!this.#shop.ledger.has(owed)) return; // withdrawn meanwhile
    if (outcome instanceof PainnlessError) {
      this.#shop.ledger.refuse(owed, outcome);
      return;
    }
    evaluations.push(...outcome);
    if (evaluations.length < job.structures.length) return;
    this.#shop.tally.latency.add(performance.now() - owed.arrived);
    this.#shop.ledger.answer(owed, encodeResult(owed, evaluations));
  }
}
