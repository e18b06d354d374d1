import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rename, symlink } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readCheckpoint } from "../../src/dynamics/checkpoint.ts";
import { lockCheckpoint } from "../../src/dynamics/lock.ts";
import { pathsOf, Recording } from "../../src/dynamics/recording.ts";
import { oscillators } from "./oscillators.ts";
import { begin, headOf, inFolder, pathsIn, remains } from "./recorded.ts";

const built = fileURLToPath(new URL("../../dist/dynamics/lock.js", import.meta.url));

/** Another process that holds the lock, until it is killed or has no more to do. */
async function holder(path: string, then = "setInterval(() => {}, 1e6);") {
  const script = `import { lockCheckpoint } from ${JSON.stringify(built)}; await lockCheckpoint(process.argv[1]); console.log("held"); ${then}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return { child, ended };
}

/** The abstract sockets that are locks, as the system writes them: zeros as "@". */
async function locks() {
  return new Set((await readFile("/proc/net/unix", "utf8")).match(/@painnless-.*$/gm));
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

test("it is the folder's, not its path's: a folder that was moved is the same, one in its place is another", async () => {
  await inFolder(async (folder) => {
    await mkdir(join(folder, "a"));
    const release = await lockCheckpoint(join(folder, "a/run.checkpoint"));
    await rename(join(folder, "a"), join(folder, "b"));
    await mkdir(join(folder, "a"));
    (await lockCheckpoint(join(folder, "a/run.checkpoint")))();
    await expect(lockCheckpoint(join(folder, "b/run.checkpoint"))).rejects.toMatchObject(refusal(`process ${process.pid}`));
    release();
  });
});

test("whoever asks and does not hang up keeps no process; whoever else has the name is not quoted", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "run.checkpoint");
    const others = await locks();
    const { child, ended } = await holder(
      path,
      'const work = setInterval(() => {}, 1e6); process.once("SIGUSR2", () => clearInterval(work));',
    );
    const [written = ""] = [...(await locks())].filter((name) => !others.has(name));
    expect(written).toMatch(/^@[^@]{107}$/); // no version of Node has anything to fill up
    const name = written.replace("@", "\0");
    const asking = connect({ path: name, allowHalfOpen: true });
    await new Promise((resolve, reject) => asking.once("data", resolve).once("error", reject));
    child.kill("SIGUSR2");
    await ended;
    asking.destroy();
    const liar = createServer((socket) => socket.on("error", () => undefined).end("\u001b[2J1"));
    await new Promise<void>((resolve) => liar.listen({ path: name }, resolve));
    await expect(lockCheckpoint(path)).rejects.toMatchObject(refusal("another process"));
    liar.close();
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
