// Evaluates and moves what it is given on the emulated card, in a process of its own: who listens to one is decided once. Prints the energies.
import { readFileSync } from "node:fs";
import { deserialize } from "node:v8";
import { openSession } from "../../dist/dynamics/open.js";
import { loadAddon } from "../../dist/engine/addon.js";
import { createCudaEngine } from "../../dist/engine/cuda.js";

const { model, batch, cache, tuning, run } = deserialize(readFileSync(0));
const options = { precision: "f32", nvrtc: [], cache, addon: loadAddon("faulty"), emulate: true, tuning };
const engine = await createCudaEngine(model, /** @type {any} */ (options));
const evaluations = await engine.evaluate(batch, ["energy", "forces"]);
const session = await openSession(engine, batch[0], run);
await session.advance(run.steps);
process.stdout.write(JSON.stringify([evaluations.map(({ energy }) => energy), [...session.state().positions]]));
await session.close();
await engine.close();
