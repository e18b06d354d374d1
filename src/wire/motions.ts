import { PainnlessError } from "../errors.ts";
import { type DecodedMessage, encodeMessage } from "./codec.ts";
import { failureOf } from "./compute.ts";
import type { Client, Ledger, Owed } from "./ledger.ts";
import { type Answering, assertAnswerable } from "./limits.ts";
import type { Limits, MessageOf } from "./messages.ts";
import { decodeDynamics, encodeFrame, type MotionRequest, type MotionSession, type OpenMotion } from "./motion.ts";
import type { Turns } from "./turns.ts";

/** s that one stretch should last: what others may have to wait for. */
const stretchSeconds = 0.05;
/** Of the frames that one stretch may bring. */
const stretchBytes = 32e6;

/** The dynamics requests. Each runs in stretches, which take turns with all else that the engine does; a client that reads its frames slowly
 *  holds its own run back. */
export class Motions {
  readonly #open: OpenMotion | null;
  readonly #side: Answering;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #turns: Turns;

  constructor(open: OpenMotion | null, side: Answering, limits: Limits, ledger: Ledger, turns: Turns) {
    this.#open = open;
    this.#side = side;
    this.#limits = limits;
    this.#ledger = ledger;
    this.#turns = turns;
  }

  /** @throws {PainnlessError} BAD_MESSAGE, BAD_STRUCTURE, UNSUPPORTED, OVERLOADED: it is not taken */
  accept(client: Client, decoded: DecodedMessage<MessageOf<"dynamics">>, bytes: number): void {
    const open = this.#open;
    if (open === null)
      throw new PainnlessError("UNSUPPORTED", `${this.#side.name} moves no atoms here; ask it for forces, and move them yourself`);
    this.#ledger.assertRoom(client, decoded.message, bytes);
    const request = decodeDynamics(decoded);
    assertAnswerable([request.structure], ["energy", "forces"], this.#side, this.#limits);
    const abort = new AbortController();
    const owed = this.#ledger.open(client, decoded.message, bytes, () => abort.abort());
    void this.#run(open, request, owed, abort.signal);
  }

  async #run(open: OpenMotion, request: MotionRequest, owed: Owed, signal: AbortSignal): Promise<void> {
    let session: MotionSession | null = null;
    try {
      session = await this.#turns.take(() => open(request));
      await this.#move(session, owed, signal);
    } catch (cause) {
      if (this.#ledger.has(owed)) this.#ledger.refuse(owed, failureOf(this.#side.name, cause));
    } finally {
      await session?.close();
    }
  }

  async #move(session: MotionSession, owed: Owed, signal: AbortSignal): Promise<void> {
    const { energyOffset, options } = session;
    let steps = 1;
    let seconds = 0;
    for (;;) {
      const stretch = await this.#turns.take(() => session.advance(steps, signal));
      for (const frame of stretch.frames)
        if (this.#ledger.has(owed)) await owed.client.mailbox.send(encodeFrame(owed, frame, energyOffset));
      if (!this.#ledger.has(owed)) return; // withdrawn, or its client is gone
      seconds += stretch.seconds;
      if (stretch.stop !== null || session.step >= options.steps) {
        const { step } = session;
        const stop = stretch.stop && { ...stretch.stop };
        this.#ledger.answer(owed, encodeMessage({ kind: "done", epoch: owed.epoch, id: owed.id, step, stop, seconds }));
        return;
      }
      const bytes = stretch.frames.reduce((sum, { positions }) => sum + 3 * positions.byteLength, 0) / steps;
      const lasting = stretch.seconds > 0 ? (steps * stretchSeconds) / stretch.seconds : Number.POSITIVE_INFINITY;
      steps = Math.max(1, Math.floor(Math.min(2 * steps, lasting, stretchBytes / bytes)));
    }
  }
}
