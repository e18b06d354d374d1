import { errorHistogram, largestOf, parityPoints, rms, ulpDistribution } from "../../src/crosscheck/metrics.ts";
import type { BudgetEntry, Comparison, CrosscheckResult, LawName, LawResult } from "../../src/crosscheck/result.ts";
import { Random } from "../../src/system/random.ts";

const structures: CrosscheckResult["structures"] = [
  { name: "md_ethanol.xyz", atoms: 9, edges: 72, origin: "given", pbc: [false, false, false] },
  ...Array.from({ length: 6 }, (_, i) => ({
    ...{ name: `md_ethanol.xyz, displaced ${i + 1}`, atoms: 9, edges: 72, origin: "displaced" as const },
    pbc: [false, false, false] as [boolean, boolean, boolean],
  })),
  { name: "md_ethanol.xyz in a box", atoms: 9, edges: 148, origin: "boxed", pbc: [true, true, true] },
];

function components(side: string, size: number, count: number, unit: string, seed: number) {
  const numbers = new Random(seed, "report");
  const random = () => numbers.uniform();
  const index = Math.min(31, count - 1);
  const reference = Array.from({ length: count }, () => 2.6 * (random() - 0.5));
  const values = reference.map((x) => x + size * (random() + random() + random() - 1.5) * 0.5);
  const errors = values.map((x, i) => x - (reference[i] as number));
  const maxAbs = largestOf(errors);
  return {
    ...{ maxAbs, rms: rms(errors), largest: largestOf(reference), relative: maxAbs / largestOf(reference) },
    ulps: ulpDistribution(values, reference, side.endsWith("f32") ? "float32" : "float64"),
    errors: errorHistogram(errors, unit),
    parity: parityPoints(values, reference, 2000),
    at: { side: values[index] as number, reference: reference[index] as number },
  };
}

function comparison(side: string, size: number, tolerance: number, seed: number): Comparison {
  const { at, ...forces } = components(side, size, 216, "eV/Å", seed);
  const { at: stressAt, ...stress } = components(side, size / 40, 6, "eV/Å^3", seed + 1);
  return {
    ...{ side, reference: "torch:cpu:f64", verdict: "pass", reasons: [], structures: structures.length },
    energy: {
      ...{ maxAbsPerAtom: size / 20, tolerance: tolerance / 20, ratio: size / tolerance, basis: "net" },
      worst: { structure: "md_ethanol.xyz", side: -0.515435222044, reference: -0.5154352220440003 },
    },
    forces: {
      ...{ ...forces, tolerance, ratio: forces.maxAbs / tolerance },
      worst: { structure: "md_ethanol.xyz, displaced 3", atom: 7, symbol: "H", component: "y", ...at },
    },
    stress: {
      ...{ ...stress, tolerance: tolerance / 10, ratio: (10 * stress.maxAbs) / tolerance },
      worst: { structure: "md_ethanol.xyz in a box", component: "yz", ...stressAt },
    },
    yardstick: side.endsWith("f32") ? { side: "torch:cpu:f32", maxAbs: size * 2.1, ratio: 0.48, limit: 1.5 } : null,
    perStructure: structures.map((s, i) => ({
      ...{ structure: s.name, energyPerAtom: size / 30, forces: size * (0.4 + 0.07 * i), stress: i === 7 ? size / 40 : null },
      ratio: (size * (0.4 + 0.07 * i)) / tolerance,
    })),
  };
}

const steps = Array.from({ length: 13 }, (_, i) => 10 ** (-1 - i / 2));

/** Error of central differences: truncation falls as the square of the step, rounding rises as it shrinks. */
const vShape = (side: string) => steps.map((h) => 0.4 * h * h + (side.endsWith("f32") ? 3e-8 : 3e-16) / h);

function law(name: LawName, side: string, value: number, tolerance: number, unit: string): LawResult {
  return {
    ...{ name, side, structure: "md_ethanol.xyz", value, tolerance, unit, holds: true, verdict: "pass", attribution: null, error: null },
    measures: [{ quantity: "forces", unit, value, tolerance }],
    reference: { side: "torch:cpu:f64", value: 3.1e-15 },
    curves:
      name === "finite-difference"
        ? [
            {
              title: `forces of md_ethanol.xyz, ${side}`,
              x: { label: "step, Å", values: steps, log: true },
              y: { label: "largest |difference quotient − analytical|, eV/Å", values: vShape(side), log: true },
            },
          ]
        : name === "smoothness"
          ? [
              {
                title: `energy of md_ethanol.xyz as a pair crosses the cutoff, ${side}`,
                x: { label: "distance, Å", values: Array.from({ length: 61 }, (_, i) => 4.97 + i / 1000), log: false },
                y: {
                  label: "energy, eV",
                  values: Array.from({ length: 61 }, (_, i) => -0.5154 - 1e-3 * Math.max(0, 30 - i) ** 2),
                  log: false,
                },
              },
            ]
          : [],
  };
}

const lawSizes: readonly (readonly [LawName, number, string])[] = [
  ["translation", 4e-15, "eV/Å"],
  ["rotation", 9e-15, "eV/Å"],
  ["reflection", 7e-15, "eV/Å"],
  ["permutation", 5e-15, "eV/Å"],
  ["net-force", 2e-15, "eV/Å"],
  ["net-torque", 6e-15, "eV"],
  ["finite-difference", 2e-10, "eV/Å"],
  ["supercell", 8e-15, "eV/Å"],
  ["smoothness", 1e-9, "eV/Å"],
  ["batch", 0, "eV/Å"],
  ["repetition", 0, "eV/Å"],
];

/** What the crosscheck of a correct engine gives. */
export function passing(): CrosscheckResult {
  const sides = ["native:cpu:f64", "native:cpu:f32"] as const;
  return {
    ...{ format: "painnless.crosscheck/1", verdict: "pass", started: "2026-11-24T09:30:12.000Z", seconds: 7.31, seed: 20261124 },
    command:
      "painnless crosscheck ethanol.safetensors md_ethanol.xyz --sides native:cpu:f64,native:cpu:f32 --seed 20261124 --report report",
    model: {
      ...{ name: "ethanol.safetensors", sha256: "9f2c5b1e".repeat(8), architecture: "painn-schnetpack", cutoff: 5 },
      ...{ energyUnit: "kcal/mol", unitsOrigin: "user" },
    },
    machine: {
      ...{ platform: "linux", arch: "x64", cpu: "AMD EPYC", cores: 2 },
      versions: { painnless: "0.1.0", node: "20.20.2", torch: "2.15.0", ase: "3.29.0" },
    },
    reference: "torch:cpu:f64",
    structures,
    sides: [
      { name: "torch:cpu:f64", seconds: 0.031, error: null, note: null },
      { name: "native:cpu:f64", seconds: 0.004, error: null, note: null },
      { name: "native:cpu:f32", seconds: 0.002, error: null, note: "avx2, 2 threads, tabulated filters" },
    ],
    comparisons: [
      comparison("native:cpu:f64", 1.4e-14, 1e-10, 5),
      comparison("native:cpu:f32", 2.9e-6, 1e-5, 9),
      { ...comparison("native:cpu:f32", 2.9e-6, 1e-5, 9), reference: "native:cpu:f64" },
    ],
    budget: [
      budget("engine", "native:cpu:f64", "torch:cpu:f64", 3e-15),
      budget("float32", "native:cpu:f32", "native:cpu:f64", 5e-7),
      { ...budget("model", 'ase:tblite.ase:TBLite?{"method":"GFN2-xTB"}', "torch:cpu:f64", 0.036), expects: "error" },
    ],
    laws: lawSizes.flatMap(([name, size, unit]) => [
      law(name, sides[0], size, Math.max(size * 100, 1e-12), unit),
      law(name, sides[1], size === 0 ? 0 : Math.max(size * 1e3, 2e-6), 2e-5, unit),
    ]),
    skipped: [{ law: "finite-difference-stress", side: null, reason: "no structure has a volume" }],
    ...{ findings: [], replays: [] },
  };
}

const budget = (source: BudgetEntry["source"], side: string, reference: string, force: number): BudgetEntry => ({
  ...{ source, expects: "equality", side, reference, structures: structures.length },
  energy: { rms: force / 30, maxAbs: force / 10, basis: "net" },
  forces: { rms: force, maxAbs: 4 * force },
});

/** One wrong sign: forces off by a tenth of an eV/Å, finite differences without a V, momentum not conserved. */
export function failing(): CrosscheckResult {
  const result = passing();
  const wrong = comparison("native:cpu:f64", 0.26, 1e-10, 5);
  return {
    ...result,
    verdict: "fail",
    comparisons: [
      {
        ...wrong,
        verdict: "fail",
        reasons: structures.map(
          (s, i) => `${s.name}: forces differ by ${(0.26 * (0.4 + 0.07 * i)).toExponential(2)} eV/Å, tolerance 1.00e-10`,
        ),
      },
      ...result.comparisons.slice(1),
    ],
    laws: result.laws.map((l) =>
      l.side === "native:cpu:f64" && (l.name === "finite-difference" || l.name === "net-force")
        ? {
            ...{ ...l, value: 0.213, holds: false, verdict: "fail", attribution: "engine" },
            curves: l.curves.map((c) => ({ ...c, y: { ...c.y, values: steps.map((h) => 0.213 + 0.4 * h * h) } })),
          }
        : l,
    ),
    replays: ["replay-native-cpu-f64-forces.json"],
  };
}

/** A student model: the engine is right, the model itself is neither rotation equivariant nor smooth. */
export function withFindings(): CrosscheckResult {
  const result = passing();
  return {
    ...result,
    laws: result.laws.map((l) =>
      l.name === "rotation" || l.name === "smoothness"
        ? { ...l, value: 0.28, holds: false, attribution: "model", reference: { side: "torch:cpu:f64", value: 0.28 } }
        : l,
    ),
    findings: [
      "The model is not rotation equivariant: turning ethanol changes its forces by 0.28 eV/Å, on the reference as on every side.",
      "The model jumps by 0.072 eV where a pair crosses the cutoff: energy will not be conserved in dynamics.",
    ],
  };
}

/** Nothing but values that are not finite, and names that try to break out of the page. */
export function hostile(name: string): CrosscheckResult {
  const result = failing();
  const first = result.comparisons[0] as Comparison;
  const nan = { maxAbs: null, rms: null, relative: null, ratio: null } as const;
  return {
    ...result,
    command: `painnless crosscheck ${name}`,
    model: { ...result.model, name },
    structures: result.structures.map((s) => ({ ...s, name })),
    comparisons: [
      {
        ...{ ...first, side: name, reasons: [name] },
        energy: { ...first.energy, maxAbsPerAtom: null, ratio: null, worst: { structure: name, side: null, reference: 1 } },
        forces: {
          ...{ ...(first.forces as NonNullable<Comparison["forces"]>), ...nan, parity: [] },
          errors: { unit: "eV/Å", zero: 0, first: 0, counts: [] },
          worst: { structure: name, atom: 0, symbol: "C", component: "x", side: null, reference: 0.5 },
        },
        perStructure: first.perStructure.map((row) => ({ ...row, structure: name, energyPerAtom: null, forces: null, ratio: null })),
      },
    ],
    laws: result.laws.map((l) => ({
      ...l,
      side: name,
      structure: name,
      value: null,
      holds: false,
      verdict: "fail",
      attribution: "engine",
    })),
    sides: [{ name, seconds: 0, error: { code: "NOT_FINITE", message: name, structure: name }, note: name }],
    findings: [name],
    replays: [name],
    budget: [{ ...budget("model", name, name, 1), energy: { rms: null, maxAbs: null, basis: "shifted" }, forces: null }],
  };
}
