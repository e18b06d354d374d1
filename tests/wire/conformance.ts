import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeResult, encodeEvaluate } from "../../src/wire/batch.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { protocolVersion } from "../../src/wire/messages.ts";
import { framed } from "./framed.ts";
import { withDealer } from "./in-process.ts";
import { expectItLives, type Refused, testRefusals } from "./refusals.ts";
import { energyOfPair, pair, type Served } from "./served.ts";

/** What every server of the wire does, seen by the TypeScript client and by raw frames. */
export function conformance(serve: () => Promise<Served>, more: readonly Refused[]): void {
  let served: Served;
  let remote: RemotePotential;

  beforeAll(async () => {
    served = await serve();
    remote = await RemotePotential.connect(served.endpoint, { connectMs: 50_000, silenceMs: 20_000 });
  });

  afterAll(async () => {
    await remote?.close();
    await served?.close();
  });

  testRefusals(() => ({ served, remote }), more);

  describe("a served potential", () => {
    test("says what it is", () => {
      expect(remote.name).toBe("ase:sleepy:Sleepy");
      expect([...remote.provides]).toEqual(["energy", "forces"]);
      expect(remote.welcome).toMatchObject({ protocol: protocolVersion, pid: served.pid, model: served.model });
    });

    test("answers for each structure, in order, with what was wanted and null for the rest", async () => {
      const evaluations = await remote.evaluate([pair(4), pair(2)], ["energy"]);
      expect(evaluations).toEqual([4, 2].map((mark) => ({ ...nothing, energy: energyOfPair(mark), netEnergy: energyOfPair(mark) })));
      const [one] = await remote.evaluate([pair(4)]);
      expect(one?.forces).toEqual(Float64Array.of(-0, -2, -0, -0, -0, -10));
      expect(await remote.evaluate([])).toEqual([]);
    });

    test("what it does not provide is refused by name", async () => {
      await expect(remote.evaluate([pair(1)], ["energy", "stress"])).rejects.toMatchObject({ code: "UNSUPPORTED", field: null });
    });

    test("pings while it computes, and the answer still comes", async () => {
      const slow = remote.evaluate([pair(1, 0.6)]);
      expect(await remote.ping()).toBeLessThan(600);
      expect((await slow)[0]?.energy).toBe(energyOfPair(1, 0.6));
    });
  });

  const nothing = { forces: null, stress: null, energies: null };

  test("arrays in frames of their own are answered as those in the header", async () => {
    await withDealer(served.endpoint, async (dealer) => {
      await dealer.send(framed(encodeEvaluate({ epoch: 3, id: 1 }, [pair(1), pair(9)], ["energy"])));
      const decoded = decodeMessage(await dealer.receive());
      if (!decoded.is("result")) throw new Error(decoded.message.kind);
      expect([...decoded.array("energy")]).toEqual([energyOfPair(1), energyOfPair(9)]);
    });
  });

  test("each request is answered exactly once, an id in use included", async () => {
    await withDealer(served.endpoint, async (dealer) => {
      const frames = encodeEvaluate({ epoch: 9, id: 3 }, [pair(1, 0.3)], ["energy"]);
      await dealer.send(frames);
      await dealer.send(frames);
      await dealer.send(encodeMessage({ kind: "ping", epoch: 9, id: 4 }));
      const kinds: string[] = [];
      while (!kinds.includes("result")) {
        const { message } = decodeMessage(await dealer.receive());
        if (message.kind !== "pong" || message.id !== 0) kinds.push(message.kind); // else it asks whether we are there
      }
      expect(kinds.filter((kind) => kind !== "busy").sort()).toEqual(["error", "pong", "result"]);
      dealer.receiveTimeout = 400;
      await expect(dealer.receive()).rejects.toMatchObject({ code: "EAGAIN" });
    });
  });

  test("busy comes several times a second, to who waits too, and says how many are ahead", async () => {
    await withDealer(served.endpoint, async (dealer) => {
      const slow = remote.evaluate([pair(1, 0.9)]);
      await remote.ping(); // what was sent before has arrived
      await dealer.send(encodeEvaluate({ epoch: 4, id: 1 }, [pair(2)], ["energy"]));
      const kinds: string[] = [];
      while (!kinds.includes("result")) {
        const { message } = decodeMessage(await dealer.receive());
        kinds.push(message.kind);
        if (message.kind === "busy") expect(message).toMatchObject({ epoch: 4, id: 1, ahead: 1 });
      }
      expect(kinds.length).toBeGreaterThan(2);
      expect(kinds.length).toBeLessThan(8);
      await slow;
    });
  });

  test("thousands of damaged messages, and the next valid request is answered", async () => {
    const [whole = new Uint8Array()] = encodeEvaluate({ epoch: 1, id: 2 }, [pair(1)], ["energy"]);
    const [header, ...arrays] = framed([whole]);
    const noise = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 4 });
    const bent = (frame: Uint8Array, ...others: readonly Uint8Array[]) =>
      fc.tuple(fc.nat(frame.byteLength - 1), fc.uint8Array({ minLength: 1, maxLength: 3 })).map(([at, bytes]) => {
        const copy = Uint8Array.from(frame);
        copy.set(bytes.subarray(0, copy.byteLength - at), at);
        return [copy, ...others];
      });
    const cut = fc.nat(header.byteLength - 1).map((end) => [header.slice(0, end), ...arrays]);
    const stray = noise.map((frames) => [header, ...frames]);
    const messages = fc.sample(fc.oneof(noise, bent(whole), bent(header, ...arrays), cut, stray), { numRuns: 3000, seed: 4 });
    await withDealer(served.endpoint, async (dealer) => {
      let answers = 0;
      for (let k = 0; k < messages.length; k += 40) {
        for (const frames of messages.slice(k, k + 40)) await dealer.send(frames.map((frame) => Buffer.from(frame)));
        await dealer.send(encodeMessage({ kind: "ping", epoch: 77, id: k }));
        for (;;) {
          const { message } = decodeMessage(await dealer.receive());
          if (message.kind === "pong" && message.epoch === 77 && message.id === k) break;
          if (message.kind !== "busy") answers++;
        }
      }
      // A bent header may happen to be a cancel or a bye, which have no answer, or a valid evaluate, which is answered later.
      expect(answers).toBeGreaterThan(messages.length / 2);
    });
    await expectItLives(remote, 6);
  });

  test("status counts what was asked, answered and refused", async () => {
    const before = await remote.statistics();
    await remote.evaluate([pair(1), pair(2), pair(3)]);
    await expect(remote.evaluate([{ ...pair(1), numbers: [101, 1] }])).rejects.toMatchObject({ code: "NOT_FINITE" });
    const after = await remote.statistics();
    const grew = (what: "answered" | "refused" | "structures" | "atoms") => after[what] - before[what];
    expect([grew("answered"), grew("refused"), grew("structures"), grew("atoms")]).toEqual([1, 1, 4, 8]);
    expect(after.waiting).toBe(0);
    expect(after.clients).toBeGreaterThan(0);
    expect(after.uptime).toBeGreaterThan(before.uptime);
    expect(after.memory).toBeGreaterThan(1e6);
    for (const { p50, p90, p99, max } of [after.latency, after.compute].filter((found) => found !== null))
      expect(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= max).toBe(true);
  });

  describe("cancel", () => {
    test("of what waits and of what runs: CANCELLED at once, and others are not delayed by the dead", async () => {
      const running = new AbortController();
      const waiting = new AbortController();
      const first = remote.evaluate([pair(1, 0.5)], ["energy"], { signal: running.signal });
      await remote.ping(); // so that the first is being computed: two that come together are computed together
      const second = remote.evaluate([pair(2, 30)], ["energy"], { signal: waiting.signal });
      const third = remote.evaluate([pair(3)]);
      waiting.abort();
      await expect(second).rejects.toMatchObject({ code: "CANCELLED" });
      running.abort();
      await expect(first).rejects.toMatchObject({ code: "CANCELLED" });
      expect((await third)[0]?.energy).toBe(energyOfPair(3));
    });

    test("before it is sent, and at the deadline", async () => {
      await expect(remote.evaluate([pair(1)], ["energy"], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CANCELLED" });
      await expect(remote.evaluate([pair(1, 0.8)], ["energy"], { deadlineMs: 200 })).rejects.toMatchObject({ code: "TIMEOUT" });
      await expectItLives(remote, 7);
    });

    test("by closing: what is owed is refused, and closing twice is fine", async () => {
      const other = await RemotePotential.connect(served.endpoint);
      const owed = other.evaluate([pair(1, 0.4)]);
      const refusal = expect(owed).rejects.toMatchObject({ code: "CANCELLED" });
      await other.close();
      await refusal;
      await other.close();
      await expect(other.evaluate([pair(1)])).rejects.toMatchObject({ code: "CANCELLED" });
      await expectItLives(remote, 8);
    });

    test("a server answers a withdrawn request once, with CANCELLED", async () => {
      await withDealer(served.endpoint, async (dealer) => {
        await dealer.send(encodeEvaluate({ epoch: 5, id: 1 }, [pair(1, 0.3)], ["energy"]));
        await dealer.send(encodeMessage({ kind: "cancel", epoch: 5, id: 1 }));
        await dealer.send(encodeEvaluate({ epoch: 5, id: 2 }, [pair(2)], ["energy"]));
        const answers: string[] = [];
        while (answers.length < 2) {
          const decoded = decodeMessage(await dealer.receive());
          if (decoded.is("error")) answers.push(`${decoded.message.id} ${decoded.message.code}`);
          if (decoded.is("result")) answers.push(`${decoded.message.id} ${decodeResult(decoded, [pair(2)])[0]?.energy}`);
        }
        expect(answers).toEqual(["1 CANCELLED", `2 ${energyOfPair(2)}`]);
      });
    });
  });

  test("200 interleaved requests of 5 clients: each gets its own answers", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => RemotePotential.connect(served.endpoint)));
    const asked = Array.from({ length: 200 }, async (_, k) => {
      const marks = Array.from({ length: 1 + (k % 3) }, (_, s) => 10 * k + s);
      const client = clients[k % clients.length] as RemotePotential;
      const evaluations = await client.evaluate(marks.map((mark) => pair(mark)));
      expect(evaluations.map(({ energy }) => energy)).toEqual(marks.map((mark) => energyOfPair(mark)));
    });
    await Promise.all(asked);
    await Promise.all(clients.map((client) => client.close()));
  });

  test("an endpoint where nobody answers, and one that is not ipc", async () => {
    await expect(RemotePotential.connect(`${served.endpoint}-none`, { connectMs: 200 })).rejects.toMatchObject({ code: "TIMEOUT" });
    await expect(RemotePotential.connect("tcp://127.0.0.1:5555")).rejects.toMatchObject({ code: "UNSUPPORTED", field: "endpoint" });
  });
}
