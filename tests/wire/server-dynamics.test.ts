import { expect, test } from "vitest";
import type { Dealer } from "zeromq";
import { PainnlessError } from "../../src/errors.ts";
import type { Frame } from "../../src/system/frame.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { ArrayWriter, type DecodedMessage, decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import type { MessageOf } from "../../src/wire/messages.ts";
import type { MotionRequest, MotionSession, OpenMotion } from "../../src/wire/motion.ts";
import { sleep, withDealer, withServer } from "./in-process.ts";
import { energyOfPair, pair } from "./served.ts";

/** Moves nothing: frame k says k in every number. `made` counts frames, `closed` sessions. */
function fakeMotion(events: { made: number; closed: number }, stopAt = Number.POSITIVE_INFINITY): OpenMotion {
  return async ({ structure, options, velocities }: MotionRequest): Promise<MotionSession> => {
    const { steps, replicas = 1, msPerStep = 0 } = options as { steps: number; replicas?: number; msPerStep?: number };
    if (!(steps >= 0)) throw new PainnlessError("USAGE", `steps is ${steps}`, { field: "steps" });
    const size = 3 * replicas * structure.numbers.length;
    const frame = (k: number): Frame => ({
      ...{ step: k, time: k / 2, potential: new Float64Array(replicas).fill(k), kinetic: new Float64Array(replicas).fill(k) },
      ...{ positions: new Float64Array(size).fill(k), forces: new Float64Array(size).fill(k) },
      velocities: velocities?.map((v) => v + k) ?? new Float64Array(size).fill(k),
    });
    let step = 0;
    return {
      get step() {
        return step;
      },
      ...{ options: { steps, replicas, frameEvery: 1 }, energyOffset: 100 },
      async advance(count, signal) {
        const frames: Frame[] = step === 0 ? [frame(0)] : [];
        for (let k = 0; k < count && step < Math.min(steps, stopAt) && signal?.aborted !== true; k++) {
          if (msPerStep > 0) await sleep(msPerStep);
          frames.push(frame(++step));
        }
        events.made += frames.length;
        return { frames, stop: step >= stopAt ? { reason: "distance", step: step + 1 } : null, seconds: (count * msPerStep) / 1e3 };
      },
      async close() {
        events.closed++;
      },
    };
  };
}

function dynamicsFrames(id: number, options: Record<string, unknown>, velocities: Float64Array | null = null): Uint8Array[] {
  const writer = new ArrayWriter();
  const { name, numbers, positions } = pair(3);
  return encodeMessage(
    {
      ...{ kind: "dynamics", epoch: 8, id, name, options },
      numbers: writer.add(Int32Array.from(numbers)),
      positions: writer.add(positions),
      cells: writer.add(new Float64Array(9)),
      pbc: writer.add(new Uint8Array(3)),
      velocities: velocities && writer.add(velocities),
    },
    writer.frames,
  );
}

/** Frames up to the answer. */
async function runOf(dealer: Dealer): Promise<{ frames: DecodedMessage<MessageOf<"frame">>[]; end: DecodedMessage }> {
  const frames: DecodedMessage<MessageOf<"frame">>[] = [];
  for (;;) {
    const decoded = decodeMessage(await dealer.receive());
    if (decoded.is("frame")) frames.push(decoded);
    else if (!decoded.is("busy")) return { frames, end: decoded };
  }
}

test("frames come in order, whole, and then done", async () => {
  const events = { made: 0, closed: 0 };
  await withServer({ openMotion: fakeMotion(events) }, async (server) => {
    await withDealer(server.endpoint, async (dealer) => {
      const velocities = Float64Array.from({ length: 12 }, (_, k) => k / 8);
      await dealer.send(dynamicsFrames(1, { steps: 500, replicas: 2 }, velocities));
      const { frames, end } = await runOf(dealer);
      expect(end.message).toMatchObject({ kind: "done", epoch: 8, id: 1, step: 500, stop: null });
      expect(frames.map(({ message }) => message.step)).toEqual(Array.from({ length: 501 }, (_, k) => k));
      const last = frames.at(-1);
      if (last === undefined) throw new Error("no frame");
      expect(last.message).toMatchObject({ epoch: 8, id: 1, time: 250 });
      expect(last.array("energy")).toEqual(Float64Array.of(600, 600));
      expect(last.array("net")).toEqual(Float64Array.of(500, 500));
      expect(last.array("velocities")).toEqual(velocities.map((v) => v + 500));
      expect(last.array("positions")).toEqual(new Float64Array(12).fill(500));
    });
    expect(events).toEqual({ made: 501, closed: 1 });
  });
});

test("a run that cannot go on says why; one that cannot begin is refused by the name of the option", async () => {
  const events = { made: 0, closed: 0 };
  await withServer({ openMotion: fakeMotion(events, 10) }, async (server) => {
    await withDealer(server.endpoint, async (dealer) => {
      await dealer.send(dynamicsFrames(1, { steps: 500 }));
      const { frames, end } = await runOf(dealer);
      expect(frames.length).toBe(11);
      expect(end.message).toMatchObject({ kind: "done", step: 10, stop: { reason: "distance", step: 11 } });
      await dealer.send(dynamicsFrames(2, { steps: -1 }));
      expect((await runOf(dealer)).end.message).toMatchObject({ kind: "error", id: 2, code: "USAGE", field: "steps" });
    });
    expect(events.closed).toBe(1);
  });
});

test("a run is withdrawn, at once; one whose client has gone ends too", async () => {
  const events = { made: 0, closed: 0 };
  await withServer({ openMotion: fakeMotion(events) }, async (server) => {
    await withDealer(server.endpoint, async (dealer) => {
      await dealer.send(dynamicsFrames(1, { steps: 1e9, msPerStep: 1 }));
      await dealer.receive();
      await dealer.send(encodeMessage({ kind: "cancel", epoch: 8, id: 1 }));
      expect((await runOf(dealer)).end.message).toMatchObject({ kind: "error", id: 1, code: "CANCELLED" });
      await dealer.send(dynamicsFrames(2, { steps: 1e9, msPerStep: 1 }));
      await dealer.receive();
    });
    await expect.poll(() => events.closed, { timeout: 2_000 }).toBe(2);
  });
});

test("others are answered while it runs", async () => {
  const events = { made: 0, closed: 0 };
  await withServer({ openMotion: fakeMotion(events) }, async (server) => {
    const client = await RemotePotential.connect(server.endpoint);
    expect(client.welcome.dynamics).toBe(true);
    await withDealer(server.endpoint, async (dealer) => {
      await dealer.send(dynamicsFrames(1, { steps: 1e9, msPerStep: 1 }));
      await dealer.receive();
      await sleep(300); // stretches have grown to their length
      const start = performance.now();
      for (let k = 0; k < 5; k++) expect((await client.evaluate([pair(k)]))[0]?.energy).toBe(energyOfPair(k));
      expect((performance.now() - start) / 5).toBeLessThan(1000); // the run takes 1e6 s; a stretch of it a twentieth of one
    });
    await client.close();
  });
});

test("a run is answered like any request, but is no time that an evaluation took", async () => {
  await withServer({ openMotion: fakeMotion({ made: 0, closed: 0 }) }, async (server) => {
    const client = await RemotePotential.connect(server.endpoint);
    await withDealer(server.endpoint, async (dealer) => {
      await dealer.send(dynamicsFrames(1, { steps: 20, msPerStep: 2 }));
      expect((await runOf(dealer)).end.message).toMatchObject({ kind: "done", step: 20 });
    });
    expect(await client.statistics()).toMatchObject({ answered: 1, latency: null, compute: null });
    await client.evaluate([pair(1)]);
    expect(await client.statistics()).toMatchObject({ answered: 2, latency: { p50: expect.any(Number) }, batches: 1 });
    await client.close();
  });
});

test("who reads slowly holds his own run back, and memory is bounded", async () => {
  const events = { made: 0, closed: 0 };
  await withServer({ openMotion: fakeMotion(events) }, async (server) => {
    await withDealer(
      server.endpoint,
      async (dealer) => {
        await dealer.send(dynamicsFrames(1, { steps: 4_000, replicas: 50 }));
        await dealer.receive();
        await sleep(300);
        const before = events.made;
        await sleep(200);
        expect(events.made).toBe(before); // it stands still
        expect(events.made).toBeLessThan(2_000);
        const { frames, end } = await runOf(dealer);
        expect(end.message).toMatchObject({ kind: "done", step: 4_000 });
        expect(frames.map(({ message }) => message.step)).toEqual(Array.from({ length: 4_000 }, (_, k) => k + 1));
      },
      { receiveHighWaterMark: 10 },
    );
  });
});
