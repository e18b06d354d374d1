import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type DoorOptions, openDoor } from "../../src/wire/endpoint.ts";

const folder = mkdtempSync(join(tmpdir(), "painnless-endpoint-"));
afterAll(() => rmSync(folder, { recursive: true }));

const door = (endpoint: string | null, more: Partial<DoorOptions> = {}) =>
  openDoor({ endpoint, curve: null, ownFolder: false, frameBytes: 1 << 20, ...more });
const ipc = (name: string) => `ipc://${join(folder, name)}`;

/** A socket file whose server was killed. */
async function stale(path: string): Promise<void> {
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const child: ChildProcess = spawn(process.execPath, ["-e", script]);
  await new Promise((resolve) => child.once("exit", resolve));
  expect(statSync(path).isSocket()).toBe(true);
}

describe("ipc", () => {
  test("without a name: a socket in a folder of its own, mode 700, that leaves with it", async () => {
    const { endpoint, close } = await door(null);
    const path = endpoint.slice("ipc://".length);
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(path, ".."))).toEqual(["wire"]);
    await close();
    expect(existsSync(join(path, ".."))).toBe(false);
  });

  test("with a name: missing folders are made, mode 700, and stay", async () => {
    const { endpoint, close } = await door(ipc("a/b/wire"));
    expect(endpoint).toBe(ipc("a/b/wire"));
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o700);
    await close();
    expect(readdirSync(join(folder, "a/b"))).toEqual([]);
  });

  test("a living server keeps its name, and a dead one's is taken over", async () => {
    const first = await door(ipc("wire"));
    await expect(door(ipc("wire"))).rejects.toMatchObject({
      code: "USAGE",
      field: "endpoint",
      message: expect.stringContaining("another server"),
    });
    await first.close();
    await stale(join(folder, "wire"));
    const second = await door(ipc("wire"));
    await expect(door(ipc("wire"))).rejects.toMatchObject({ code: "USAGE" });
    await second.close();
    expect(readdirSync(folder).filter((name) => name.includes("wire"))).toEqual([]);
  });

  test("of ten that start at once where a dead one was, one wins", async () => {
    for (let round = 0; round < 5; round++) {
      await stale(join(folder, "race"));
      const doors = await Promise.allSettled(Array.from({ length: 10 }, () => door(ipc("race"))));
      const open = doors.flatMap((settled) => (settled.status === "fulfilled" ? [settled.value] : []));
      expect(open.length).toBe(1);
      await open[0]?.close();
      expect(existsSync(join(folder, "race"))).toBe(false);
    }
  });

  test("who closes late takes no other's name away", async () => {
    const first = await door(ipc("late"));
    rmSync(join(folder, "late"));
    const second = await door(ipc("late"));
    await first.close();
    expect(existsSync(join(folder, "late"))).toBe(true);
    await second.close();
  });

  test.each([
    ["a folder that others may enter", "open/wire", /open to others .*mode 755.*expected.*700/],
    ["a file that is not a socket", "file", /not a socket/],
    ["a path that is too long", `${"x".repeat(120)}/wire`, /too long/],
    ["a folder that is a file", "file/wire", /cannot be made/],
  ])("%s is refused", async (_, name, message) => {
    mkdirSync(join(folder, "open"), { recursive: true });
    chmodSync(join(folder, "open"), 0o755);
    writeFileSync(join(folder, "file"), "");
    await expect(door(ipc(name))).rejects.toMatchObject({ code: "USAGE", field: "endpoint", message: expect.stringMatching(message) });
    expect(readdirSync(join(folder, "open"))).toEqual([]);
  });
});

describe("other endpoints", () => {
  test.each([
    ["tcp without keys", "tcp://127.0.0.1:*", "UNSUPPORTED", /no plaintext/],
    ["nothing we know", "udp://x", "USAGE", /expected ipc/],
  ])("%s is refused", async (_, endpoint, code, message) => {
    await expect(door(endpoint)).rejects.toMatchObject({ code, field: "endpoint", message: expect.stringMatching(message) });
  });
});
