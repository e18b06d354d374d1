import { spawn } from "node:child_process";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readCheckpoint } from "../../src/dynamics/checkpoint.ts";
import { lockCheckpoint } from "../../src/dynamics/lock.ts";
import { pathsOf, Recording } from "../../src/dynamics/recording.ts";
import { oscillators } from "./oscillators.ts";
import { begin, headOf, inFolder, pathsIn, remains } from "./recorded.ts";

const built = fileURLToPath(new URL("../../dist/dynamics/lock.js", import.meta.url));

/** Another process that holds the lock until it is killed. */
async function holder(path: string) {
  const script = `import { lockCheckpoint } from ${JSON.stringify(built)}; await lockCheckpoint(process.argv[1]); console.log("held"); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return { child, ended };
}

const refusal = (process: string) => ({
  code: "USAGE",
  field: "checkpoint",
  message: expect.stringContaining(`which ${process} is making`),
});

test("a checkpoint has one holder, by whatever path; another one is free, and so is it when it is let go", async () => {
  await inFolder(async (folder) => {
    await mkdir(join(folder, "a"));
    await symlink(join(folder, "a"), join(folder, "b"));
    const release = await lockCheckpoint(join(folder, "a/run.checkpoint"));
    for (const same of ["a", "b"])
      await expect(lockCheckpoint(join(folder, same, "run.checkpoint"))).rejects.toMatchObject(refusal(`process ${process.pid}`));
    (await lockCheckpoint(join(folder, "a/other.checkpoint")))();
    release();
    (await lockCheckpoint(join(folder, "b/run.checkpoint")))();
    expect(await readdir(join(folder, "a"))).toEqual([]);
  });
});

test("a process that is killed holds nothing any more; one that is stopped does, and cannot say who it is", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "run.checkpoint");
    const { child, ended } = await holder(path);
    await expect(lockCheckpoint(path)).rejects.toMatchObject(refusal(`process ${child.pid}`));
    child.kill("SIGSTOP");
    await expect(lockCheckpoint(path)).rejects.toMatchObject(refusal("another process"));
    child.kill("SIGKILL");
    await ended;
    (await lockCheckpoint(path))();
  });
});

test("of many that want it at once, one gets it", async () => {
  await inFolder(async (folder) => {
    const asked = Array.from({ length: 20 }, () => lockCheckpoint(join(folder, "run.checkpoint")));
    const settled = await Promise.allSettled(asked);
    const held = settled.filter((one) => one.status === "fulfilled");
    expect(held).toHaveLength(1);
    held[0]?.value();
  });
});

test("a run that is being made is neither begun anew nor resumed, and its files are left as they are", async () => {
  await inFolder(async (folder) => {
    await begin(folder, { steps: 60, replicas: 2 });
    const before = await remains(folder);
    const paths = pathsIn(folder);
    const checkpoint = await readCheckpoint(paths.checkpoint);
    const head = headOf(oscillators(checkpoint.options));
    const release = await lockCheckpoint(paths.checkpoint);
    await expect(Recording.create(paths, head)).rejects.toMatchObject(refusal(`process ${process.pid}`));
    await expect(Recording.resume(pathsOf(paths.checkpoint, checkpoint), head, checkpoint)).rejects.toMatchObject({ code: "USAGE" });
    expect(await remains(folder)).toEqual(before);
    release();
    await (await Recording.resume(paths, head, checkpoint)).close();
    await (await Recording.resume(paths, head, checkpoint)).close(); // a recording that is closed has let go
  });
});
