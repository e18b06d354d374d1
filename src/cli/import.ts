import { defineCommand } from "citty";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { modelConfigSchema } from "../model/config.ts";
import { readModelFile } from "../model/model-file.ts";
import { withBridge } from "../python/bridge.ts";
import { resolvePython } from "../python/environment.ts";
import { energyUnits } from "../system/units.ts";
import { option } from "./arguments.ts";
import { describeModel } from "./model-summary.ts";
import { assertOwnFiles } from "./output.ts";
import { yellow } from "./terminal.ts";

/** What `painnless.importers.convert` returns. */
const summarySchema = z.strictObject({
  target: z.string(),
  sha256: z.string(),
  config: modelConfigSchema,
  warnings: z.array(z.string()),
});

/** `painnless import`: a checkpoint of another program, as a model file. */
export const importCommand = defineCommand({
  meta: { name: "import", description: "Turn a SchNetPack or MLFF-Distiller checkpoint into a model file" },
  args: {
    file: { type: "positional", required: true, description: "SchNetPack best_model or .model, MLFF-Distiller .onnx or checkpoint" },
    out: { type: "string", alias: "o", valueHint: "MODEL", description: "Model file to write" },
    "energy-unit": option("UNIT", `Unit of the checkpoint's energies: ${energyUnits.join(", ")}`),
  },
  async run({ args }) {
    const { file, out } = args;
    const unit = args["energy-unit"] ?? null;
    if (out === undefined) throw new PainnlessError("USAGE", `--out is missing: painnless import ${file} -o MODEL`, { field: "out" });
    if (unit !== null && !energyUnits.some((known) => known === unit))
      throw new PainnlessError("USAGE", `--energy-unit is "${unit}", expected one of ${energyUnits.join(", ")}`, { field: "energy-unit" });
    await assertOwnFiles({ "--out": out }, [file]);
    const answer = await withBridge(await resolvePython(), (bridge) => bridge.importCheckpoint(file, out, unit));
    const { sha256, warnings } = summarySchema.parse(answer);
    const model = await readModelFile(out);
    if (model.sha256 !== sha256)
      throw new PainnlessError(
        "WRITE_FAILED",
        `${out} has SHA-256 ${model.sha256}, expected ${sha256}: another process wrote there meanwhile; import again`,
      );
    for (const warning of warnings) process.stderr.write(`${yellow("warning")}: ${warning}\n`);
    process.stdout.write(`${describeModel(model)}\nWritten to ${out}. Next: painnless crosscheck ${out} STRUCTURE...\n`);
  },
});
