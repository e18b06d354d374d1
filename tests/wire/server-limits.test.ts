import { expect, test } from "vitest";
import { PainnlessError } from "../../src/errors.ts";
import { encodeEvaluate } from "../../src/wire/batch.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { Exchange } from "../../src/wire/exchange.ts";
import { type Limits, protocolVersion } from "../../src/wire/messages.ts";
import { sleep, withDealer, withServer } from "./in-process.ts";
import { energyOfPair, pair } from "./served.ts";
import { sleepyPotential } from "./sleepy.mjs";

const limits = { atoms: 10, structures: 3, bytes: 3_000, queue: 4, clients: 2 } satisfies Limits;
const exchangeOf = (endpoint: string) => new Exchange({ endpoint, curve: null }, 10_000);
const atoms = (n: number) => ({
  ...pair(1),
  numbers: new Array<number>(n).fill(1),
  positions: Float64Array.from({ length: 3 * n }, (_, k) => (k === 0 ? 0 : k)),
});

test("what is beyond a limit is refused by name, by the client before it is sent and by the server", async () => {
  const potential = { ...sleepyPotential(PainnlessError), domain: { elements: null, maxAtoms: 10, periodic: true } };
  await withServer({ limits, potential }, async (server) => {
    const client = await RemotePotential.connect(server.endpoint);
    expect(client.welcome.limits).toEqual(limits);
    const exchange = exchangeOf(server.endpoint);
    const long = { ...pair(1), name: "x".repeat(4_000) };
    for (const [batch, code, field] of [
      [[atoms(11)], "BAD_STRUCTURE", "numbers"],
      [[pair(1), pair(2), pair(3), pair(4)], "BAD_STRUCTURE", "names"],
      [[long], "BAD_MESSAGE", null],
    ] as const) {
      await expect(client.evaluate(batch)).rejects.toMatchObject({ code: "BAD_STRUCTURE" });
      const asked = exchange.request("large", (address) => encodeEvaluate(address, batch, ["energy"]));
      await expect(asked).rejects.toMatchObject({ code, field });
    }
    expect((await client.evaluate([atoms(10)]))[0]?.forces?.length).toBe(30);
    await exchange.close();
    await client.close();
  });
});

test("a client whose queue is full is told so, and what waits is answered", async () => {
  await withServer({ limits }, async (server) => {
    const exchange = exchangeOf(server.endpoint);
    const ask = (mark: number, seconds = 0) =>
      exchange.request("one", (address) => encodeEvaluate(address, [pair(mark, seconds)], ["energy"]));
    const asked = [ask(0, 0.2), ask(1), ask(2), ask(3)];
    await expect(ask(4)).rejects.toMatchObject({ code: "OVERLOADED", message: expect.stringContaining("4 requests") });
    for (const answer of await Promise.all(asked)) expect(answer.is("result")).toBe(true);
    expect((await ask(5)).is("result")).toBe(true);
    await exchange.close();
  });
});

test("bytes that wait are bounded over all clients", async () => {
  await withServer({ limits: { ...limits, queue: 100 } }, async (server) => {
    const exchange = exchangeOf(server.endpoint);
    const named = (k: number, seconds: number) => ({ ...pair(k, seconds), name: "x".repeat(2_000) });
    const asked = Array.from({ length: 8 }, (_, k) =>
      exchange.request("one", (address) => encodeEvaluate(address, [named(k, k === 0 ? 0.2 : 0)], ["energy"])),
    );
    const codes = (await Promise.allSettled(asked)).map((answer) => (answer.status === "fulfilled" ? "result" : answer.reason.code));
    expect(codes).toEqual([...new Array(5).fill("result"), ...new Array(3).fill("OVERLOADED")]);
    await exchange.close();
  });
});

test("the seats of clients that left, or whose process is gone, are free again", async () => {
  await withServer({ limits }, async (server) => {
    const [first, second] = [await RemotePotential.connect(server.endpoint), await RemotePotential.connect(server.endpoint)];
    await expect(RemotePotential.connect(server.endpoint)).rejects.toMatchObject({
      code: "OVERLOADED",
      message: expect.stringContaining("2 clients"),
    });
    await first.close();
    await clientsAre(1, server.endpoint);
    const third = await RemotePotential.connect(server.endpoint);
    await withDealer(server.endpoint, async () => {}); // nobody who said anything takes a seat
    await second.close();
    await clientsAre(1, server.endpoint);
    // One that goes without a word: its socket is closed, and no bye was sent.
    await withDealer(server.endpoint, async (dealer) => {
      await dealer.send(encodeMessage({ kind: "hello", epoch: 1, id: 1, protocol: protocolVersion, model: null, client: "silent" }));
      expect(decodeMessage(await dealer.receive()).message.kind).toBe("welcome");
    });
    await clientsAre(1, server.endpoint);
    const fourth = await RemotePotential.connect(server.endpoint);
    await Promise.all([third.close(), fourth.close()]);
  });
});

test("who knocks while another leaves gets the seat, though the bye comes after the hello", async () => {
  await withServer({ limits: { ...limits, clients: 1 } }, async (server) => {
    await withDealer(server.endpoint, (leaving) =>
      withDealer(server.endpoint, async (coming) => {
        const hello = (id: number) =>
          encodeMessage({ kind: "hello", epoch: 1, id, protocol: protocolVersion, model: null, client: "of two" });
        await leaving.send(hello(1));
        expect(decodeMessage(await leaving.receive()).message.kind).toBe("welcome");
        await coming.send(hello(2));
        await sleep(10);
        await leaving.send(encodeMessage({ kind: "bye", epoch: 1 }));
        expect(decodeMessage(await coming.receive()).message.kind).toBe("welcome");
      }),
    );
  });
});

/** Waits until the server has heard who left: a bye on one line and a hello on another may cross. */
async function clientsAre(count: number, endpoint: string): Promise<void> {
  const exchange = exchangeOf(endpoint);
  for (;;) {
    const { message } = await exchange.request("status", (address) => encodeMessage({ kind: "status", ...address }));
    if (message.kind === "statistics" && message.clients === count) break;
    await sleep(5);
  }
  await exchange.close();
}

test("a client that reads slowly gets all its answers, and holds up nobody", async () => {
  await withServer({}, async (server) => {
    const client = await RemotePotential.connect(server.endpoint);
    await withDealer(
      server.endpoint,
      async (dealer) => {
        const count = 300;
        const send = async () => {
          for (let k = 0; k < count; k++) await dealer.send(encodeEvaluate({ epoch: 3, id: k }, [atoms(400)], ["energy", "forces"]));
        };
        const sending = send();
        await sleep(300);
        expect((await client.evaluate([pair(1)]))[0]?.energy).toBe(energyOfPair(1));
        const ids = new Set<number>();
        while (ids.size < count) {
          const { message } = decodeMessage(await dealer.receive());
          if (message.kind === "result") ids.add(message.id);
          else expect(message.kind).toBe("busy");
        }
        await sending;
      },
      { receiveHighWaterMark: 10 },
    );
    await client.close();
  });
});
