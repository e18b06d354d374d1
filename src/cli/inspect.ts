import { defineCommand } from "citty";
import { cudaCards } from "../engine/device.ts";
import type { CudaCard, NativePlan } from "../engine/native.ts";
import { cudaPlanFor, planFor } from "../engine/plan.ts";
import { PainnlessError } from "../errors.ts";
import { findingsOf } from "../model/findings.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import { typicalNeighbors, workOf } from "../model/work.ts";
import { option, usual, wholeNumber } from "./arguments.ts";
import { countWeights, describeModel, lines } from "./model-summary.ts";
import { assertOwnFiles, claimOutput } from "./output.ts";
import { nvrtcHere, tuningFor } from "./sides.ts";
import { bold, yellow } from "./terminal.ts";

const precisions = ["f32", "f64"] as const;
/** Of a side: its plan, and on a card `card`, its name, with what its engines go by; or why it refuses the model. */
type Plans = readonly (
  | { readonly side: string; readonly plan: NativePlan; readonly card: string | null; readonly note: string | null }
  | { readonly side: string; readonly refused: string }
)[];

/** That the engines' searches count. */
const mostEdges = 2 ** 28;

/** No engine takes more in a batch. */
const mostAtoms = 2_000_000;

/** `painnless inspect`: what a model is, what it costs, and how the engine would work on it. */
export const inspectCommand = defineCommand({
  meta: { name: "inspect", description: "What a model is, what it costs, and how the engine would work on it" },
  args: {
    model: usual.model,
    atoms: option("N", "Count work and memory for so many atoms", "100"),
    json: option("FILE", "Write the same as JSON"),
  },
  async run({ args }) {
    const atoms = wholeNumber("atoms", args.atoms, 1, mostAtoms);
    await assertOwnFiles({ "--json": args.json }, [args.model]);
    const model = await readModelFile(args.model);
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const neighbors = typicalNeighbors(model.config, atoms);
    const edges = atoms * neighbors;
    const work = workOf(model.config, atoms, edges);
    const findings = findingsOf(model.config);
    const plans = await plansFor(model, atoms, edges / 2);
    await json?.write(
      `${JSON.stringify(
        {
          format: "painnless.inspect/1",
          model: { path: model.path, sha256: model.sha256, bytes: model.bytes, weights: countWeights(model), config: model.config },
          findings,
          work: { atoms, edges, forwardFlop: work.forward, reverseFlop: work.reverse },
          plans:
            "missing" in plans
              ? null
              : plans.found.map((one) => ("refused" in one ? one : { side: one.side, ...one.plan, card: one.card })),
        },
        null,
        1,
      )}\n`,
    );
    process.stdout.write(`${bold(model.path)}\n${describeModel(model)}`);
    for (const finding of findings) process.stdout.write(`  ${yellow("finding")}: ${finding}\n`);
    const say = (flop: number) => `${(flop / 1e6).toPrecision(3)} MFLOP`;
    process.stdout.write(
      `\n${bold(`${atoms} atoms`)}, ${neighbors} neighbours each (0.1 atoms/Å³ within the cutoff, or all)\n` +
        lines([
          ["energy", say(work.forward)],
          ["forces", `${say(work.reverse)} more`],
          ...("missing" in plans
            ? [["plan", plans.missing] as const]
            : plans.found.map((one) => [one.side, "refused" in one ? `refused: ${one.refused}` : describe(one)] as const)),
        ]),
    );
  },
});

/** What `inspect` plans for where it does not know the card: the limits of Ampere's largest. */
const usualCard = { name: "an A100 (no card is here)", architecture: 80, multiprocessors: 108, sharedBytes: 163 * 1024 };

/** The engine's plans; where there is no engine, a model can still be looked at, and the reason is shown in their place. */
async function plansFor(model: ModelFile, atoms: number, pairs: number): Promise<{ found: Plans } | { missing: string }> {
  const asked = async (side: string, plan: () => Promise<Plans[number]>): Promise<Plans[number]> => {
    if (2 * pairs > mostEdges)
      return { side, refused: `${2 * pairs} edges within the cutoff, expected at most 2^28: take fewer atoms at a time` };
    try {
      return await plan();
    } catch (error) {
      if (error instanceof PainnlessError && error.code === "UNSUPPORTED") return { side, refused: error.message };
      throw error;
    }
  };
  try {
    const here = cardHere();
    const card = here ?? usualCard;
    const onCpu = precisions.map((precision) =>
      asked(`native:cpu:${precision}`, async () => ({ ...(await planFor(model, precision, atoms, pairs)), card: null, note: null })),
    );
    const onCard = precisions.map((precision) =>
      asked(`native:cuda:${precision}`, async () => {
        const { tuning, note } = here === null ? { tuning: {}, note: null } : await tuningFor(model, precision, here, await nvrtcHere());
        return { ...cudaPlanFor(model, precision, card, atoms, pairs, tuning), card: card.name, note };
      }),
    );
    return { found: await Promise.all([...onCpu, ...onCard]) };
  } catch (error) {
    if (error instanceof PainnlessError && error.code === "MISSING") return { missing: error.message };
    throw error;
  }
}

const describe = ({ plan, card, note }: Extract<Plans[number], { plan: NativePlan }>): string =>
  [describePlan(plan), ...(card === null ? [] : [`on ${card}`]), ...(note === null ? [] : [note])].join("; ");

function cardHere(): CudaCard | null {
  try {
    return cudaCards()[0] ?? null;
  } catch (error) {
    if (error instanceof PainnlessError && error.code === "MISSING") return null;
    throw error;
  }
}

function describePlan(plan: NativePlan): string {
  const megabytes = (bytes: number) => (bytes < 1e9 ? `${(bytes / 1e6).toPrecision(3)} MB` : `${(bytes / 1e9).toPrecision(3)} GB`);
  if (plan.device === "cuda")
    return [
      `${plan.schedule} schedule, ${plan.tile} atoms a block`,
      describeFilters(plan, "edge"),
      "activations kept",
      `weights ${megabytes(plan.weightBytes)}`,
      `arena ${megabytes(plan.scratchBytes)}`,
    ].join("; ");
  return [
    `${plan.instructionSet}, ${plan.threads} ${plan.threads === 1 ? "thread" : "threads"}`,
    describeFilters(plan, "pair"),
    `activations ${plan.activations}`,
    `weights ${megabytes(plan.weightBytes)}`,
    `scratch ${megabytes(plan.scratchBytes)}`,
  ].join("; ");
}

const describeFilters = ({ filters, knots }: NativePlan, each: "edge" | "pair") =>
  filters === "tabulated" ? `filters tabulated in ${knots} intervals` : `filters computed for each ${each}`;
