import { defineCommand } from "citty";
import { assertInRange } from "../bench/card/range.ts";
import { cardSet, makeSets } from "../bench/card/rows.ts";
import { profileSchema, ranked } from "../bench/profile/profile.ts";
import { cudaCards } from "../engine/device.ts";
import type { CudaCard } from "../engine/native.ts";
import { PainnlessError } from "../errors.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import { resolvePython } from "../python/environment.ts";
import { onAbort } from "../system/on-abort.ts";
import { assertComputable, type Structure } from "../system/structure.ts";
import { option, usual, wholeNumber } from "./arguments.ts";
import { cudaEngine, stateOfCard } from "./bench-card.ts";
import { commit } from "./bench-run.ts";
import type { CommandData } from "./command.ts";
import { assertOwnFiles, claimOutput } from "./output.ts";
import { profileSummary } from "./profile-summary.ts";
import { assertSide, sidesOf } from "./sides.ts";
import { readStructures } from "./structures.ts";
import { thisMachine } from "./version.ts";

/** `painnless profile`: where the time of an evaluation on a card goes, kernel by kernel, beside the least it could take. */
export const profileCommand = defineCommand({
  meta: { name: "profile", description: "Where the time of an evaluation goes on a GPU, kernel by kernel" },
  args: {
    model: usual.model,
    structures: {
      type: "positional",
      required: true,
      description:
        "Files that ASE reads, name:NAME, or bench:SIZE, bench:STRUCTURESxSIZE as painnless bench gpu times them; any number of them, one batch",
    },
    side: option("SIDE", "native:cuda:f32, native:cuda:f64 or native:cuda:mixed", "native:cuda:f32"),
    rounds: option("N", "Evaluations whose launches are timed one by one", "50"),
    seed: usual.seed,
    json: usual.json,
  },
  async run({ args, rawArgs, data }) {
    const { signal } = data as CommandData;
    assertSide(args.side);
    if (!/^native:cuda:(f32|f64|mixed)$/.test(args.side))
      throw new PainnlessError(
        "UNSUPPORTED",
        `--side is "${args.side}": launches of a GPU are profiled, native:cuda:f32, native:cuda:f64 or native:cuda:mixed; painnless bench cpu says what the processor makes of its peak`,
        { field: "side" },
      );
    const rounds = wholeNumber("rounds", args.rounds, 1, 10_000);
    const seed = wholeNumber("seed", args.seed, 0);
    await assertOwnFiles({ "--json": args.json }, args._);
    const model = await readModelFile(args.model);
    const [card] = cudaCards();
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const sides = sidesOf({ model, checkpoint: null, threads: null });
    const letGo = onAbort(signal, () => void sides.close());
    try {
      const [structures, { potential }] = await Promise.all([structuresOf(args._.slice(1), model, seed), sides.open(args.side)]);
      for (const structure of structures) assertComputable(structure, potential.domain);
      const engine = cudaEngine(potential);
      await engine.evaluate(structures, ["energy", "forces"]);
      await assertInRange(engine);
      const profile = await engine.profile(structures, ["energy", "forces"], rounds);
      const { schedule, tuning } = await engine.activity();
      const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0);
      const evaluated = { config: model.config, atoms, structures: structures.length, edges: profile.edges };
      const result = profileSchema.parse({
        ...{ format: "painnless.profile/1", side: args.side, card: (card as CudaCard).name, commit: await commit() },
        ...{ command: ["painnless", "profile", ...rawArgs].join(" "), started: new Date().toISOString() },
        ...{ machine: await thisMachine({ python: (await resolvePython()).version }), found: await stateOfCard() },
        model: { name: args.model, sha256: model.sha256 },
        ...{ schedule, tuning, structures: structures.length, atoms, edges: profile.edges },
        ...ranked(profile, { ...evaluated, real: args.side.endsWith("f64") ? 8 : 4 }, card as CudaCard),
      });
      await json?.write(`${JSON.stringify(result, null, 1)}\n`);
      process.stdout.write(profileSummary(result, { model: args.model, sources: args._.slice(1) }));
    } finally {
      letGo();
      await sides.close();
    }
  },
});

/** What ASE reads, and rows of the benchmark. */
async function structuresOf(sources: readonly string[], { config }: ModelFile, seed: number): Promise<Structure[]> {
  const rows = sources.filter((source) => source.startsWith("bench:"));
  const files = sources.filter((source) => !source.startsWith("bench:"));
  const made = rows.flatMap((source) => makeSets(cardSet(source.slice("bench:".length)), seed, 1, config.elements).flat());
  return [...made, ...(files.length > 0 || made.length === 0 ? await readStructures(files) : [])];
}
