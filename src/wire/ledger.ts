import { PainnlessError } from "../errors.ts";
import type { Address } from "./batch.ts";
import { encodeMessage, errorMessage } from "./codec.ts";
import { assertRoom } from "./limits.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Limits } from "./messages.ts";
import type { Question } from "./question.ts";
import type { Tally } from "./statistics.ts";

/** Who asks. */
export interface Client {
  readonly mailbox: Mailbox;
  readonly name: string;
  readonly epoch: number;
  /** what it waits for, by address */
  readonly owed: Map<string, Owed>;
  /** its last one of one structure, if it can be recognised when it comes again */
  question: Question | null;
}

/** A request that was taken and has no answer yet. */
export interface Owed extends Address {
  readonly client: Client;
  /** of its message */
  readonly bytes: number;
  /** ms */
  readonly arrived: number;
  /** Called once, when it is answered, refused or dropped: nobody waits for it any more. */
  readonly end: () => void;
}

/** Who has waited for so long, ms, wants to hear that he is not forgotten. */
const busyAfterMs = 100;

/** What is owed to the clients. Each request leaves with one answer or one error, or with its client. */
export class Ledger {
  readonly #limits: Limits;
  readonly #tally: Tally;
  /** oldest first */
  readonly #owed = new Set<Owed>();
  #bytes = 0;
  #emptied: (() => void) | null = null;

  constructor(limits: Limits, tally: Tally) {
    this.#limits = limits;
    this.#tally = tally;
  }

  get size(): number {
    return this.#owed.size;
  }

  has(owed: Owed): boolean {
    return this.#owed.has(owed);
  }

  /** @throws {PainnlessError} BAD_MESSAGE for an id in use, OVERLOADED */
  assertRoom(client: Client, address: Address, bytes: number): void {
    if (client.owed.has(keyOf(address)))
      throw new PainnlessError("BAD_MESSAGE", `request ${address.id} is being worked on already; expected a new id`, { field: "id" });
    assertRoom({ ofClient: client.owed.size, bytes: this.#bytes }, bytes, this.#limits);
  }

  open(client: Client, { epoch, id }: Address, bytes: number, end: () => void): Owed {
    const owed: Owed = { client, epoch, id, bytes, arrived: performance.now(), end };
    client.owed.set(keyOf(owed), owed);
    this.#owed.add(owed);
    this.#bytes += bytes;
    return owed;
  }

  answer(owed: Owed, frames: Uint8Array[]): void {
    this.#tally.add("answered");
    void owed.client.mailbox.send(frames);
    this.#settle(owed);
  }

  refuse(owed: Owed, error: PainnlessError): void {
    this.#tally.add(error.code === "CANCELLED" ? "cancelled" : "refused");
    void owed.client.mailbox.send(encodeMessage(errorMessage(owed, error)));
    this.#settle(owed);
  }

  /** Answers with CANCELLED what the client withdraws. */
  cancel(client: Client, address: Address): void {
    const owed = client.owed.get(keyOf(address));
    if (owed !== undefined) this.refuse(owed, new PainnlessError("CANCELLED", "the request was withdrawn"));
    // else it has been answered, and the two crossed
  }

  /** Drops what the client waits for, and tells nobody. */
  drop(client: Client): void {
    this.#tally.add("cancelled", client.owed.size);
    for (const owed of [...client.owed.values()]) this.#settle(owed);
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
    for (const owed of [...this.#owed]) this.refuse(owed, new PainnlessError("CANCELLED", "the server was stopped"));
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

  #settle(owed: Owed): void {
    owed.client.owed.delete(keyOf(owed));
    this.#owed.delete(owed);
    this.#bytes -= owed.bytes;
    owed.end();
    if (this.#owed.size === 0) this.#emptied?.();
  }
}

const keyOf = ({ epoch, id }: Address): string => `${epoch}/${id}`;
