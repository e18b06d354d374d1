import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Context, Dealer } from "zeromq";
import { RemotePotential } from "../../src/wire/client.ts";
import { encodeMessage } from "../../src/wire/codec.ts";
import { keyFile, newKeyPair, parseKeyFile, parsePublicKeys, publicLine } from "../../src/wire/curve.ts";
import { painnless } from "../cli/run.ts";
import { withServer } from "./in-process.ts";
import { energyOfPair, pair } from "./served.ts";

const folder = mkdtempSync(join(tmpdir(), "painnless-curve-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

const [server, listed, alsoListed, stranger] = [newKeyPair(), newKeyPair(), newKeyPair(), newKeyPair()];
for (const [name, pair] of Object.entries({ server, listed, alsoListed, stranger })) {
  writeFileSync(path(name), keyFile(pair));
  writeFileSync(path(`${name}.pub`), publicLine(pair, name));
}
const curve = { pair: server, clients: new Set([listed.publicKey, alsoListed.publicKey]) };
const withKeys = (endpoint: string, key: string, of = "server.pub") => `${endpoint}?key=${path(key)}&server=${path(of)}`;

describe("over tcp", () => {
  test("clients whose keys are listed are served; nobody else gets a word", async () => {
    await withServer({ endpoint: "tcp://127.0.0.1:*", curve }, async ({ endpoint }) => {
      expect(endpoint).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
      for (const name of ["listed", "alsoListed"]) {
        const client = await RemotePotential.connect(withKeys(endpoint, name));
        expect((await client.evaluate([pair(5)]))[0]?.energy).toBe(energyOfPair(5));
        await client.close();
      }
      const alone = RemotePotential.connect(withKeys(endpoint, "stranger"), { connectMs: 500 });
      await expect(alone).rejects.toMatchObject({
        code: "UNSUPPORTED",
        field: "key",
        message: expect.stringContaining(stranger.publicKey),
      });
      const mistaken = RemotePotential.connect(withKeys(endpoint, "listed", "stranger.pub"), { connectMs: 500 });
      await expect(mistaken).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining(stranger.publicKey) });
      await expect(RemotePotential.connect(endpoint)).rejects.toMatchObject({
        code: "UNSUPPORTED",
        message: expect.stringContaining("plaintext"),
      });
      const plain = new Dealer({ context: new Context({ blocky: false }), linger: 0, receiveTimeout: 400, sendTimeout: 400 });
      plain.connect(endpoint);
      await plain.send(encodeMessage({ kind: "ping", epoch: 1, id: 1 })).catch(() => undefined);
      await expect(plain.receive()).rejects.toMatchObject({ code: "EAGAIN" });
      plain.close();
      // And the listed are served as before.
      const client = await RemotePotential.connect(withKeys(endpoint, "listed"));
      const { clients, malformed } = await client.statistics();
      expect([clients, malformed]).toEqual([1, 0]);
      await client.close();
    });
  });

  test("a port in use is said to be", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const endpoint = `tcp://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
    const started = withServer({ endpoint, curve }, async () => {});
    await expect(started).rejects.toMatchObject({ code: "USAGE", field: "endpoint", message: expect.stringContaining("in use") });
    await new Promise((resolve) => other.close(resolve));
  });

  test.each([
    ["a host that is not ours", "tcp://192.0.2.1:5555"],
    ["no port", "tcp://127.0.0.1"],
  ])("%s is refused", async (_, endpoint) => {
    await expect(withServer({ endpoint, curve }, async () => {})).rejects.toMatchObject({ code: "USAGE", field: "endpoint" });
  });
});

describe("keys", () => {
  test("painnless keys makes a pair that only its owner reads, and never overwrites one", async () => {
    const { status, out } = await painnless("keys", path("made"));
    expect([status, out]).toEqual([0, `${path("made")}\n${path("made.pub")}\n`]);
    expect(statSync(path("made")).mode & 0o777).toBe(0o600);
    const pair = parseKeyFile(readFileSync(path("made"), "utf8"), "made");
    expect(parsePublicKeys(readFileSync(path("made.pub"), "utf8"), "made.pub")).toEqual(new Set([pair.publicKey]));
    const again = await painnless("keys", path("made"));
    expect(again).toMatchObject({ status: 2, err: expect.stringContaining("never overwritten") });
    expect(parseKeyFile(readFileSync(path("made"), "utf8"), "made")).toEqual(pair);
    expect((await painnless("keys", path("no/such/folder/key"))).status).toBe(2);
    expect(existsSync(path("no"))).toBe(false);
    writeFileSync(path("half.pub"), "another's");
    expect(await painnless("keys", path("half"))).toMatchObject({ status: 2, err: expect.stringContaining("half.pub is there already") });
    expect(existsSync(path("half"))).toBe(false);
  });

  test.each([
    ["nothing", ""],
    ["a short key", "abc name\n"],
    ["something else", "-----BEGIN PUBLIC KEY-----\n"],
  ])("a list with %s is refused, and the line named", (_, text) => {
    expect(() => parsePublicKeys(text, "clients.txt")).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining("clients.txt") }),
    );
  });

  test.each([
    ["not there", "none", "server.pub", "NOT_FOUND"],
    ["public where the pair should be", "server.pub", "server.pub", "USAGE"],
    ["of several servers", "listed", "two.pub", "USAGE"],
  ])("a key file that is %s", async (_, key, of, code) => {
    writeFileSync(path("two.pub"), publicLine(server, "a") + publicLine(listed, "b"));
    await expect(RemotePotential.connect(withKeys("tcp://127.0.0.1:1", key, of))).rejects.toMatchObject({ code });
  });
});
