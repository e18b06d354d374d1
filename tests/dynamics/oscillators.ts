import type { SimulationOptions } from "../../src/dynamics/options.ts";
import { simulationOptions } from "../../src/dynamics/options.ts";
import type { DynamicsSession, DynamicsState, Stretch } from "../../src/dynamics/session.ts";
import type { Frame } from "../../src/system/frame.ts";
import type { Structure } from "../../src/system/structure.ts";

/** A session that costs nothing: atoms on springs, in plain JavaScript, so that what keeps runs is tested without what makes them. */

export const structure: Structure = {
  name: 'two "atoms"',
  numbers: [6, 8],
  positions: Float64Array.of(0, 0, 0, 1.2, 0, 0),
  cell: Float64Array.of(5, 0, 0, 0, 6, 0, 0, 0.5, 7),
  pbc: [true, false, true],
};
const masses = Float64Array.of(12.011, 15.999);
const spring = 0.3;

const initial = ({ replicas, seed }: SimulationOptions): DynamicsState => ({
  step: 0,
  positions: Float64Array.from({ length: 6 * replicas }, (_, k) => (structure.positions[k % 6] as number) + Math.sin(seed + k)),
  velocities: Float64Array.from({ length: 6 * replicas }, (_, k) => Math.cos(seed + 2 * k) / 100),
  forces: new Float64Array(6 * replicas),
  potential: new Float64Array(replicas),
  heat: new Float64Array(replicas),
});

/** One step of x'' = -spring x, whatever the mass. */
function advanceOne(state: DynamicsState, dt: number): DynamicsState {
  const velocities = state.velocities.map((v, k) => v - dt * spring * (state.positions[k] as number));
  const positions = state.positions.map((x, k) => x + dt * (velocities[k] as number));
  const forces = positions.map((x) => -spring * x);
  const potential = state.potential.map((_, r) => positions.subarray(6 * r, 6 * r + 6).reduce((sum, x) => sum + (spring * x * x) / 2, 0));
  return { step: state.step + 1, positions, velocities, forces, potential, heat: state.heat };
}

export function oscillators(request: Partial<SimulationOptions> & { steps: number }, start: DynamicsState | null = null): DynamicsSession {
  const options = simulationOptions({ timestep: 0.1, frameEvery: 3, recordEvery: 2, ...request });
  const { replicas, timestep, frameEvery, recordEvery } = options;
  let state = start ?? initial(options);
  let told = start !== null;
  const kinetic = () =>
    Float64Array.from({ length: replicas }, (_, r) => state.velocities.subarray(6 * r, 6 * r + 6).reduce((e, v) => e + v * v, 0));
  return {
    side: "test:oscillators",
    structure,
    options,
    masses,
    energyOffset: -1234.5,
    freedoms: 6,
    get step() {
      return state.step;
    },
    async advance(steps, signal): Promise<Stretch> {
      const frames: Frame[] = [];
      const records = { steps: [] as number[], potential: [] as number[], kinetic: [] as number[], heat: [] as number[] };
      const tell = () => {
        const { step, heat: _, ...arrays } = state;
        if (step % recordEvery === 0) {
          records.steps.push(step);
          records.potential.push(...state.potential);
          records.kinetic.push(...kinetic());
          records.heat.push(...state.heat);
        }
        if (frameEvery > 0 && step % frameEvery === 0) frames.push({ step, time: step * timestep, kinetic: kinetic(), ...arrays });
      };
      if (!told) tell();
      told = true;
      for (let k = 0; k < steps && state.step < options.steps && !signal?.aborted; k++) {
        state = advanceOne(state, timestep);
        tell();
      }
      const column = (values: number[]) => Float64Array.from(values);
      return {
        step: state.step,
        records: {
          steps: column(records.steps),
          potential: column(records.potential),
          kinetic: column(records.kinetic),
          heat: column(records.heat),
          modified: column(records.heat.map(() => Number.NaN)),
        },
        frames,
        stop: null,
        seconds: 1e-6,
        rebuilds: 1,
      };
    },
    state: () => structuredClone(state),
    close: async () => undefined,
  };
}
