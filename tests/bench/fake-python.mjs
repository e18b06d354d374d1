#!/usr/bin/env node
// Speaks as painnless.worker.baseline does, for a model without forces. FAKE says what goes wrong.
import { createInterface } from "node:readline";

/** @param {object} answer */
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const fault = process.env.FAKE ?? "";
if (fault === "mute") process.exit(3);
say({ kind: "ready", threads: 1, torch: "0.0" });
/** @type {Record<string, string[]>} */
const missing = { "no packages": ["schnetpack", "nvalchemi-eager", "nvalchemi-graph"], search: ["nvalchemi-graph"] };
/** @type {Record<string, number>} */
const seconds = { compiled: 0.002, schnetpack: 0.0015, "nvalchemi-graph": 0.001 };
let atoms = 0;
let graphs = 0;
createInterface({ input: process.stdin }).on("line", (line) => {
  const { kind, numbers, positions, count, how } = JSON.parse(line);
  if (kind === "load") {
    atoms = numbers.length;
    graphs = 0;
    say({ kind: "loaded", edges: positions.map(() => 72) });
  } else if (how === "compiled" && fault === "no compiler") say({ kind: "error", message: "InductorError: no C++ compiler" });
  else if (missing[fault]?.includes(how)) say({ kind: "error", message: `${how} is not installed in fake` });
  else if (kind === "search") {
    const edges = Number(process.env.EDGES ?? 12);
    say({ kind: "searched", edges: fault === "search" && how === "nvalchemi-eager" ? edges - 1 : edges });
  }
  else if (kind === "evaluate") {
    const off = how === "compiled" && fault === "wrong" ? 0.1 : 0;
    say({ kind: "evaluated", energies: Array(atoms).fill(0), forces: Array(3 * atoms).fill(off) });
  } else {
    if (fault === "dies") process.exit(9);
    if (how === "compiled") graphs += fault === "recompiles" || graphs === 0 ? 1 : 0;
    say({ kind: "timed", seconds: Array(count).fill(seconds[how] ?? 0.005), graphs });
  }
});
