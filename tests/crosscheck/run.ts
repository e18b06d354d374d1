import { type CrosscheckRequest, crosscheck } from "../../src/crosscheck/crosscheck.ts";
import { crosscheckResultSchema, lawNames } from "../../src/crosscheck/result.ts";
import type { Potential } from "../../src/system/potential.ts";
import { ethanol, triclinic } from "../systems.ts";
import { cutoff } from "./pair-potential.ts";

/** The library's crosscheck on given potentials, its result checked against the schema after a trip through JSON. */
export async function check(sides: readonly Potential[], reference: Potential, options: Partial<CrosscheckRequest> = {}) {
  const { result, replays } = await crosscheck({
    structures: [ethanol, triclinic],
    reference: { potential: reference, laws: false, note: null },
    sides: sides.map((potential) => ({ potential, laws: potential.name.startsWith("native:"), note: null })),
    yardstick: null,
    model: { name: "pair", sha256: "0", architecture: "morse", cutoff, energyUnit: "eV", unitsOrigin: "file" },
    modelFile: "pair",
    machine: { platform: "test", arch: "test", cpu: "test", cores: 1, versions: {} },
    command: "test",
    seed: 1,
    samples: 1,
    boxes: true,
    laws: lawNames,
    ...options,
  });
  return { result: crosscheckResultSchema.parse(JSON.parse(JSON.stringify(result))), replays };
}
