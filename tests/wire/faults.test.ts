import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { encodeEvaluate } from "../../src/wire/batch.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { Exchange } from "../../src/wire/exchange.ts";
import { painnless } from "../cli/run.ts";
import { damaged } from "../moments.ts";
import { ethanol, lattice, water } from "../systems.ts";
import { framed } from "./framed.ts";
import { sleep, withDealer, withServer } from "./in-process.ts";
import { type Serving, startServe, stop } from "./processes.ts";
import { energyOfPair, isAlive, pair } from "./served.ts";

const folder = mkdtempSync(join(tmpdir(), "painnless-faults-"));
afterAll(() => rmSync(folder, { recursive: true }));

const start = async (...argv: Parameters<typeof startServe>) => {
  const serving = await startServe(...argv);
  onTestFinished(() => stop(serving));
  return serving;
};
const say = (text: string) => process.stderr.write(`  ${text}\n`);
const seconds = (since: number) => (performance.now() - since) / 1e3;
const pathOf = ({ endpoint }: Serving) => endpoint.slice("ipc://".length);
const memoryOf = async (client: RemotePotential) => (await client.statistics()).memory / 2 ** 20;

test("SIGSTOP of the server: TIMEOUT after the silence that was agreed on, and it goes on where it was stopped", async () => {
  const { endpoint, child } = await start();
  const client = await RemotePotential.connect(endpoint, { silenceMs: 1_000 });
  child.kill("SIGSTOP");
  const stopped = performance.now();
  await expect(client.evaluate([ethanol])).rejects.toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("no sign of life") });
  expect(seconds(stopped)).toBeLessThan(2);
  say(`server stopped: TIMEOUT after ${seconds(stopped).toFixed(2)} s`);
  child.kill("SIGCONT");
  expect((await client.evaluate([ethanol])).length).toBe(1);
  await client.close();
});

test("two servers at one endpoint: the second is refused, and the first serves on", async () => {
  const { endpoint } = await start(["--endpoint", `ipc://${join(folder, "two/wire")}`]);
  const second = await painnless("serve", "models/ethanol.safetensors", "--endpoint", endpoint);
  expect(second).toMatchObject({ status: 2, err: expect.stringContaining("another server is there") });
  expect(JSON.parse(second.out)).toMatchObject({ format: "painnless.serve/1", error: { code: "USAGE", field: "endpoint" } });
  const client = await RemotePotential.connect(endpoint);
  expect((await client.evaluate([water])).length).toBe(1);
  await client.close();
});

test(`${damaged} damaged messages: an error or nothing, the next request is answered, and memory is flat`, async () => {
  const { endpoint } = await start();
  const client = await RemotePotential.connect(endpoint);
  const valid = framed(encodeEvaluate({ epoch: 1, id: 2 }, [water], ["energy"]));
  const [whole = new Uint8Array()] = encodeEvaluate({ epoch: 1, id: 2 }, [water], ["energy"]);
  const [header, ...arrays] = valid;
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
  const kinds = ["hello", "evaluate", "dynamics", "ping", "status", "cancel", "result", "welcome", "done"].map((kind) => Buffer.from(kind));
  const messages = fc.oneof(
    fc.array(bytes(60), { minLength: 1, maxLength: 9 }),
    // headers bent, cut or with a piece of another kind, and arrays that do not fit
    fc.tuple(fc.nat(header.byteLength - 1), bytes(4)).map(([at, patch]) => [patched(header, at, patch), ...arrays]),
    fc.tuple(fc.nat(header.byteLength - 1), fc.constantFrom(...kinds)).map(([at, kind]) => [patched(header, at, kind), ...arrays]),
    fc.tuple(fc.nat(whole.byteLength - 1), bytes(4)).map(([at, patch]) => [patched(whole, at, patch)]),
    fc.nat(header.byteLength).map((end) => [header.slice(0, end), ...arrays]),
    fc.tuple(fc.nat(4), bytes(80)).map(([k, wrong]) => [header, ...arrays.with(k, wrong)]),
    fc.shuffledSubarray(valid, { minLength: 1 }),
  );
  const samples = fc.sample(messages, { numRuns: Math.min(damaged, 10_000), seed: 5 });
  const round = async (dealer: Parameters<Parameters<typeof withDealer>[1]>[0], from: number) => {
    for (let k = 0; k < 40; k++) await dealer.send((samples[(from + k) % samples.length] ?? []).map((frame) => Buffer.from(frame)));
    await dealer.send(encodeMessage({ kind: "ping", epoch: 77, id: from }));
    for (;;) {
      const { message } = decodeMessage(await dealer.receive());
      if (message.kind === "pong" && message.id === from && message.epoch === 77) return;
    }
  };
  await withDealer(endpoint, async (dealer) => {
    const began = performance.now();
    let before = 0;
    for (let from = 0; from < damaged; from += 40) {
      if (from <= damaged / 4) before = await memoryOf(client); // V8 has what it wants by then
      await round(dealer, from);
    }
    const after = await memoryOf(client);
    say(`${damaged} damaged messages in ${seconds(began).toFixed(1)} s: ${before.toFixed(0)} MiB -> ${after.toFixed(0)} MiB`);
    expect(after - before).toBeLessThan(64);
  });
  expect((await client.evaluate([ethanol])).length).toBe(1);
  expect((await client.statistics()).malformed).toBeGreaterThan(damaged / 2);
  await client.close();
}, 600_000);

function patched(header: Uint8Array, at: number, patch: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(header);
  copy.set(patch.subarray(0, copy.byteLength - at), at);
  return copy;
}

describe("connections that are no clients", () => {
  /** The beginning of ZeroMQ's handshake. */
  const greeting = Buffer.concat([Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]), Buffer.from("NULL"), Buffer.alloc(48)]);
  const ready = Buffer.from("041905524541445900000000", "hex");
  /** One that is not taken, because too many wait already, is as good. */
  const open = (target: NetConnectOpts) =>
    new Promise<Socket>((resolve) => {
      const socket = connect(target, () => resolve(socket)).on("error", () => resolve(socket));
    });

  test("half a message and then silence: others are answered", async () => {
    const server = await start();
    const client = await RemotePotential.connect(server.endpoint);
    const halves = [Buffer.alloc(1, 0xff), greeting.subarray(0, 20), greeting, Buffer.concat([greeting, ready])];
    const sockets = await Promise.all(halves.map(() => open({ path: pathOf(server) })));
    sockets.forEach((socket, k) => {
      socket.write(halves[k] ?? "");
    });
    const began = performance.now();
    for (let k = 0; k < 20; k++) expect((await client.evaluate([water])).length).toBe(1);
    expect(seconds(began)).toBeLessThan(5);
    for (const socket of sockets) socket.destroy();
    await client.close();
  });

  test("more than there are file descriptors, over tcp: the server lives, and answers when they are gone", async () => {
    const keys = ["server", "client"].map((name) => join(folder, name));
    for (const key of keys) await painnless("keys", key);
    const [key = "", clientKey = ""] = keys;
    const { endpoint } = await start(["--endpoint", "tcp://127.0.0.1:*", "--key", key, "--clients", `${clientKey}.pub`], "ulimit -n 300");
    const named = `${endpoint}?key=${clientKey}&server=${key}.pub`;
    const port = Number(endpoint.split(":").at(-1));
    const client = await RemotePotential.connect(named);
    const sockets = await Promise.all(Array.from({ length: 500 }, () => open({ port, host: "127.0.0.1" })));
    await sleep(200);
    expect((await client.evaluate([water])).length).toBe(1);
    for (const socket of sockets) socket.destroy();
    await sleep(200);
    const late = await RemotePotential.connect(named, { connectMs: 10_000 });
    expect((await late.evaluate([ethanol])).length).toBe(1);
    await late.close();
    await client.close();
  });

  test("the same over ipc, where libzmq 4.3.5 ends the process: clients hear it at once, and another server takes its place", async () => {
    const path = join(folder, "out-of-files/wire");
    const server = await start(["--endpoint", `ipc://${path}`], "ulimit -c 0 -n 300");
    const client = await RemotePotential.connect(server.endpoint);
    const sockets: Socket[] = [];
    // a busy server takes few of those that come at once, so they come until it has ended
    for (let lives = true; lives; lives = await Promise.race([server.ended.then(() => false), sleep(50).then(() => true)])) {
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open({ path })))));
    }
    const refused = performance.now();
    await expect(client.evaluate([water])).rejects.toMatchObject({ code: "WORKER_DIED" });
    expect(seconds(refused)).toBeLessThan(2);
    for (const socket of sockets) socket.destroy();
    const { endpoint } = await start(["--endpoint", `ipc://${path}`]);
    const late = await RemotePotential.connect(endpoint);
    expect((await late.evaluate([ethanol])).length).toBe(1);
    await late.close();
  });
});

test("a client that sends and never reads: memory is bounded, and others are answered", async () => {
  const { endpoint } = await start(["--max-queue", "200"]);
  const client = await RemotePotential.connect(endpoint);
  await client.evaluate([ethanol]);
  await withDealer(
    endpoint,
    async (deaf) => {
      const frames = (id: number) => encodeEvaluate({ epoch: 4, id }, [lattice(60, 3)], ["energy", "forces"]);
      for (let id = 0; id < 200; id++) await deaf.send(frames(id));
      const before = await memoryOf(client);
      let worst = 0;
      for (let id = 200; id < 3_000; id++) {
        await deaf.send(frames(id));
        if (id % 500 === 0) {
          const asked = performance.now();
          expect((await client.evaluate([ethanol])).length).toBe(1);
          worst = Math.max(worst, seconds(asked));
        }
      }
      const after = await memoryOf(client);
      say(
        `3,000 requests and nobody reads: ${before.toFixed(0)} MiB -> ${after.toFixed(0)} MiB; others waited at most ${worst.toFixed(2)} s`,
      );
      expect(after - before).toBeLessThan(150);
      expect(worst).toBeLessThan(5);
    },
    { receiveHighWaterMark: 10 },
  );
  await client.close();
});

test("10,000 interleaved requests of 8 clients: each gets its own answers", async () => {
  await withServer({}, async (server, sizes) => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => RemotePotential.connect(server.endpoint)));
    const began = performance.now();
    const asked = Array.from({ length: 10_000 }, async (_, k) => {
      const marks = Array.from({ length: 1 + (k % 3) }, (_, s) => 10 * k + s);
      const evaluations = (await clients[k % 8]?.evaluate(marks.map((mark) => pair(mark)))) ?? [];
      return evaluations.length === marks.length && evaluations.every(({ energy }, s) => energy === energyOfPair(marks[s] ?? 0));
    });
    expect((await Promise.all(asked)).filter((right) => !right).length).toBe(0);
    say(`10,000 requests of 8 clients in ${seconds(began).toFixed(1)} s, in ${sizes.length} calls of the engine`);
    await Promise.all(clients.map((client) => client.close()));
  });
}, 60_000);

test("logs on a full disk, or to a pipe that nobody reads: requests are answered", async () => {
  for (const log of [["--log", "/dev/full"], []]) {
    const { endpoint, child, ended } = await start(log);
    child.stderr?.destroy();
    for (let k = 0; k < 50; k++) {
      const client = await RemotePotential.connect(endpoint);
      expect((await client.evaluate([water])).length).toBe(1);
      await client.close();
    }
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 0 });
  }
  const refused = await painnless("serve", "models/ethanol.safetensors", "--log", join(folder, "no/such/folder/log"));
  expect(refused).toMatchObject({ status: 2, err: expect.stringContaining("cannot write log file") });
});

describe("SIGTERM", () => {
  test("what is owed is answered, nothing new is taken, status 0", async () => {
    const server = await start(["--side", "ase:sleepy:Sleepy"]);
    const client = await RemotePotential.connect(server.endpoint);
    const owed = client.evaluate([pair(3, 0.5)]);
    await client.ping();
    server.child.kill("SIGTERM");
    const began = performance.now();
    await sleep(50);
    await expect(RemotePotential.connect(server.endpoint, { connectMs: 2_000 })).rejects.toMatchObject({ code: "CANCELLED" });
    expect((await owed)[0]?.energy).toBe(energyOfPair(3, 0.5));
    expect(await server.ended).toMatchObject({ status: 0 });
    expect(seconds(began)).toBeLessThan(3);
    expect(existsSync(pathOf(server))).toBe(false);
    await expect(client.evaluate([pair(1)])).rejects.toMatchObject({ code: "WORKER_DIED" });
    say(`SIGTERM with a request of 0.5 s: answered, ended after ${seconds(began).toFixed(2)} s`);
  });

  test("an evaluation that takes too long is given up: CANCELLED, and the process ends within 5 s with status 0", async () => {
    const server = await start();
    const client = await RemotePotential.connect(server.endpoint);
    const refused = expect(client.evaluate([lattice(200_000, 1.6)])).rejects.toMatchObject({ code: "CANCELLED" });
    await client.ping();
    await sleep(500);
    server.child.kill("SIGTERM");
    const began = performance.now();
    expect(await server.ended).toMatchObject({ status: 0, signal: null });
    expect(seconds(began)).toBeLessThan(5);
    await refused;
    say(`SIGTERM while the engine works for long: ended after ${seconds(began).toFixed(2)} s`);
    await client.close();
    expect(isAlive(server.pid)).toBe(false);
  });
});

describe("sizes at the edge", () => {
  test("10^6 atoms and one more are refused before anything is computed", async () => {
    const { endpoint } = await start();
    const exchange = new Exchange({ endpoint, curve: null }, 10_000);
    const began = performance.now();
    const asked = exchange.request("large", (address) => encodeEvaluate(address, [lattice(1_000_001, 7)], ["energy"]));
    await expect(asked).rejects.toMatchObject({ code: "BAD_STRUCTURE", field: "numbers" });
    say(`10^6 + 1 atoms: refused after ${seconds(began).toFixed(2)} s`);
    expect(seconds(began)).toBeLessThan(10);
    await exchange.close();
  });

  test("a request that is withdrawn while it runs: CANCELLED at once", async () => {
    const { endpoint } = await start();
    const client = await RemotePotential.connect(endpoint);
    const abort = new AbortController();
    const asked = client.evaluate([lattice(20_000, 1.6)], ["energy", "forces"], { signal: abort.signal });
    const refused = expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
    await client.ping();
    abort.abort();
    const began = performance.now();
    await refused;
    await expect.poll(async () => (await client.statistics()).waiting).toBe(0);
    say(`withdrawn while it runs: the server has forgotten it after ${(1e3 * seconds(began)).toFixed(0)} ms`);
    await client.close();
  });
});
