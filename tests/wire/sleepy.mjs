/** The potential of calculators/sleepy.py, for servers in Node: the structure says how long it takes and how it ends.
 *
 *    node tests/wire/sleepy.mjs ENDPOINT      serves it until SIGTERM or until standard input ends; prints "ready" */
import { pathToFileURL } from "node:url";

/** @typedef {import("../../src/system/potential.ts").Potential} Potential */
/** @typedef {import("../../src/system/potential.ts").Evaluation} Evaluation */
/** @typedef {import("../../src/errors.ts").PainnlessError} PainnlessError */
/** @typedef {new (code: import("../../src/errors.ts").ErrorCode, message: string, options?: { field?: string }) => PainnlessError} ErrorClass */

export const limit = 100_000;

/** Sleeps as many seconds as the first x coordinate says; E = sum of x^2. Element 100 raises, 101 gives NaN, 102 gives forces of a wrong shape.
 *  @param {ErrorClass} PainnlessError of whoever serves it: src/ or dist/
 *  @param {number[]} [sizes] the number of structures of each call is put here
 *  @returns {Potential} */
export function sleepyPotential(PainnlessError, sizes = []) {
  return {
    name: "ase:sleepy:Sleepy",
    provides: new Set(["energy", "forces"]),
    domain: { elements: null, maxAtoms: limit, periodic: true },
    async evaluate(batch, want = ["energy", "forces"]) {
      sizes.push(batch.length);
      /** @type {Evaluation[]} */
      const evaluations = [];
      for (const { name, numbers, positions } of batch) {
        const seconds = positions[0] ?? 0;
        await new Promise((resolve) => (seconds > 0 ? setTimeout(resolve, 1000 * seconds) : setImmediate(resolve)));
        if (numbers[0] === 100) throw new Error("this calculator does not do fermium");
        if (numbers[0] === 101) throw new PainnlessError("NOT_FINITE", `energy of structure "${name}" is NaN`, { field: "energy" });
        const energy = positions.reduce((sum, x) => sum + x * x, 0);
        const all = positions.map((x) => -2 * x);
        const forces = want.includes("forces") ? all.subarray(0, numbers[0] === 102 ? 2 : all.length) : null;
        evaluations.push({ energy, netEnergy: energy, forces, stress: null, energies: null });
      }
      return evaluations;
    },
    async close() {},
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { PainnlessError } = await import("../../dist/errors.js");
  const { Server } = await import("../../dist/wire/server.js");
  const endpoint = process.argv[2] ?? null;
  const server = await Server.start(sleepyPotential(PainnlessError), { endpoint, model: "00ff", cutoff: 5, versions: { node: process.versions.node } });
  const end = () => void server.close(500).then(() => process.exit(0));
  process.on("SIGTERM", end);
  process.stdin.on("end", end).resume();
  process.stdout.write("ready\n");
}
