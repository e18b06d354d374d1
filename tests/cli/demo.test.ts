import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { crosscheckResultSchema } from "../../src/crosscheck/result.ts";
import { mdResultSchema } from "../../src/dynamics/result.ts";
import { painnless } from "./run.ts";

/** What `npm start` runs, with the shipped model: a stranger's first sight of us. A new model or tolerance must not break it unseen. */
test("the demo passes with the shipped model and leaves its page and its figures", async () => {
  const folder = await mkdtemp(join(tmpdir(), "painnless-demo-"));
  try {
    const { status, out } = await painnless("demo", "--report", folder, "--steps", "400", "--budget", "5000");
    expect(out.match(/Verdict: pass/g)).toHaveLength(2);
    expect(status).toBe(0);
    const left = ["crosscheck.json", "index.html", "md.checkpoint", "md.json", "md.log", "trajectory.xyz"];
    expect((await readdir(folder)).sort()).toEqual(left);
    const json = async (file: string) => JSON.parse(await readFile(join(folder, file), "utf8"));
    expect(crosscheckResultSchema.parse(await json("crosscheck.json")).verdict).toBe("pass");
    const dynamics = mdResultSchema.parse(await json("md.json"));
    expect(dynamics).toMatchObject({ verdict: "pass", side: "native:cpu:f64", replicas: 4, steps: 400, stop: null });
    expect(dynamics.orderInDt?.points.length).toBe(3);
    expect(dynamics.reversal?.value).toBeLessThan(1e-8);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
