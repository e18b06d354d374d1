import { describe } from "vitest";
import { PainnlessError } from "../../src/errors.ts";
import { Server } from "../../src/wire/server.ts";
import { conformance } from "./conformance.ts";
import { sleepyPotential } from "./sleepy.mjs";

describe("the Node server", () =>
  conformance(async () => {
    const server = await Server.start(sleepyPotential(PainnlessError), { endpoint: null, model: "00ff", cutoff: 5, versions: {} });
    return { endpoint: server.endpoint, pid: process.pid, model: "00ff", close: () => server.close(500) };
  }, []));
