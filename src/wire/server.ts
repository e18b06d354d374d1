import type { Router } from "zeromq";
import { PainnlessError } from "../errors.ts";
import type { Potential } from "../system/potential.ts";
import { usualIntake } from "./batching.ts";
import { addressOf, decodeMessage, encodeMessage, errorMessage, otherProtocol } from "./codec.ts";
import type { ServerCurve } from "./curve.ts";
import { type Door, openDoor } from "./endpoint.ts";
import { Evaluations } from "./evaluations.ts";
import { type Client, Ledger } from "./ledger.ts";
import { assertSeat, assertSize, defaultLimits } from "./limits.ts";
import { Mailbox } from "./mailbox.ts";
import { type Limits, type Message, type MessageOf, protocolVersion } from "./messages.ts";
import type { OpenMotion } from "./motion.ts";
import { Motions } from "./motions.ts";
import { Question } from "./question.ts";
import { Tally } from "./statistics.ts";
import { Turns } from "./turns.ts";

export interface ServerOptions {
  /** ipc://PATH, or tcp://HOST:PORT with `curve`; null: a socket in a new folder of its own */
  readonly endpoint: string | null;
  readonly curve?: ServerCurve | null;
  /** is the socket's folder ours to remove */
  readonly ownFolder?: boolean;
  /** of the potential, where a model is behind it: sha256, and Å */
  readonly model: string | null;
  readonly cutoff: number | null;
  /** what computes: {"painnless": "0.1.0", "node": "20.20.2"} */
  readonly versions: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
  /** how the potential moves atoms; dynamics is refused without it */
  readonly openMotion?: OpenMotion;
  readonly log?: ServerLog;
}

export interface ServerLog {
  info(fields: object, message: string): void;
}

const busyMs = 250;
const byeMs = 20;
const knockMs = 50;
const sweepMs = 50;
const silent: ServerLog = { info: () => {} };

/** Offers a potential at an endpoint. What waits is computed together; each result is what it would be alone. */
export class Server {
  readonly endpoint: string;
  readonly #potential: Potential;
  readonly #options: ServerOptions;
  readonly #limits: Limits;
  readonly #log: ServerLog;
  readonly #door: Door;
  readonly #socket: Router;
  readonly #clients = new Map<string, Client>();
  readonly #tally = new Tally();
  readonly #ledger: Ledger;
  readonly #turns: Turns;
  readonly #evaluations: Evaluations;
  readonly #motions: Motions;
  readonly #ticker: NodeJS.Timeout;
  #sweeping: NodeJS.Timeout | null = null;
  #closing: Promise<void> | null = null;

  private constructor(potential: Potential, options: ServerOptions, limits: Limits, door: Door) {
    this.#potential = potential;
    this.#options = options;
    this.#limits = limits;
    this.#log = options.log ?? silent;
    this.#door = door;
    this.#socket = door.socket;
    this.endpoint = door.endpoint;
    this.#ledger = new Ledger(limits, this.#tally);
    const intake = potential.intake ?? usualIntake;
    this.#turns = new Turns(intake.calls);
    const shop = { potential, intake, limits, ledger: this.#ledger, tally: this.#tally, turns: this.#turns };
    this.#evaluations = new Evaluations(shop);
    this.#motions = new Motions(shop, options.openMotion ?? null);
    this.#ticker = setInterval(() => this.#ledger.sayBusy(), busyMs);
    this.#socket.events.on("disconnect", () => this.#sweepSoon());
  }

  /** @throws {PainnlessError} USAGE (an endpoint in use, or that cannot be), UNSUPPORTED (tcp without keys) */
  static async start(potential: Potential, options: ServerOptions): Promise<Server> {
    const limits = { atoms: potential.domain.maxAtoms, ...defaultLimits, ...options.limits };
    const { endpoint, curve = null, ownFolder = false } = options;
    const door = await openDoor({ endpoint, curve, ownFolder, frameBytes: 2 * limits.bytes });
    const server = new Server(potential, options, limits, door);
    void server.#read();
    return server;
  }

  /** Is a call of the engine running, which nothing can stop. */
  get isComputing(): boolean {
    return this.#turns.isTaken;
  }

  /** Takes nothing new, answers what is owed, and after `graceMs` refuses what is left with CANCELLED. The potential stays open. */
  close(graceMs = 3_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    this.#log.info({ owed: this.#ledger.size }, "stopping");
    await this.#ledger.drain(graceMs);
    clearInterval(this.#ticker);
    if (this.#sweeping !== null) clearTimeout(this.#sweeping);
    for (const { mailbox, epoch } of this.#clients.values()) void mailbox.send(encodeMessage({ kind: "bye", epoch }));
    // ZeroMQ sends in a thread of its own, which the end of this process would cut short.
    if (this.#clients.size > 0) await new Promise((resolve) => setTimeout(resolve, byeMs));
    await this.#door.close();
  }

  async #read(): Promise<void> {
    for (let count = 0; ; count++) {
      let frames: Buffer[];
      try {
        frames = await this.#socket.receive();
      } catch (cause) {
        if (this.#closing && this.#socket.closed) return;
        throw cause;
      }
      const route = frames.shift();
      if (route !== undefined) this.#receive(route, frames);
      // What has arrived already is taken first, so that it is computed together; but neither a flood nor a socket that seems to have more, and has
      // not, keeps the engine idle.
      if (!this.#socket.readable || count % 64 === 0) this.#evaluations.computeNext();
      else setImmediate(() => this.#evaluations.computeNext());
    }
  }

  #receive(route: Buffer, frames: readonly Buffer[]): void {
    const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
    try {
      assertSize(bytes, this.#limits);
      const client = this.#closing === null ? this.#clients.get(keyOf(route)) : undefined;
      const repeat = client?.question?.repeated(frames) ?? null;
      if (client !== undefined && repeat !== null) this.#evaluations.acceptRepeat(client, repeat, bytes);
      else this.#handle(route, frames, bytes);
    } catch (error) {
      if (!(error instanceof PainnlessError)) throw error;
      this.#tally.add(error.code === "BAD_MESSAGE" ? "malformed" : "refused");
      this.#say(route, errorMessage(addressOf(frames), error));
    }
  }

  #handle(route: Buffer, frames: readonly Buffer[], bytes: number): void {
    const decoded = decodeMessage(frames);
    const { message } = decoded;
    if (decoded.is("evaluate")) {
      const client = this.#admit(route, decoded.message.epoch);
      const structures = this.#evaluations.accept(client, decoded, bytes);
      client.question = Question.of(frames, decoded, structures, bytes);
    } else if (decoded.is("dynamics")) this.#motions.accept(this.#admit(route, decoded.message.epoch), decoded, bytes);
    else if (message.kind === "hello") void this.#greet(route, message);
    else if (message.kind === "ping") this.#say(route, { ...message, kind: "pong" });
    else if (message.kind === "status") this.#say(route, this.#tally.report(message, this.#clients.size, this.#ledger.size));
    else if (message.kind === "cancel") {
      const client = this.#clients.get(keyOf(route));
      if (client !== undefined) this.#ledger.cancel(client, message);
    } else if (message.kind === "bye") this.#forget(keyOf(route), "it said bye");
    else throw new PainnlessError("BAD_MESSAGE", `${message.kind} is for servers to send, not for clients`, { field: "kind" });
  }

  async #greet(route: Buffer, hello: MessageOf<"hello">): Promise<void> {
    try {
      this.#assertMeant(hello);
      if (this.#isFullFor(route)) await this.#sweep();
      // Another's bye is on a line of its own, and may come after this hello though it was said before.
      if (this.#isFullFor(route)) {
        await new Promise((resolve) => setTimeout(resolve, knockMs));
        await this.#sweep();
      }
      this.#welcome(route, hello);
    } catch (error) {
      if (!(error instanceof PainnlessError)) throw error;
      this.#tally.add("refused");
      this.#say(route, errorMessage(hello, error));
    }
  }

  #isFullFor(route: Buffer): boolean {
    return this.#clients.size >= this.#limits.clients && !this.#clients.has(keyOf(route));
  }

  /** ZeroMQ says that a connection ended, but not whose. */
  #sweepSoon(): void {
    this.#sweeping ??= setTimeout(() => {
      this.#sweeping = null;
      void this.#sweep();
    }, sweepMs);
  }

  /** Finds out who has gone without a word: what is sent to them cannot be delivered. */
  async #sweep(): Promise<void> {
    const reachable = [...this.#clients.values()].filter(({ mailbox }) => !mailbox.isBlocked);
    await Promise.all(reachable.map(({ mailbox, epoch }) => mailbox.offer(encodeMessage({ kind: "pong", epoch, id: 0 }))));
  }

  /** @throws {PainnlessError} UNSUPPORTED */
  #assertMeant(hello: MessageOf<"hello">): void {
    const { model } = this.#options;
    if (hello.protocol !== protocolVersion) throw otherProtocol(hello.protocol);
    if (hello.model !== null && hello.model !== model)
      throw new PainnlessError(
        "UNSUPPORTED",
        `model ${hello.model} was asked for, this server has ${model ?? "none"}: its file or the server was replaced; make a new calculator or connection for this one`,
        { field: "model" },
      );
  }

  #welcome(route: Buffer, hello: MessageOf<"hello">): void {
    const { model, cutoff, versions } = this.#options;
    this.#admit(route, hello.epoch, hello.client);
    const { name, provides, domain } = this.#potential;
    this.#say(route, {
      kind: "welcome",
      ...{ epoch: hello.epoch, id: hello.id, protocol: protocolVersion },
      ...{ side: name, provides: [...provides], model, cutoff },
      ...{ elements: domain.elements && [...domain.elements], periodic: domain.periodic, dynamics: this.#options.openMotion !== undefined },
      ...{ limits: this.#limits, pid: process.pid, versions },
    });
  }

  /** The client at the other end of the route, a new one if there is room. */
  #admit(route: Buffer, epoch: number, name = "a client that did not say hello"): Client {
    const key = keyOf(route);
    if (this.#closing) throw new PainnlessError("CANCELLED", "the server is stopping");
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    assertSeat(this.#clients.size, this.#limits);
    const mailbox = new Mailbox(this.#socket, route, {
      blocked: () => this.#evaluations.pause(client, true),
      freed: () => this.#evaluations.pause(client, false),
      gone: (why) => this.#forget(key, why),
    });
    const client: Client = { mailbox, name, epoch, owed: new Map(), question: null };
    this.#clients.set(key, client);
    this.#log.info({ client: name, clients: this.#clients.size }, "client came");
    return client;
  }

  #forget(key: string, why: string): void {
    const client = this.#clients.get(key);
    if (client === undefined) return;
    this.#clients.delete(key);
    this.#ledger.drop(client);
    this.#evaluations.pause(client, false);
    this.#log.info({ client: client.name, clients: this.#clients.size }, `client left: ${why}`);
  }

  /** To whoever is at the other end; who has not said hello, and does not read, is not told. */
  #say(route: Buffer, message: Message): void {
    const frames = encodeMessage(message);
    const client = this.#clients.get(keyOf(route));
    if (client !== undefined) void client.mailbox.send(frames);
    else void new Mailbox(this.#socket, route, stranger).offer(frames);
  }
}

const stranger = { blocked: () => {}, freed: () => {}, gone: () => {} };
const keyOf = (route: Buffer): string => route.toString("latin1");
