import { z } from "zod";
import { modelSummarySchema } from "../model/summary.ts";
import { machineSchema } from "../system/machine.ts";
import { verdictSchema } from "../system/verdict.ts";

/** What `painnless crosscheck` found, as its JSON says it (docs/formats.md). A number that is not finite cannot be written in JSON:
 *  it appears as null, and what holds it has failed. */
const measured = z.number().nullable();

const errorEntry = z.strictObject({ code: z.string(), message: z.string(), structure: z.string().nullable() });

/** How far values of the side lie from the reference's, in units in the last place of the side's own number format. */
const ulpDistribution = z.strictObject({
  precision: z.enum(["float32", "float64"]),
  median: measured,
  max: measured,
  /** components at most `upTo` ulps away and more than the bin before; the last bin, null, is all the rest */
  histogram: z.array(z.strictObject({ upTo: z.number().nullable(), count: z.int() })),
});

/** Absolute errors by decade: `counts[k]` have 10^(first+k) <= error < 10^(first+k+1); `zero` are bitwise equal. */
const errorHistogram = z.strictObject({ unit: z.string(), zero: z.int(), first: z.int(), counts: z.array(z.int()) });

const energyComparison = z.strictObject({
  /** eV per atom */
  maxAbsPerAtom: measured,
  tolerance: z.number(),
  /** worst of error / tolerance over the structures; at most 1 passes */
  ratio: measured,
  /** "net": without constants; "total": with them; "shifted": with them, less the mean difference of each composition */
  basis: z.enum(["net", "total", "shifted"]),
  worst: z.strictObject({ structure: z.string(), side: measured, reference: measured }).nullable(),
});

const componentComparison = <C extends z.ZodType>(worst: C) =>
  z.strictObject({
    /** largest error over all structures, and the tolerance of the structure that has it */
    maxAbs: measured,
    tolerance: z.number(),
    rms: measured,
    /** largest error over the largest reference component of its structure */
    relative: measured,
    /** largest reference component */
    largest: measured,
    /** worst over the structures of error / tolerance, or of their rms over what that may be where float32 was allowed more than usual; at most 1 passes */
    ratio: measured,
    /** the component whose error / tolerance is largest, of the structure with that ratio */
    worst: worst.nullable(),
    ulps: ulpDistribution.nullable(),
    errors: errorHistogram,
    /** [reference, side], thinned to at most 2,000 */
    parity: z.array(z.tuple([z.number(), z.number()])),
  });

const forcesComparison = componentComparison(
  z.strictObject({
    structure: z.string(),
    atom: z.int(),
    symbol: z.string(),
    component: z.enum(["x", "y", "z"]),
    side: measured,
    reference: measured,
  }),
);
const stressComparison = componentComparison(
  z.strictObject({
    structure: z.string(),
    component: z.enum(["xx", "yy", "zz", "yz", "xz", "xy"]),
    side: measured,
    reference: measured,
  }),
);

const comparisonSchema = z.strictObject({
  side: z.string(),
  reference: z.string(),
  verdict: verdictSchema,
  /** why it failed; empty when it passed */
  reasons: z.array(z.string()),
  structures: z.int(),
  /** eV per atom */
  energy: energyComparison,
  /** eV/Å */
  forces: forcesComparison.nullable(),
  /** eV/Å^3 */
  stress: stressComparison.nullable(),
  /** PyTorch float32's own largest distance from the same reference, where it was asked, and how many times as far ours is: the median over
   *  the structures, which may be `limit` */
  yardstick: z.strictObject({ side: z.string(), maxAbs: measured, ratio: measured, limit: z.number() }).nullable(),
  /** one row a structure */
  perStructure: z.array(
    z.strictObject({ structure: z.string(), energyPerAtom: measured, forces: measured, stress: measured, ratio: measured }),
  ),
});
export type Comparison = z.infer<typeof comparisonSchema>;

const size = { rms: measured, maxAbs: measured };

/** How far one step of approximation takes a result, over all structures: the lines of the error budget. */
const budgetEntrySchema = z.strictObject({
  /** "engine": our float64 against the reference; "float32" and "mixed": ours against our float64, or the reference without one; "package": the
   *  checkpoint's own; "model": the reference, which has the model's weights, against a potential with others, a teacher */
  source: z.enum(["engine", "float32", "mixed", "package", "model"]),
  /** "equality": the same weights, so the distance is a fault beyond rounding, which `comparisons` judge; "error": a size to know */
  expects: z.enum(["equality", "error"]),
  side: z.string(),
  reference: z.string(),
  /** that both answered */
  structures: z.int(),
  /** eV per atom */
  energy: z.strictObject({ ...size, basis: energyComparison.shape.basis }),
  /** eV/Å */
  forces: z.strictObject(size).nullable(),
});
export type BudgetEntry = z.infer<typeof budgetEntrySchema>;

export const lawNames = [
  "translation",
  "rotation",
  "reflection",
  "permutation",
  "net-force",
  "net-torque",
  "finite-difference",
  "finite-difference-stress",
  "lattice-translation",
  "supercell",
  "small-cell",
  "extensivity",
  "smoothness",
  "batch",
  "repetition",
] as const;
export type LawName = (typeof lawNames)[number];

const lawMeasure = z.strictObject({
  quantity: z.enum(["energy", "forces", "stress", "force sum", "torque"]),
  unit: z.string(),
  value: measured,
  tolerance: z.number(),
});
export type LawMeasure = z.infer<typeof lawMeasure>;

/** A curve for the report: for finite differences error against step (log-log, the V), for smoothness energy or force against distance. */
const curveSchema = z.strictObject({
  title: z.string(),
  x: z.strictObject({ label: z.string(), values: z.array(z.number()), log: z.boolean() }),
  y: z.strictObject({ label: z.string(), values: z.array(measured), log: z.boolean() }),
});
export type Curve = z.infer<typeof curveSchema>;

const lawResultSchema = z.strictObject({
  name: z.enum(lawNames),
  side: z.string(),
  structure: z.string(),
  /** the worst of `measures` against its tolerance */
  value: measured,
  tolerance: z.number(),
  unit: z.string(),
  measures: z.array(lawMeasure),
  /** does the law hold on this side */
  holds: z.boolean(),
  /** the same law, structure and random numbers on the reference; null where it was not measured */
  reference: z.strictObject({ side: z.string(), value: measured }).nullable(),
  /** "fail" only where the engine is at fault */
  verdict: verdictSchema,
  /** of a broken law: "engine" (verdict fail), or "model" (the reference breaks it as much: a finding) */
  attribution: z.enum(["engine", "model"]).nullable(),
  curves: z.array(curveSchema),
  /** why it could not be measured: the side threw */
  error: errorEntry.nullable(),
});
export type LawResult = z.infer<typeof lawResultSchema>;

export const crosscheckResultSchema = z.strictObject({
  format: z.literal("painnless.crosscheck/1"),
  verdict: verdictSchema,
  /** ISO 8601 */
  started: z.string(),
  seconds: z.number(),
  seed: z.int(),
  /** the command that does it again */
  command: z.string(),
  model: modelSummarySchema,
  machine: machineSchema,
  reference: z.string(),
  structures: z.array(
    z.strictObject({
      name: z.string(),
      atoms: z.int(),
      /** directed edges within the cutoff; null where counting would take too long */
      edges: z.int().nullable(),
      /** "given" by the user, "displaced" at random from one of those, or "boxed" in a periodic cell */
      origin: z.enum(["given", "displaced", "boxed"]),
      pbc: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
    }),
  ),
  sides: z.array(
    z.strictObject({
      name: z.string(),
      /** seconds of evaluating all structures once */
      seconds: z.number(),
      error: errorEntry.nullable(),
      /** what "auto" chose and why, or what else the side has to say */
      note: z.string().nullable(),
    }),
  ),
  /** of sides that have the same weights, or that are the reference */
  comparisons: z.array(comparisonSchema),
  budget: z.array(budgetEntrySchema),
  laws: z.array(lawResultSchema),
  /** laws that were not tried, and why; on no side: null */
  skipped: z.array(z.strictObject({ law: z.enum(lawNames), side: z.string().nullable(), reason: z.string() })),
  /** sentences for the user: laws that the model itself breaks, units that were assumed */
  findings: z.array(z.string()),
  /** files that replay each failure, relative to the report's folder */
  replays: z.array(z.string()),
});
export type CrosscheckResult = z.infer<typeof crosscheckResultSchema>;
