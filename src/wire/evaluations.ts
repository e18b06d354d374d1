import { PainnlessError } from "../errors.ts";
import type { Evaluation, Property } from "../system/potential.ts";
import { assertPositions, type Structure, settle } from "../system/structure.ts";
import { type Address, decodeEvaluate, encodeResult } from "./batch.ts";
import { type Job, Schedule, type Slice } from "./batching.ts";
import type { DecodedMessage } from "./codec.ts";
import { computeTogether, type Outcome } from "./compute.ts";
import type { Client, Owed } from "./ledger.ts";
import { assertAnswerable } from "./limits.ts";
import type { MessageOf } from "./messages.ts";
import type { Repeat } from "./question.ts";
import type { Workshop } from "./workshop.ts";

interface Request extends Job {
  readonly owed: Owed;
  /** by structure: calls that are under way at a time may end in any order */
  readonly evaluations: Evaluation[];
  left: number;
}

/** The evaluate requests: what waits is computed together, in turns. */
export class Evaluations {
  readonly #shop: Workshop;
  readonly #schedule: Schedule<Client, Request>;
  #calls = 0;

  constructor(shop: Workshop) {
    this.#shop = shop;
    this.#schedule = new Schedule(shop.intake.atoms);
  }

  /** Returns what is asked about.
   *  @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, UNSUPPORTED, OVERLOADED: it is not taken */
  accept(client: Client, decoded: DecodedMessage<MessageOf<"evaluate">>, bytes: number): readonly Structure[] {
    const { message } = decoded;
    this.#shop.ledger.assertRoom(client, message, bytes);
    const structures = decodeEvaluate(decoded);
    assertAnswerable(structures, message.want, this.#shop.potential, this.#shop.limits);
    this.#take(client, message, bytes, message.want, structures);
    return structures;
  }

  /** As accept, of what the client has asked before.
   *  @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, OVERLOADED */
  acceptRepeat(client: Client, { epoch, id, want, structure }: Repeat, bytes: number): void {
    this.#shop.ledger.assertRoom(client, { epoch, id }, bytes);
    assertPositions(structure);
    this.#take(client, { epoch, id }, bytes, want, [structure]);
  }

  #take(client: Client, address: Address, bytes: number, want: readonly Property[], structures: readonly Structure[]): void {
    for (const structure of structures) settle(structure, this.#shop.potential.domain);
    const owed = this.#shop.ledger.open(client, address, bytes, () => this.#schedule.remove(client, request));
    const request: Request = { owed, want, structures, evaluations: new Array(structures.length), left: structures.length };
    this.#schedule.add(client, request);
  }

  /** Leaves out a client that reads nothing, or takes it in again. */
  pause(client: Client, paused: boolean): void {
    this.#schedule.pause(client, paused);
    if (!paused) this.computeNext();
  }

  /** Puts the engine to work on what waits, as far as it takes more. */
  computeNext(): void {
    while (this.#calls < this.#shop.intake.calls && this.#schedule.isWaiting) void this.#compute();
  }

  async #compute(): Promise<void> {
    const { potential, turns } = this.#shop;
    this.#calls++;
    const { slices, outcomes, ms } = await turns.take(async () => {
      const slices = this.#schedule.next();
      const start = performance.now();
      return { slices, outcomes: await computeTogether(potential, slices), ms: performance.now() - start };
    });
    this.#calls--;
    this.computeNext(); // before the answers are made, which the engine need not wait for
    slices.forEach((slice, s) => {
      this.#conclude(slice, outcomes[s] ?? []);
    });
    if (slices.length > 0) this.#count(slices, ms); // while the answers are on their way
  }

  #count(slices: readonly Slice<Request>[], ms: number): void {
    const { tally } = this.#shop;
    tally.compute.add(ms);
    tally.add("batches");
    for (const { structures } of slices) {
      tally.add("structures", structures.length);
      for (const { numbers } of structures) tally.add("atoms", numbers.length);
    }
  }

  #conclude({ job, first }: Slice<Request>, outcome: Outcome): void {
    const { owed, evaluations } = job;
    if (!this.#shop.ledger.has(owed)) return; // withdrawn meanwhile
    if (outcome instanceof PainnlessError) {
      this.#shop.ledger.refuse(owed, outcome);
      return;
    }
    for (const [k, evaluation] of outcome.entries()) evaluations[first + k] = evaluation;
    job.left -= outcome.length;
    if (job.left > 0) return;
    this.#shop.tally.latency.add(performance.now() - owed.arrived);
    this.#shop.ledger.answer(owed, encodeResult(owed, evaluations));
  }
}
