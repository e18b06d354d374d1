import { afterAll, describe, expect, test } from "vitest";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { randomModel } from "../engine/models.ts";
import { ethanol, smallCrystal, water } from "../systems.ts";
import { withServer } from "./in-process.ts";
import { energyOfPair, pair } from "./served.ts";

const connect = (endpoint: string, count: number) => Promise.all(Array.from({ length: count }, () => RemotePotential.connect(endpoint)));
const closeAll = (clients: readonly RemotePotential[]) => Promise.all(clients.map((client) => client.close()));

test("what waits is computed in one call, and every client gets its own", async () => {
  await withServer({}, async (server, sizes) => {
    const clients = await connect(server.endpoint, 16);
    const slow = clients[0]?.evaluate([pair(0, 0.2)]);
    await clients[0]?.ping(); // so that it has arrived, and is computed
    const asked = clients.map(async (client, k) => {
      const [evaluation] = await client.evaluate([pair(k)]);
      expect(evaluation?.energy).toBe(energyOfPair(k));
    });
    await Promise.all(asked);
    await slow;
    expect(sizes).toEqual([1, 16]);
    await closeAll(clients);
  });
});

test("400 clients come, ask once and go: none of them is forgotten", async () => {
  await withServer({}, async (server) => {
    let worst = 0;
    for (let k = 0; k < 400; k += 2) {
      const clients = await connect(server.endpoint, 2);
      const asked = performance.now();
      const answers = await Promise.all(clients.map((client, c) => client.evaluate([pair(k + c)])));
      worst = Math.max(worst, performance.now() - asked);
      expect(answers.map(([evaluation]) => evaluation?.energy)).toEqual([energyOfPair(k), energyOfPair(k + 1)]);
      await closeAll(clients);
    }
    expect(worst).toBeLessThan(1_000);
  });
});

test("one that cannot be computed is refused alone", async () => {
  await withServer({}, async (server) => {
    const clients = await connect(server.endpoint, 4);
    const slow = clients[0]?.evaluate([pair(0, 0.1)]);
    const bad = { ...pair(9), numbers: [101, 1] };
    const answers = await Promise.allSettled(clients.map((client, k) => client.evaluate([k === 2 ? bad : pair(k)])));
    await slow;
    const seen = answers.map((answer) => (answer.status === "fulfilled" ? answer.value[0]?.energy : answer.reason.code));
    expect(seen).toEqual([energyOfPair(0), energyOfPair(1), "NOT_FINITE", energyOfPair(3)]);
    await closeAll(clients);
  });
});

describe("our engine behind a server", () => {
  const engine = createNativeEngine(randomModel("painn-schnetpack", { elements: [1, 6, 8] }), {
    device: "cpu",
    precision: "f64",
    threads: 1,
  });
  afterAll(() => engine.close());

  const random = new Random(7, "shaken");
  const shaken = ({ positions, ...rest }: Structure): Structure => ({
    ...rest,
    positions: positions.map((x) => x + 0.05 * random.normal()),
  });

  test("gives the same bits, whoever asks at the same time", async () => {
    const structures = Array.from({ length: 48 }, (_, k) => shaken([ethanol, water, smallCrystal][k % 3] ?? water));
    const want = ["energy", "forces", "stress", "energies"] as const;
    const alone = await Promise.all(structures.map(async (structure) => (await engine.evaluate([structure], want))[0]));
    await withServer({ potential: engine }, async (server) => {
      const clients = await connect(server.endpoint, 8);
      const together = await Promise.all(structures.map(async (structure, k) => (await clients[k % 8]?.evaluate([structure], want))?.[0]));
      expect(together).toEqual(alone);
      const { batches } = (await clients[0]?.statistics()) ?? { batches: 0 };
      expect(batches).toBeLessThan(structures.length / 2);
      await closeAll(clients);
    });
  });

  test.each([
    ["two atoms in one place", { positions: new Float64Array(9) }, "BAD_STRUCTURE", "positions"],
    ["an element the model does not know", { numbers: [8, 1, 9] }, "BAD_STRUCTURE", "numbers"],
  ])("refuses %s, and answers the others of the batch", async (_, change, code, field) => {
    await withServer({ potential: engine }, async (server) => {
      const clients = await connect(server.endpoint, 3);
      const [before, refused, after] = await Promise.allSettled([
        ...[clients[0]?.evaluate([water]), clients[1]?.evaluate([{ ...water, ...change }]), clients[2]?.evaluate([ethanol])],
      ]);
      expect(refused).toMatchObject({ status: "rejected", reason: { code, field } });
      expect([before?.status, after?.status]).toEqual(["fulfilled", "fulfilled"]);
      await closeAll(clients);
    });
  });
});
