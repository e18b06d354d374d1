import { afterAll, describe, expect, test } from "vitest";
import { nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { compilerAmong, KernelRecord, recording } from "./record.ts";
import { modelsFor, restFor, tabulated } from "./resources.ts";

/** What NVRTC made of all texts stands in kernels.json: seven architectures take five minutes of a core. PaiNN in float32, and mixed, is what registers are
 *  counted out for: it is compiled for every architecture, unless its text stands there as it is. The rest has room (student) or may spill (float64): it is
 *  compiled for one of them, and stands there for the others. Another compiler than the record's compiles all for that one. */
const architectures = [75, 80, 86, 89, 90, 100, 120] as const;
const always: readonly number[] = [90];
/** Compiled each time for that one, whatever is noted, so that a record that is not this compiler's, or not of these texts, shows. */
const again: readonly string[] = ["dynamics.cu", "neighbors.cu", "painn_slices.cu", "results.cu"];

const python = await resolvePython().catch(() => null); // a machine without Python may have a toolkit
const nvrtc = await nvrtcCandidates(process.env, python?.sitePackages ?? null);
const { compiler, said } = await compilerAmong(nvrtc);
const skipped = compiler === null;
const record = await KernelRecord.open("kernels.json", nvrtc, compiler);

describe.skipIf(skipped)("every kernel compiles", () => {
  // Two at once: one alone leaves a core idle while its largest text compiles.
  test.concurrent.for(architectures)(
    "for sm_%s, without spills in float32 but for a few words",
    { timeout: 400_000 },
    async (architecture) => {
      const isOne = always.includes(architecture);
      const isWhole = isOne || recording;
      const models = modelsFor(architecture, isWhole);
      const others = isOne ? (await record.compile(architecture, models, "all")).parts.filter(({ source }) => again.includes(source)) : [];
      const known = record.keys.filter((key) => others.every((part) => part.key !== key));
      const { kernels } = await record.check(architecture, models, record.isOwn || !(isOne || recording) ? known : []);
      const roomy = architecture === 90 || architecture === 100; // blocks have memory for weights of three layers, not of one alone, and for messages beside products
      const slices = architecture >= 80 ? 1 : 0; // five of PaiNN in float32, instead of four messages
      const mixed = architecture >= 80 ? (isWhole ? 12 : 6) : 0; // updates alone
      const spread = architecture >= 90 ? (isWhole ? 12 : 6) : 0; // float32 and mixed
      const [whole, resident] = [roomy ? 18 : 0, architecture >= 90 ? (roomy ? 4 : 2) : 0];
      expect(kernels).toHaveLength((isWhole ? 69 : 24) + slices + mixed + spread + whole + resident);
    },
  );

  test.for(architectures)("the student's table, one to four features a lane, for sm_%s, without spills", async (architecture) => {
    const { parts } = await record.compile(architecture, tabulated, "all"); // their keys: the rest of these models is not compiled
    const others = parts.filter(({ source }) => source !== "distiller_table.cu").map(({ key }) => key);
    const { kernels } = await record.check(architecture, tabulated, record.isOwn ? [...others, ...record.keys] : others);
    const tables = kernels.filter(({ name }) => name.startsWith("distiller_table"));
    expect(tables).toHaveLength(4 * tabulated.length);
    for (const { name, spilled } of tables) expect(spilled, `${name}: bytes of spilled registers`).toBe(0);
  });

  test.for(architectures.filter((architecture) => !always.includes(architecture)))(
    "in float64, and the student, for sm_%s, as kernels.json has it",
    async (architecture, { skip }) => {
      const { unknown } = await record.check(architecture, restFor(architecture), "all");
      if (unknown > 0)
        skip(`skipped: ${unknown} texts have changed since kernels.json; PAINNLESS_RECORD_KERNELS=1 with this test writes it, in minutes`);
    },
  );

  afterAll(async () => {
    if (recording) await record.write();
  });
});

test.skipIf(skipped)("a card older than the compiler knows is refused by name", async () => {
  await expect(record.compile(61, modelsFor(61, false), [])).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/sm_61.*native:cpu/),
  });
});

test.runIf(skipped)("kernels are compiled where there is NVRTC", ({ skip }) => skip(`skipped: ${said}`));
