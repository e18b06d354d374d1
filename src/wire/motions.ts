import { PainnlessError } from "../errors.ts";
import { type DecodedMessage, encodeMessage } from "./codec.ts";
import { failureOf } from "./compute.ts";
import type { Client, Owed } from "./ledger.ts";
import { assertAnswerable } from "./limits.ts";
import type { MessageOf } from "./messages.ts";
import { decodeDynamics, encodeFrame, type MotionRequest, type MotionSession, type OpenMotion } from "./motion.ts";
import type { Workshop } from "./workshop.ts";

/** s that one stretch should last: what others may have to wait for. */
const stretchSeconds = 0.05;
/** Of the frames that one stretch may bring. */
const stretchBytes = 32e6;

/** The dynamics requests. Each runs in stretches, which take turns with all else that the engine does; a client that reads its frames slowly
 *  holds its own run back. */
export class Motions {
  readonly #open: OpenMotion | null;
  readonly #shop: Workshop;

  constructor(shop: Workshop, open: OpenMotion | null) {
    this.#shop = shop;
    this.#open = open;
  }

  /** @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, UNSUPPORTED, OVERLOADED: it is not taken */
  accept(client: Client, decoded: DecodedMessage<MessageOf<"dynamics">>, bytes: number): void {
    const open = this.#open;
    if (open === null)
      throw new PainnlessError(
        "UNSUPPORTED",
        `${this.#shop.potential.name} moves no atoms here; ask it for forces, and move them yourself`,
      );
    this.#shop.ledger.assertRoom(client, decoded.message, bytes);
    const request = decodeDynamics(decoded);
    assertAnswerable([request.structure], ["energy", "forces"], this.#shop.potential, this.#shop.limits);
    const abort = new AbortController();
    const owed = this.#shop.ledger.open(client, decoded.message, bytes, () => abort.abort());
    void this.#run(open, request, owed, abort.signal);
  }

  async #run(open: OpenMotion, request: MotionRequest, owed: Owed, signal: AbortSignal): Promise<void> {
    let session: MotionSession | null = null;
    try {
      session = await this.#shop.turns.take(() => open(request));
      await this.#move(session, owed, signal);
    } catch (cause) {
      if (this.#shop.ledger.has(owed)) this.#shop.ledger.refuse(owed, failureOf(this.#shop.potential.name, cause));
    } finally {
      await session?.close();
    }
  }

  async #move(session: MotionSession, owed: Owed, signal: AbortSignal): Promise<void> {
    const { energyOffset, options } = session;
    let steps = 1;
    let seconds = 0;
    for (;;) {
      const stretch = await this.#shop.turns.take(() => session.advance(steps, signal));
      for (const frame of stretch.frames)
        if (this.#shop.ledger.has(owed)) await owed.client.mailbox.send(encodeFrame(owed, frame, energyOffset));
      if (!this.#shop.ledger.has(owed)) return; // withdrawn, or its client is gone
      seconds += stretch.seconds;
      if (stretch.stop !== null || session.step >= options.steps) {
        const { step } = session;
        const stop = stretch.stop && { ...stretch.stop };
        this.#shop.ledger.answer(owed, encodeMessage({ kind: "done", epoch: owed.epoch, id: owed.id, step, stop, seconds }));
        return;
      }
      const bytes = stretch.frames.reduce((sum, { positions }) => sum + 3 * positions.byteLength, 0) / steps;
      const lasting = stretch.seconds > 0 ? (steps * stretchSeconds) / stretch.seconds : Number.POSITIVE_INFINITY;
      steps = Math.max(1, Math.floor(Math.min(2 * steps, lasting, stretchBytes / bytes)));
    }
  }
}
