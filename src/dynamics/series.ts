import { boltzmannInEv } from "../system/units.ts";
import type { EnergyTrace } from "./energy-trace.ts";
import type { Series } from "./result.ts";

/** Seven digits, as many as float32 has: a chart shows no more, and the page that carries them is a third shorter. */
const rounded = (x: number): number | null => (Number.isFinite(x) ? Number(x.toPrecision(7)) : null);

/** The traces of a run for charts, one point a bin. @param seeds of the replicas */
export function seriesOf(trace: EnergyTrace, seeds: readonly number[]): Series {
  const { atoms, freedoms } = trace.options;
  const bins = (replica: number) => Array.from({ length: trace.length }, (_, k) => trace.bin(k, replica));
  const meV = (x: number) => rounded((x * 1e3) / atoms);
  return {
    time: bins(0).map(({ time }) => Number((time / 1e3).toPrecision(12))),
    replicas: seeds.map((seed, r) => {
      const own = bins(r);
      const records = own.reduce((sum, bin) => sum + bin.records, 0);
      const mean = own.reduce((sum, bin) => sum + bin.potential * bin.records, 0) / records;
      return {
        seed,
        energy: own.map(({ energy }) => meV(energy)),
        energyLow: own.map(({ low }) => meV(low)),
        energyHigh: own.map(({ high }) => meV(high)),
        modified: own.some(({ modified }) => Number.isFinite(modified)) ? own.map(({ modified }) => meV(modified)) : null,
        potential: own.map(({ potential }) => meV(potential - mean)),
        temperature: own.map(({ kinetic }) => rounded((2 * kinetic) / (freedoms * boltzmannInEv))),
      };
    }),
  };
}
