import type { Router } from "zeromq";

/** What became of a client that was told something. */
export interface MailboxEvents {
  /** It reads too slowly: nothing more should be made for it until it is `freed`. */
  blocked(): void;
  freed(): void;
  /** It is not there any more, or has not read for so long that it counts as such. */
  gone(why: string): void;
}

/** ms without reading anything after which a client is given up, and the longest between two attempts */
const patienceMs = 60_000;
const retryMs = 20;
/** messages that may be held; results are not made for a client that is blocked, so that these are refusals of what it goes on sending */
const mostHeld = 10_000;

/** The way to one client. What ZeroMQ cannot take at once, because the client does not read, is kept, and tried again until it can. */
export class Mailbox {
  readonly #socket: Router;
  readonly #route: Buffer;
  readonly #events: MailboxEvents;
  readonly #held: { frames: Uint8Array[]; sent: () => void }[] = [];
  #blockedSince = 0;
  #isGone = false;

  constructor(socket: Router, route: Buffer, events: MailboxEvents) {
    this.#socket = socket;
    this.#route = route;
    this.#events = events;
  }

  get isBlocked(): boolean {
    return this.#held.length > 0;
  }

  /** Resolves when ZeroMQ has taken the message, or nobody is there to be told. The frames must not change afterwards. */
  async send(frames: Uint8Array[]): Promise<void> {
    if (this.#isGone) return;
    if (this.#held.length === 0 && (await this.#try(frames))) return;
    if (this.#isGone) return;
    await new Promise<void>((sent) => {
      if (this.#held.length === 0) {
        this.#blockedSince = Date.now();
        this.#events.blocked();
        this.#flushIn(1);
      }
      this.#held.push({ frames, sent });
      if (this.#held.length > mostHeld) this.#end(`it reads nothing and has ${mostHeld} answers waiting`);
    });
  }

  #flushIn(ms: number): void {
    setTimeout(() => void this.#flush(ms), ms);
  }

  /** Hands over as much as goes of what is held. @param waited ms since the last attempt */
  async #flush(waited: number): Promise<void> {
    let again = Math.min(2 * waited, retryMs);
    for (let first = this.#held[0]; first !== undefined && !this.#isGone; first = this.#held[0]) {
      if (!(await this.#try(first.frames))) {
        if (Date.now() - this.#blockedSince > patienceMs) this.#end(`it has read nothing for ${patienceMs / 1000} s`);
        else this.#flushIn(again);
        return;
      }
      this.#blockedSince = Date.now();
      again = 1;
      this.#held.shift();
      first.sent();
    }
    if (!this.#isGone) this.#events.freed();
  }

  /** Tries once. For a stranger, who is not waited for, and to see whether a client is there. */
  async offer(frames: Uint8Array[]): Promise<void> {
    await this.#try(frames);
  }

  /** Whether ZeroMQ took it. With a send timeout of 0 it says so at once, so that messages keep their order. */
  async #try(frames: Uint8Array[]): Promise<boolean> {
    if (this.#socket.closed) return true; // the server has said bye
    try {
      await this.#socket.send([this.#route, ...frames]);
      return true;
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? cause.code : null;
      if (code === "EHOSTUNREACH") this.#end("its connection is gone");
      else if (code !== "EAGAIN") throw cause;
      return code === "EHOSTUNREACH";
    }
  }

  #end(why: string): void {
    this.#isGone = true;
    for (const { sent } of this.#held.splice(0)) sent();
    this.#events.gone(why);
  }
}
