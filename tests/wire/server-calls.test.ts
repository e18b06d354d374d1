import { describe, expect, test } from "vitest";
import type { Evaluation, Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { encodeEvaluate } from "../../src/wire/batch.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { Exchange } from "../../src/wire/exchange.ts";
import { Turns } from "../../src/wire/turns.ts";
import { sleep, withServer } from "./in-process.ts";
import { energyOfPair, pair, within } from "./served.ts";

// How much a server asks of its potential at a time is what that says of itself.

interface Call {
  readonly marks: readonly number[];
  readonly end: (error?: Error) => void;
}

const markOf = ({ name }: Structure) => Number(name.split(" ")[1]);

/** Takes three pairs a call and two calls at a time, each of which ends when it is told to; what is done of all is noted. */
function gated(calls: number) {
  const running: Call[] = [];
  const log: string[] = [];
  const potential: Potential = {
    name: "gated",
    provides: new Set(["energy", "forces"]),
    domain: { elements: null, maxAtoms: 100, periodic: true },
    intake: { atoms: 6, calls },
    async evaluate(batch) {
      const marks = batch.map(markOf);
      log.push(`begin ${marks}`);
      await new Promise<void>((resolve, reject) => {
        const end = (error?: Error) => {
          running.splice(running.indexOf(call), 1);
          if (error) reject(error);
          else resolve();
        };
        const call = { marks, end };
        running.push(call);
      });
      return batch.map((structure): Evaluation => {
        const mark = markOf(structure);
        const [energy, forces] = [energyOfPair(mark), new Float64Array(6).fill(mark)];
        return {
          get energy() {
            log.push(`encode ${mark}`);
            return energy;
          },
          ...{ netEnergy: energy, forces, stress: null, energies: null },
        };
      });
    },
    async close() {},
  };
  /** Waits until calls of these marks run, oldest first. */
  const runs = async (...expected: number[][]) => {
    await within(2_000, () => running.length === expected.length);
    await sleep(30); // and nothing more comes
    expect(running.map(({ marks }) => marks)).toEqual(expected);
  };
  const end = (mark: number, error?: Error) => running.find(({ marks }) => marks.includes(mark))?.end(error);
  return { potential, log, runs, end };
}

const pairs = (...marks: number[]) => marks.map((mark) => pair(mark));
const check = (evaluations: readonly Evaluation[] | undefined, ...marks: number[]) => {
  expect(evaluations?.map(({ energy }) => energy)).toEqual(marks.map((mark) => energyOfPair(mark)));
  expect(evaluations?.map(({ forces }) => forces?.[0])).toEqual(marks);
};

describe("two calls at a time", () => {
  test("of no more atoms than it takes; who comes third waits for the first to end, whichever that is", async () => {
    const { potential, runs, end } = gated(2);
    await withServer({ potential }, async (server) => {
      const client = await RemotePotential.connect(server.endpoint);
      const asked = [pairs(1, 2, 3), pairs(4, 5, 6), pairs(7, 8), pairs(9)].map((batch) => client.evaluate(batch));
      await runs([1, 2, 3], [4, 5, 6]);
      expect(server.isComputing).toBe(true);
      end(4);
      check(await asked[1], 4, 5, 6);
      await runs([1, 2, 3], [7, 8, 9]);
      end(7);
      end(1);
      check(await asked[0], 1, 2, 3);
      check(await asked[2], 7, 8);
      check(await asked[3], 9);
      expect(server.isComputing).toBe(false);
      expect((await client.statistics()).batches).toBe(3);
      await client.close();
    });
  });

  test("a request that goes in several is answered in its own order, though a later one ends first", async () => {
    const { potential, runs, end } = gated(2);
    await withServer({ potential }, async (server) => {
      const [one, other] = [await RemotePotential.connect(server.endpoint), await RemotePotential.connect(server.endpoint)];
      const large = one.evaluate(pairs(1, 2, 3, 4, 5, 6, 7, 8));
      await runs([1, 2, 3], [4, 5, 6]);
      const small = other.evaluate(pairs(9));
      await other.ping();
      end(4);
      await runs([1, 2, 3], [7, 8, 9]);
      end(7);
      check(await small, 9);
      end(1);
      check(await large, 1, 2, 3, 4, 5, 6, 7, 8);
      await Promise.all([one.close(), other.close()]);
    });
  });

  test("one that fails is computed again request by request, beside the other, and only who is at fault is refused", async () => {
    const { potential, runs, end } = gated(2);
    await withServer({ potential }, async (server) => {
      const client = await RemotePotential.connect(server.endpoint);
      const before = client.evaluate(pairs(7, 8, 9, 10, 11, 12));
      await runs([7, 8, 9], [10, 11, 12]);
      const asked = [pairs(1, 2), pairs(3), pairs(4, 5, 6)].map((batch) => client.evaluate(batch));
      await client.ping();
      end(7);
      end(10);
      check(await before, 7, 8, 9, 10, 11, 12);
      await runs([1, 2, 3], [4, 5, 6]);
      end(1, new Error("not these together"));
      await runs([4, 5, 6], [1, 2]);
      end(1, new Error("not 1 and 2"));
      end(4);
      await runs([3]);
      end(3);
      await expect(asked[0]).rejects.toMatchObject({ code: "WORKER_FAILED", message: expect.stringContaining("not 1 and 2") });
      check(await asked[1], 3);
      check(await asked[2], 4, 5, 6);
      await client.close();
    });
  });

  test("what is withdrawn while a part of it is computed is not computed further", async () => {
    const { potential, runs, end } = gated(2);
    await withServer({ potential }, async (server) => {
      const exchange = new Exchange({ endpoint: server.endpoint, curve: null }, 10_000);
      const client = await RemotePotential.connect(server.endpoint);
      const withdrawal = new AbortController();
      const large = exchange.request(
        "large",
        (address) => encodeEvaluate(address, pairs(1, 2, 3, 4, 5, 6, 7, 8, 9), ["energy", "forces"]),
        { signal: withdrawal.signal },
      );
      await runs([1, 2, 3], [4, 5, 6]);
      const small = client.evaluate(pairs(10));
      withdrawal.abort();
      await expect(large).rejects.toMatchObject({ code: "CANCELLED" });
      await sleep(50); // until the server has heard of it
      end(4);
      await runs([1, 2, 3], [10]);
      end(10);
      check(await small, 10);
      end(1);
      await Promise.all([exchange.close(), client.close()]);
    });
  });

  test("a server that is told to end answers both, and begins no third for who is refused then", async () => {
    const { potential, runs, end } = gated(2);
    await withServer({ potential }, async (server) => {
      const client = await RemotePotential.connect(server.endpoint);
      const asked = [pairs(1, 2, 3), pairs(4, 5, 6), pairs(7)].map((batch) => client.evaluate(batch));
      await runs([1, 2, 3], [4, 5, 6]);
      const closed = server.close(10_000);
      end(1);
      end(4);
      await runs([7]);
      end(7);
      check(await asked[0], 1, 2, 3);
      check(await asked[1], 4, 5, 6);
      check(await asked[2], 7);
      await closed;
      await client.close();
    });
  });
});

test.each([1, 2])("%i at a time: the next call begins before the answers of the last are made", async (calls) => {
  const { potential, log, runs, end } = gated(calls);
  await withServer({ potential }, async (server) => {
    const client = await RemotePotential.connect(server.endpoint);
    const first = [pairs(1, 2, 3), pairs(4, 5, 6)].slice(0, calls).map((batch) => client.evaluate(batch));
    await runs(
      ...[
        [1, 2, 3],
        [4, 5, 6],
      ].slice(0, calls),
    );
    const last = client.evaluate(pairs(7));
    await client.ping();
    end(1);
    await first[0];
    expect(log.slice(calls, calls + 2)).toEqual(["begin 7", "encode 1"]);
    end(4);
    end(7);
    await Promise.all([...first, last]);
    await client.close();
  });
});

test("turns: so many at a time, in the order of asking, whoever asks while one ends", async () => {
  const turns = new Turns(2);
  const log: string[] = [];
  const ends: (() => void)[] = [];
  const take = (name: string) =>
    turns.take(async () => {
      log.push(name);
      await new Promise<void>((end) => ends.push(end));
      if (name === "b") throw new Error("b fails");
    });
  const a = take("a");
  const b = take("b");
  const c = take("c");
  expect(log).toEqual(["a", "b"]);
  ends[1]?.();
  await expect(b).rejects.toThrow("b fails");
  const d = take("d");
  expect(log).toEqual(["a", "b", "c"]);
  ends[0]?.();
  await a;
  ends[2]?.();
  ends[3]?.();
  await Promise.all([c, d]);
  expect(log).toEqual(["a", "b", "c", "d"]);
  expect(turns.isTaken).toBe(false);
});
