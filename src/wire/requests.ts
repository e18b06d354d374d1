import { PainnlessError } from "../errors.ts";
import type { Evaluation, Potential } from "../system/potential.ts";
import { type Address, decodeEvaluate, encodeResult } from "./batch.ts";
import { type Job, Schedule, type Slice } from "./batching.ts";
import { type DecodedMessage, encodeMessage, errorMessage } from "./codec.ts";
import { computeTogether, type Outcome } from "./compute.ts";
import { assertAnswerable, assertRoom } from "./limits.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Limits, MessageOf } from "./messages.ts";
import type { Tally } from "./statistics.ts";

/** Who asks. */
export interface Client {
  readonly mailbox: Mailbox;
  readonly name: string;
  readonly epoch: number;
  /** what it waits for, by address */
  readonly owed: Map<string, Request>;
}

interface Request extends Job, Address {
  readonly client: Client;
  readonly evaluations: Evaluation[];
  /** of its message */
  readonly bytes: number;
  /** ms */
  readonly arrived: number;
}

/** Who has waited for so long wants to hear that he is not forgotten. */
const busyAfterMs = 100;

/** What the clients have asked for and were not answered yet. Each request leaves with one result or one error. */
export class Requests {
  readonly #potential: Potential;
  readonly #limits: Limits;
  readonly #tally: Tally;
  readonly #owed = new Set<Request>();
  readonly #schedule = new Schedule<Client, Request>();
  #bytes = 0;
  #computing = false;
  #emptied: (() => void) | null = null;

  constructor(potential: Potential, limits: Limits, tally: Tally) {
    this.#potential = potential;
    this.#limits = limits;
    this.#tally = tally;
  }

  get size(): number {
    return this.#owed.size;
  }

  /** Is a call of the engine running, which nothing can stop. */
  get isComputing(): boolean {
    return this.#computing;
  }

  /** @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, UNSUPPORTED, OVERLOADED: it is not taken */
  accept(client: Client, decoded: DecodedMessage<MessageOf<"evaluate">>, bytes: number): void {
    const { epoch, id, want } = decoded.message;
    const key = keyOf({ epoch, id });
    if (client.owed.has(key))
      throw new PainnlessError("BAD_MESSAGE", `request ${id} is being worked on already; expected a new id`, { field: "id" });
    assertRoom({ ofClient: client.owed.size, bytes: this.#bytes }, bytes, this.#limits);
    const structures = decodeEvaluate(decoded);
    assertAnswerable(structures, want, this.#potential, this.#limits);
    const request: Request = { client, epoch, id, want, structures, evaluations: [], bytes, arrived: performance.now() };
    client.owed.set(key, request);
    this.#owed.add(request);
    this.#bytes += bytes;
    this.#schedule.add(client, request);
  }

  /** Answers with CANCELLED what the client withdraws; what is computed of it is computed for nobody. */
  cancel(client: Client, address: Address): void {
    const request = client.owed.get(keyOf(address));
    if (request !== undefined) this.#refuse(request, new PainnlessError("CANCELLED", "the request was withdrawn"));
    // else it has been answered, and the two crossed
  }

  /** Drops what the client waits for, and tells nobody. */
  drop(client: Client): void {
    this.#tally.add("cancelled", client.owed.size);
    for (const request of [...client.owed.values()]) this.#settle(request);
    this.#schedule.pause(client, false);
  }

  /** Leaves the client out while it reads nothing. */
  pause(client: Client, paused: boolean): void {
    this.#schedule.pause(client, paused);
    if (!paused) this.computeNext();
  }

  /** Resolves when nothing is owed; after `graceMs` that is seen to, with CANCELLED. */
  async drain(graceMs: number): Promise<void> {
    if (this.#owed.size === 0) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, graceMs);
      this.#emptied = () => {
        clearTimeout(late);
        resolve();
      };
    });
    for (const request of [...this.#owed]) this.#refuse(request, new PainnlessError("CANCELLED", "the server was stopped"));
  }

  /** Tells each client that has waited for a while, once, that the oldest of its requests is worked on. */
  sayBusy(): void {
    const old = performance.now() - busyAfterMs;
    const told = new Set<Client>();
    let ahead = 0;
    for (const { client, epoch, id, arrived } of this.#owed) {
      if (arrived < old && !told.has(client) && !client.mailbox.isBlocked) {
        told.add(client);
        void client.mailbox.send(encodeMessage({ kind: "busy", epoch, id, ahead }));
      }
      ahead++;
    }
  }

  /** Puts the engine to work on what waits, unless it is. */
  computeNext(): void {
    if (this.#computing) return;
    const slices = this.#schedule.next();
    if (slices.length === 0) return;
    this.#computing = true;
    void this.#compute(slices);
  }

  async #compute(slices: readonly Slice<Request>[]): Promise<void> {
    const start = performance.now();
    const outcomes = await computeTogether(this.#potential, slices);
    this.#tally.compute.add(performance.now() - start);
    this.#tally.add("batches");
    this.#computing = false;
    slices.forEach((slice, s) => {
      this.#conclude(slice, outcomes[s] ?? []);
    });
    this.computeNext();
  }

  #conclude({ job: request, structures }: Slice<Request>, outcome: Outcome): void {
    this.#tally.add("structures", structures.length);
    this.#tally.add(
      "atoms",
      structures.reduce((sum, { numbers }) => sum + numbers.length, 0),
    );
    if (!this.#owed.has(request)) return; // withdrawn meanwhile
    if (outcome instanceof PainnlessError) {
      this.#refuse(request, outcome);
      return;
    }
    request.evaluations.push(...outcome);
    if (request.evaluations.length < request.structures.length) return;
    this.#tally.add("answered");
    this.#tally.latency.add(performance.now() - request.arrived);
    void request.client.mailbox.send(encodeResult({ epoch: request.epoch, id: request.id }, request.evaluations));
    this.#settle(request);
  }

  #refuse(request: Request, error: PainnlessError): void {
    this.#tally.add(error.code === "CANCELLED" ? "cancelled" : "refused");
    void request.client.mailbox.send(encodeMessage(errorMessage({ epoch: request.epoch, id: request.id }, error)));
    this.#settle(request);
  }

  #settle(request: Request): void {
    request.client.owed.delete(keyOf(request));
    this.#owed.delete(request);
    this.#bytes -= request.bytes;
    this.#schedule.remove(request.client, request);
    if (this.#owed.size === 0) this.#emptied?.();
  }
}

const keyOf = ({ epoch, id }: Address): string => `${epoch}/${id}`;
