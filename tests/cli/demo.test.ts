import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { crosscheckResultSchema } from "../../src/crosscheck/result.ts";
import { painnless } from "./run.ts";

/** What `npm start` runs, with the shipped model: a stranger's first sight of us. A new model or tolerance must not break it unseen. */
test("the demo passes with the shipped model and leaves its page and its figures", async () => {
  const folder = await mkdtemp(join(tmpdir(), "painnless-demo-"));
  try {
    const { status, out } = await painnless("demo", "--report", folder);
    expect(out).toMatch(/Verdict: pass/);
    expect(status).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(["crosscheck.json", "index.html"]);
    const result = crosscheckResultSchema.parse(JSON.parse(await readFile(join(folder, "crosscheck.json"), "utf8")));
    expect(result.verdict).toBe("pass");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
