import { Context, Dealer } from "zeromq";
import { PainnlessError } from "../../src/errors.ts";
import type { Potential } from "../../src/system/potential.ts";
import { Server, type ServerOptions } from "../../src/wire/server.ts";
import { sleepyPotential } from "./sleepy.mjs";

/** A server in this process, at a socket of its own. */
export async function withServer(
  options: Partial<ServerOptions> & { readonly potential?: Potential },
  work: (server: Server, sizes: readonly number[]) => Promise<void>,
): Promise<void> {
  const sizes: number[] = [];
  const { potential = sleepyPotential(PainnlessError, sizes), ...rest } = options;
  const server = await Server.start(potential, { endpoint: null, model: "00ff", cutoff: 5, versions: {}, ...rest });
  try {
    await work(server, sizes);
  } finally {
    await server.close(0);
  }
}

/** Raw frames in and out, for what no client of ours would send. */
export async function withDealer(
  endpoint: string,
  work: (dealer: Dealer) => Promise<void>,
  options: { readonly receiveHighWaterMark?: number } = {},
): Promise<void> {
  const timeouts = { linger: 0, receiveTimeout: 15_000, sendTimeout: 5_000 };
  const dealer = new Dealer({ context: new Context({ blocky: false }), ...timeouts, ...options });
  dealer.connect(endpoint);
  try {
    await work(dealer);
  } finally {
    dealer.close();
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
