import { pack, unpack } from "msgpackr";
import { describe, expect, test } from "vitest";
import type { Structure } from "../../src/system/structure.ts";
import { encodeEvaluate } from "../../src/wire/batch.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { decodeMessage } from "../../src/wire/codec.ts";
import { Exchange } from "../../src/wire/exchange.ts";
import { withDealer } from "./in-process.ts";
import { energyOfPair, pair, type Served } from "./served.ts";

const change = (what: Partial<Structure>): Structure => ({ ...pair(1), name: "bad", ...what });
const box = Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5);

/** [what, structure, code, field]: sent as they are, without the client's own checks */
export type Refused = readonly [string, Structure, string, string | null];

/** What a potential finds that looks at distances. */
export const refusedByDistance: readonly Refused[] = [
  ["coincident atoms", change({ positions: Float64Array.of(0, 1, 2, 0, 1, 2 + 1e-8) }), "BAD_STRUCTURE", "positions"],
  [
    "atoms that coincide through the cell",
    change({ positions: Float64Array.of(0, 0, 0, 5, 15 - 1e-9, -5), cell: box, pbc: [true, true, true] }),
    "BAD_STRUCTURE",
    "positions",
  ],
  ["a cell too thin", change({ cell: box.map((x) => x / 1000), pbc: [true, false, false] }), "BAD_STRUCTURE", "cell"],
];

/** The next valid request is answered, and rightly. */
export async function expectItLives(remote: RemotePotential, mark: number): Promise<void> {
  const [evaluation] = await remote.evaluate([pair(mark)]);
  expect(evaluation?.energy).toBe(energyOfPair(mark));
}

/** What every server of the wire refuses, and how: part of `conformance`. @param connected read when a test runs */
export function testRefusals(
  connected: () => { readonly served: Served; readonly remote: RemotePotential },
  more: readonly Refused[],
): void {
  const bad: readonly Refused[] = [
    ...more,
    ["0 atoms", change({ numbers: [], positions: new Float64Array(0) }), "BAD_STRUCTURE", "numbers"],
    ["a NaN position", change({ positions: Float64Array.of(0, 0, 0, Number.NaN, 0, 1) }), "BAD_STRUCTURE", "positions"],
    ["an infinite position", change({ positions: Float64Array.of(0, 0, 0, 0, Number.POSITIVE_INFINITY, 1) }), "BAD_STRUCTURE", "positions"],
    ["element 0", change({ numbers: [0, 1] }), "BAD_STRUCTURE", "numbers"],
    ["element 119", change({ numbers: [1, 119] }), "BAD_STRUCTURE", "numbers"],
    ["a singular cell", change({ cell: Float64Array.of(5, 0, 0, 10, 0, 0, 0, 0, 5), pbc: [true, true, false] }), "BAD_STRUCTURE", "cell"],
    ["a cell with NaN", change({ cell: box.map((x) => (x === 0 ? Number.NaN : x)), pbc: [true, true, true] }), "BAD_STRUCTURE", "cell"],
    ["periodic without a cell", change({ pbc: [true, false, false] }), "BAD_STRUCTURE", "cell"],
    ["an error of the calculator's own", change({ numbers: [100, 1] }), "WORKER_FAILED", null],
    ["an energy that is NaN", change({ numbers: [101, 1] }), "NOT_FINITE", "energy"],
    ["forces of a wrong shape", change({ numbers: [102, 1] }), "WORKER_FAILED", "forces"],
  ];

  describe("bad input is refused by name, and the next request is answered", () => {
    test.each(bad)("%s", async (_, structure, code, field) => {
      const { served, remote } = connected();
      const exchange = new Exchange({ endpoint: served.endpoint, curve: null }, 10_000);
      const asked = exchange.request("bad", (address) => encodeEvaluate(address, [pair(0), structure], ["energy", "forces"]));
      await expect(asked).rejects.toMatchObject({ code, field, message: expect.stringMatching(/./) });
      await exchange.close();
      await expectItLives(remote, 5);
    });

    test("too many atoms", async () => {
      const { served, remote } = connected();
      const n = remote.welcome.limits.atoms + 1;
      const large = change({ numbers: new Array<number>(n).fill(1), positions: Float64Array.from({ length: 3 * n }, (_, k) => k) });
      await expect(remote.evaluate([large])).rejects.toMatchObject({ code: "BAD_STRUCTURE", field: "numbers" });
      const exchange = new Exchange({ endpoint: served.endpoint, curve: null }, 10_000);
      const asked = exchange.request("large", (address) => encodeEvaluate(address, [large], ["energy"]));
      await expect(asked).rejects.toMatchObject({ code: "BAD_STRUCTURE", field: "numbers" });
      await exchange.close();
    });

    test("a message meant for clients, another protocol, an id that is in use", async () => {
      const { served } = connected();
      const exchange = new Exchange({ endpoint: served.endpoint, curve: null }, 10_000);
      const ask = (message: object) => exchange.request("odd", (address) => [pack({ ...message, ...address })]);
      await expect(ask({ kind: "busy", ahead: 0 })).rejects.toMatchObject({ code: "BAD_MESSAGE" });
      await expect(ask({ kind: "hello", protocol: 1, model: null, client: "x" })).rejects.toMatchObject({
        code: "UNSUPPORTED",
        field: "protocol",
      });
      await expect(ask({ kind: "evaluate" })).rejects.toMatchObject({ code: "BAD_MESSAGE" });
      await exchange.close();
    });

    test("a client of another release, also where its greeting looks different: both versions are named", async () => {
      const { served } = connected();
      const exchange = new Exchange({ endpoint: served.endpoint, curve: null }, 10_000);
      const asked = exchange.request("hello", (address) => [pack({ kind: "hello", ...address, protocol: 7, colour: "red" })]);
      await expect(asked).rejects.toMatchObject({ code: "UNSUPPORTED", field: "protocol", message: expect.stringMatching(/\b7\b.*\b2\b/) });
      await exchange.close();
    });

    test("a client that came for another model: both are named", async () => {
      const { served } = connected();
      const asked = RemotePotential.connect(served.endpoint, { model: "abcd" });
      const both = expect.stringMatching(new RegExp(`abcd.*${served.model ?? "none"}`));
      await expect(asked).rejects.toMatchObject({ code: "UNSUPPORTED", field: "model", message: both });
      if (served.model !== null) await (await RemotePotential.connect(served.endpoint, { model: served.model })).close();
    });

    test("dynamics, where the potential has none", async () => {
      const { served, remote } = connected();
      expect(remote.welcome.dynamics).toBe(false);
      await withDealer(served.endpoint, async (dealer) => {
        const { numbers, positions, cells, pbc } = headerOf(encodeEvaluate({ epoch: 0, id: 0 }, [pair(1)], ["energy"]));
        const system = { name: "x", numbers, positions, cells, pbc };
        await dealer.send([pack({ kind: "dynamics", epoch: 6, id: 1, options: { steps: 1 }, ...system, velocities: null })]);
        const { message } = decodeMessage(await dealer.receive());
        expect(message).toMatchObject({ kind: "error", epoch: 6, id: 1, code: "UNSUPPORTED" });
      });
    });
  });
}

const headerOf = (frames: readonly Uint8Array[]) => unpack(frames[0] as Uint8Array) as Record<string, unknown>;
