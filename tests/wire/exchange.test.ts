import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Context, Router } from "zeromq";
import type { Address } from "../../src/wire/batch.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/codec.ts";
import { Exchange } from "../../src/wire/exchange.ts";
import type { Message } from "../../src/wire/messages.ts";

/** A server that answers what the test tells it to. */
let folder: string;
let router: Router;
let exchange: Exchange;
const silenceMs = 600;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "painnless-exchange-"));
  router = new Router({ context: new Context({ blocky: false }), linger: 0, receiveTimeout: 5_000 });
  await router.bind(`ipc://${folder}/wire`);
  exchange = new Exchange({ endpoint: `ipc://${folder}/wire`, curve: null }, silenceMs);
});

afterEach(async () => {
  await exchange.close();
  router.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = () => exchange.request("ping", (address) => encodeMessage({ kind: "ping", ...address }));

async function hear(): Promise<{ client: Uint8Array; message: Message; address: Address }> {
  const [client, ...frames] = await router.receive();
  const { message } = decodeMessage(frames);
  if (client === undefined || !("id" in message) || message.epoch === null || message.id === null) throw new Error(message.kind);
  return { client, message, address: { epoch: message.epoch, id: message.id } };
}

const say = (client: Uint8Array, message: Message) => router.send([client, ...encodeMessage(message)]);

test("an answer of another epoch, or to another id, is not taken", async () => {
  const asked = ask();
  const { client, address } = await hear();
  const other = { ...address, epoch: (address.epoch + 1) >>> 0 };
  await say(client, { kind: "error", ...other, code: "INTERNAL", message: "not for you", field: null });
  await say(client, { kind: "pong", ...other });
  await say(client, { kind: "pong", ...address, id: address.id + 1 });
  await say(client, { kind: "busy", ...address, ahead: 0 });
  await say(client, { kind: "pong", ...address });
  expect((await asked).message).toEqual({ kind: "pong", ...address });
});

test("an error that names nobody is everybody's, and the exchange goes on", async () => {
  const asked = [ask(), ask()];
  const { client } = await hear();
  await hear();
  await say(client, { kind: "error", epoch: null, id: null, code: "BAD_MESSAGE", message: "what?", field: null });
  for (const answer of asked) await expect(answer).rejects.toMatchObject({ code: "BAD_MESSAGE", message: "what?" });
  const again = ask();
  await say(client, { kind: "pong", ...(await hear()).address });
  expect((await again).is("pong")).toBe(true);
});

test("an answer that does not follow the protocol is an error of the request it names, or of all", async () => {
  const asked = ask();
  const { client, address } = await hear();
  await router.send([client, ...encodeMessage({ kind: "pong", ...address }), "a frame too many"]);
  await expect(asked).rejects.toMatchObject({ code: "BAD_MESSAGE" });
  const again = ask();
  await hear();
  await router.send([client, Uint8Array.of(0xd9, 200)]);
  await expect(again).rejects.toMatchObject({ code: "BAD_MESSAGE" });
});

test("bye from the server refuses what is owed and all that comes", async () => {
  const asked = ask();
  const { client, address } = await hear();
  await say(client, { kind: "bye", epoch: address.epoch });
  await expect(asked).rejects.toMatchObject({ code: "WORKER_DIED" });
  await expect(ask()).rejects.toMatchObject({ code: "WORKER_DIED" });
});

test("silence: first a ping, then TIMEOUT and a cancel; a server never met is only waited for", async () => {
  const unmet = exchange.request("hello", (address) => encodeMessage({ kind: "ping", ...address }), { deadlineMs: 2 * silenceMs });
  const { client, address } = await hear();
  await new Promise((resolve) => setTimeout(resolve, 1.3 * silenceMs));
  await say(client, { kind: "pong", ...address });
  await unmet;
  const asked = ask();
  await expect(asked).rejects.toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("no sign of life") });
  const heard: string[] = [];
  while (!heard.includes("cancel")) heard.push((await hear()).message.kind);
  expect(heard).toContain("ping");
});

test("our own standstill is not the server's silence", async () => {
  const first = ask();
  const { client, address } = await hear();
  await say(client, { kind: "pong", ...address });
  await first;
  const asked = ask();
  const second = await hear();
  const end = Date.now() + 2 * silenceMs;
  while (Date.now() < end); // the event loop stands still
  await say(client, { kind: "pong", ...second.address });
  expect((await asked).is("pong")).toBe(true);
});

test("large messages sent at once arrive whole: one writer, buffers of their own", async () => {
  const client = "x".repeat(190);
  const asked = Array.from({ length: 30 }, (_, k) =>
    exchange.request("hello", (address) => encodeMessage({ kind: "hello", ...address, protocol: k + 1, model: null, client })),
  );
  for (let k = 0; k < asked.length; k++) {
    const heard = await hear();
    expect(heard.message).toMatchObject({ kind: "hello", protocol: k + 1, client });
    await say(heard.client, { kind: "pong", ...heard.address });
  }
  await Promise.all(asked);
});

test("many requests wait for one signal, and Node has no leak to warn of; it withdraws them all", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on("warning", note);
  const controller = new AbortController();
  const encode = (address: Address) => encodeMessage({ kind: "ping", ...address });
  const owed = Array.from({ length: 30 }, () => exchange.request("ping", encode, { signal: controller.signal }));
  await hear();
  controller.abort();
  for (const one of owed) await expect(one).rejects.toMatchObject({ code: "CANCELLED" });
  process.off("warning", note);
  expect(warnings).toEqual([]);
});
