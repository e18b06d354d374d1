import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder } from "../../src/system/make-folder.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-folder-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("folders above are made too, with the same mode, by several at once", async () => {
  const path = join(folder, "a", "b", "c");
  await Promise.all([makeFolder(path, 0o700), makeFolder(path, 0o700), makeFolder(join(folder, "a", "b"), 0o700)]);
  for (const made of [path, join(folder, "a")]) expect((await stat(made)).mode & 0o777).toBe(0o700);
  await makeFolder(path);
});

test("what is in the way is said", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file", "x"))).rejects.toMatchObject({ code: "EEXIST", path: join(folder, "file") });
});

test.runIf(process.platform === "linux").each(["/proc/self/x", "/proc/self/x/y"])(
  "where no folder can be made, that is said: %s",
  async (path) => {
    await expect(makeFolder(path)).rejects.toMatchObject({ code: "ENOENT", path: "/proc/self/x" });
  },
);
