import { PainnlessError } from "../errors.ts";
import type { Evaluation, Potential, Property } from "../system/potential.ts";
import { assertComputable, type Domain, type Structure } from "../system/structure.ts";
import { decodeResult, encodeEvaluate } from "./batch.ts";
import { encodeMessage, otherProtocol } from "./codec.ts";
import { readDestination } from "./destination.ts";
import { Exchange, type RequestOptions } from "./exchange.ts";
import { protocolVersion, type Statistics, type Welcome } from "./messages.ts";

export interface RemoteOptions {
  /** ms to wait for the server's welcome */
  readonly connectMs?: number;
  /** ms without any sign of life, busy and pong included, after which an owed answer is given up */
  readonly silenceMs?: number;
  /** sha256 of the model that the server must have; any without it */
  readonly model?: string;
  /** resolves, with the reason, when the server is known to be gone */
  readonly ended?: Promise<PainnlessError>;
}

/** A potential that another process answers for. */
export class RemotePotential implements Potential {
  readonly name: string;
  readonly provides: ReadonlySet<Property>;
  readonly domain: Domain;
  /** what the server said of itself */
  readonly welcome: Welcome;
  readonly #exchange: Exchange;

  private constructor(exchange: Exchange, welcome: Welcome) {
    this.#exchange = exchange;
    this.welcome = welcome;
    this.name = welcome.side;
    this.provides = new Set(welcome.provides);
    this.domain = { elements: welcome.elements, maxAtoms: welcome.limits.atoms, periodic: welcome.periodic };
  }

  /** The potential served at `endpoint` (ipc://PATH, or tcp://HOST:PORT?key=FILE&server=FILE).
   *  @throws {PainnlessError} TIMEOUT when nobody answers, UNSUPPORTED when the two speak different protocols or the model is another */
  static async connect(endpoint: string, options: RemoteOptions = {}): Promise<RemotePotential> {
    const { connectMs = 10_000, silenceMs = 10_000, model = null, ended } = options;
    const exchange = new Exchange(await readDestination(endpoint), silenceMs, ended);
    try {
      return new RemotePotential(exchange, await greet(exchange, connectMs, model));
    } catch (error) {
      await exchange.close();
      throw error;
    }
  }

  /** As every potential, and a request may be withdrawn or given a deadline. Closing cancels what is owed. */
  async evaluate(
    batch: readonly Structure[],
    want: readonly Property[] = ["energy", "forces"],
    options: RequestOptions = {},
  ): Promise<Evaluation[]> {
    const { limits } = this.welcome;
    for (const property of want)
      if (!this.provides.has(property))
        throw new PainnlessError("UNSUPPORTED", `${this.name} does not provide ${property}; it provides ${[...this.provides].join(", ")}`);
    if (batch.length === 0) return [];
    if (batch.length > limits.structures)
      throw new PainnlessError("BAD_STRUCTURE", `a batch of ${batch.length} structures, ${this.name} takes at most ${limits.structures}`);
    for (const structure of batch) assertComputable(structure, this.domain);
    const answer = await this.#exchange.request(
      `evaluate of ${batch.length} structures by ${this.name}`,
      (address) => {
        const frames = encodeEvaluate(address, batch, want);
        const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
        if (bytes > limits.bytes)
          throw new PainnlessError("BAD_STRUCTURE", `a batch of ${bytes} bytes, ${this.name} takes at most ${limits.bytes}`);
        return frames;
      },
      options,
    );
    if (!answer.is("result")) throw unexpected("evaluate", answer.message.kind, "result");
    return decodeResult(answer, batch);
  }

  /** Milliseconds to the server and back. */
  async ping(options: RequestOptions = {}): Promise<number> {
    const start = performance.now();
    const answer = await this.#exchange.request(`ping of ${this.name}`, (address) => encodeMessage({ kind: "ping", ...address }), options);
    if (!answer.is("pong")) throw unexpected("ping", answer.message.kind, "pong");
    return performance.now() - start;
  }

  /** What the server has done since it began. */
  async statistics(options: RequestOptions = {}): Promise<Statistics> {
    const answer = await this.#exchange.request(
      `status of ${this.name}`,
      (address) => encodeMessage({ kind: "status", ...address }),
      options,
    );
    if (!answer.is("statistics")) throw unexpected("status", answer.message.kind, "statistics");
    return answer.message;
  }

  close(): Promise<void> {
    return this.#exchange.close();
  }
}

async function greet(exchange: Exchange, connectMs: number, model: string | null): Promise<Welcome> {
  const answer = await exchange.request(
    "hello",
    (address) => encodeMessage({ kind: "hello", ...address, protocol: protocolVersion, model, client: `painnless node ${process.pid}` }),
    { deadlineMs: connectMs },
  );
  if (!answer.is("welcome")) throw unexpected("hello", answer.message.kind, "welcome");
  const { message } = answer;
  if (message.protocol !== protocolVersion) throw otherProtocol(message.protocol);
  return message;
}

function unexpected(request: string, found: string, expected: string): PainnlessError {
  return new PainnlessError("BAD_MESSAGE", `${request} was answered by ${found}, expected ${expected}`);
}
