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
    const request: Request = { owed, want, structures, evaluations: [] };
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
    const ms = performance.now() - start;
    this.#computing = false;
    slices.forEach((slice, s) => {
      this.#conclude(slice, outcomes[s] ?? []);
    });
    if (slices.length > 0) this.#count(slices, ms); // while the answers are on their way
    this.computeNext();
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

  #conclude({ job }: Slice<Request>, outcome: Outcome): void {
    const { owed, evaluations } = job;
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
