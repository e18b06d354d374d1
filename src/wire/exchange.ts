import { randomInt } from "node:crypto";
import { Context, Dealer } from "zeromq";
import { PainnlessError } from "../errors.ts";
import { onAbort } from "../system/on-abort.ts";
import type { Address } from "./batch.ts";
import { addressOf, type DecodedMessage, decodeMessage, encodeMessage } from "./codec.ts";
import type { ClientCurve } from "./curve.ts";
import type { Destination } from "./destination.ts";

export interface RequestOptions {
  /** withdraws the request */
  readonly signal?: AbortSignal | undefined;
  /** ms from now to the answer, however busy the server says it is; without it, as long as it says so */
  readonly deadlineMs?: number | undefined;
}

interface Pending {
  readonly what: string;
  readonly deadline: number;
  readonly settle: (answer: DecodedMessage | PainnlessError) => void;
}

// Our own context: `blocky` off and linger bounded, so that the process can end, and the user's zeromq is left as it is.
const context = new Context({ blocky: false });
const tickMs = 100;
const byeLingerMs = 50;
/** Who knows the server's process can say why the connection ended, a moment later. */
const reasonMs = 500;

/** One DEALER socket: requests out, answers matched by id, signs of life watched. One writer queue, one reader.
 *  Nothing is shared between two exchanges: the epoch tells the answers of one from those of another. */
export class Exchange {
  readonly endpoint: string;
  readonly epoch = randomInt(2 ** 32);
  readonly #socket: Dealer;
  readonly #silenceMs: number;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #writing: Promise<void> = Promise.resolve();
  #ended: PainnlessError | null = null;
  #ticker: NodeJS.Timeout | null = null;
  #lastTick = 0;
  #lastHeard = 0;
  /** has the server ever been heard: before it is there it cannot be silent, and only a deadline ends the wait */
  #met = false;
  #lastPing = 0;

  /** @param silenceMs without any sign of life, after which an owed answer is given up
   *  @param ended resolves, with the reason, when the server's process is known to be gone */
  constructor({ endpoint, curve }: Destination, silenceMs: number, ended: Promise<PainnlessError> | null = null) {
    this.endpoint = endpoint;
    this.#silenceMs = silenceMs;
    const keys = curve && {
      ...{ curvePublicKey: curve.pair.publicKey, curveSecretKey: curve.pair.secretKey },
      curveServerKey: curve.serverKey,
    };
    this.#socket = new Dealer({ context, linger: 0, reconnectInterval: 20, sendTimeout: silenceMs, ...keys });
    void ended?.then((error) => this.fail(error));
    this.#watch(curve, ended === null ? 0 : reasonMs);
    this.#socket.connect(endpoint);
    void this.#read();
  }

  /** The answer to the message that `encode` makes for a fresh address.
   *  @throws {PainnlessError} what the server answered, TIMEOUT after silence or at the deadline, CANCELLED, or what ended the exchange */
  request(what: string, encode: (address: Address) => Uint8Array[], options: RequestOptions = {}): Promise<DecodedMessage> {
    const { signal, deadlineMs = Number.POSITIVE_INFINITY } = options;
    if (this.#ended) return Promise.reject(this.#ended);
    if (signal?.aborted) return Promise.reject(new PainnlessError("CANCELLED", `${what} was cancelled before it was sent`));
    const address = { epoch: this.epoch, id: this.#nextId++ };
    const frames = encode(address);
    return new Promise((resolve, reject) => {
      const withdraw = () => this.#withdraw(address, new PainnlessError("CANCELLED", `${what} was cancelled`));
      const letGo = onAbort(signal, withdraw);
      const settle = (answer: DecodedMessage | PainnlessError) => {
        this.#pending.delete(address.id);
        if (this.#pending.size === 0) this.#stopTicking();
        letGo();
        if (answer instanceof PainnlessError) reject(answer);
        else resolve(answer);
      };
      if (this.#pending.size === 0) this.#startTicking();
      this.#pending.set(address.id, { what, deadline: Date.now() + deadlineMs, settle });
      this.#write(frames);
    });
  }

  /** Ends the exchange for a reason that is known elsewhere, e.g. that the server's process is gone: all that is owed is refused with it. */
  fail(error: PainnlessError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#settleAll(error);
    this.#socket.close();
  }

  /** Says bye and closes; what is owed is cancelled. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = new PainnlessError("CANCELLED", `the connection to ${this.endpoint} was closed`);
    this.#settleAll(this.#ended);
    this.#socket.linger = byeLingerMs;
    const bye = this.#writing.then(() => this.#socket.send(encodeMessage({ kind: "bye", epoch: this.epoch })));
    await Promise.race([bye.catch(ignoreAgain), new Promise((resolve) => setTimeout(resolve, byeLingerMs))]);
    this.#socket.close();
  }

  /** ZeroMQ would connect again for ever; but what the server owed is lost with the connection, and who answers then may be another. */
  #watch(curve: ClientCurve | null, waitMs: number): void {
    const { events } = this.#socket;
    const where = `the server at ${this.endpoint}`;
    events.on("disconnect", () => {
      const gone = new PainnlessError("WORKER_DIED", `${where} is gone: it closed the connection`);
      const misled = new PainnlessError(
        "UNSUPPORTED",
        `${where} closed the connection without a word; is this its key: ${curve?.serverKey}?`,
      );
      setTimeout(() => this.fail(curve !== null && !this.#met ? misled : gone), waitMs);
    });
    events.on("handshake:error:auth", () => {
      const remedy = `add this line to its list of clients: ${curve?.pair.publicKey} NAME`;
      this.fail(new PainnlessError("UNSUPPORTED", `${where} does not know our key; ${remedy}`, { field: "key" }));
    });
  }

  #write(frames: Uint8Array[]): void {
    this.#writing = this.#writing.then(async () => {
      if (this.#ended) return;
      try {
        await this.#socket.send(frames);
      } catch (cause) {
        this.fail(new PainnlessError("TIMEOUT", `cannot send to ${this.endpoint}: ${reason(cause)}`, { cause }));
      }
    });
  }

  async #read(): Promise<void> {
    while (!this.#ended) {
      let frames: Buffer[];
      try {
        frames = await this.#socket.receive();
      } catch (cause) {
        if (this.#ended && isAgain(cause)) return;
        return this.fail(new PainnlessError("INTERNAL", `reading from ${this.endpoint} failed: ${reason(cause)}`, { cause }));
      }
      this.#lastHeard = Date.now();
      this.#met = true;
      this.#receive(frames);
    }
  }

  #receive(frames: Uint8Array[]): void {
    let answer: DecodedMessage;
    try {
      answer = decodeMessage(frames);
    } catch (error) {
      if (!(error instanceof PainnlessError)) throw error;
      this.#settle(addressOf(frames), error);
      return;
    }
    const { message } = answer;
    if (message.kind === "bye") this.fail(new PainnlessError("WORKER_DIED", `the server at ${this.endpoint} stopped`));
    else if (message.kind === "error") this.#settle(message, new PainnlessError(message.code, message.message, { field: message.field }));
    else if (message.kind !== "busy") this.#settle(message, answer);
  }

  /** Hands an answer to the request it names. A fault that names nobody may be anybody's: all who wait learn of it. */
  #settle({ epoch, id }: { epoch: number | null; id: number | null }, answer: DecodedMessage | PainnlessError): void {
    if (epoch === this.epoch && id !== null) this.#pending.get(id)?.settle(answer);
    else if (id === null && answer instanceof PainnlessError) this.#settleAll(answer);
  }

  #withdraw(address: Address, error: PainnlessError): void {
    this.#write(encodeMessage({ kind: "cancel", ...address }));
    this.#pending.get(address.id)?.settle(error);
  }

  #settleAll(error: PainnlessError): void {
    for (const pending of [...this.#pending.values()]) pending.settle(error);
  }

  #startTicking(): void {
    this.#lastHeard = this.#lastTick = this.#lastPing = Date.now();
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  #stopTicking(): void {
    if (this.#ticker) clearInterval(this.#ticker);
    this.#ticker = null;
  }

  #tick(): void {
    const now = Date.now();
    // Our own event loop stood still: what the server said meanwhile is still unread, so its silence proves nothing.
    if (now - this.#lastTick > 5 * tickMs) this.#lastHeard = now;
    this.#lastTick = now;
    const silence = now - this.#lastHeard;
    for (const [id, { what, deadline }] of [...this.#pending]) {
      const address = { epoch: this.epoch, id };
      if (this.#met && silence > this.#silenceMs)
        this.#withdraw(address, new PainnlessError("TIMEOUT", `${what}: no sign of life from ${this.endpoint} for ${silence} ms`));
      else if (now > deadline) this.#withdraw(address, new PainnlessError("TIMEOUT", `${what}: no answer from ${this.endpoint} in time`));
    }
    if (this.#pending.size > 0 && Math.min(silence, now - this.#lastPing) > this.#silenceMs / 4) {
      this.#lastPing = now;
      this.#write(encodeMessage({ kind: "ping", epoch: this.epoch, id: 0 }));
    }
  }
}

const isAgain = (cause: unknown) => cause instanceof Error && "code" in cause && cause.code === "EAGAIN";

function ignoreAgain(cause: unknown): void {
  if (!isAgain(cause)) throw cause;
}

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
