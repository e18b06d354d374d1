import { Moments } from "./moments.ts";
import type { EnergyRecords } from "./session.ts";

export interface TraceOptions {
  readonly replicas: number;
  /** fs */
  readonly timestep: number;
  readonly atoms: number;
  /** degrees of freedom of a replica */
  readonly freedoms: number;
}

/** One bin of consecutive records of one replica. Energies in eV above the replica's first record. */
export interface Bin {
  /** fs, mean of its records */
  readonly time: number;
  readonly records: number;
  readonly energy: number;
  readonly low: number;
  readonly high: number;
  /** NaN where no record had one */
  readonly modified: number;
  /** eV, not relative to anything */
  readonly kinetic: number;
  readonly potential: number;
}

/** Bins that are kept, even. 2,048 are more than any chart shows, and a piece of a run still has 256 of them. */
const capacity = 2048;
const columns = ["energy", "low", "high", "modified", "kinetic", "potential"] as const;

/** The energies of a run in bounded memory: bins of consecutive records, two of which become one when there are too many, and the moments of
 *  all records. Conserved energy is potential + kinetic - heat. Steps below 0 are left out. */
export class EnergyTrace {
  readonly options: TraceOptions;
  /** records in a full bin */
  #width = 1;
  #length = 0;
  /** (bins) */
  readonly #counts = new Float64Array(capacity);
  readonly #modifiedCounts = new Float64Array(capacity);
  readonly #times = new Float64Array(capacity);
  /** (bins, replicas): sums, and the extremes low and high */
  readonly #columns: Readonly<Record<(typeof columns)[number], Float64Array>>;
  readonly #moments: readonly Moments[];

  constructor(options: TraceOptions) {
    this.options = options;
    const ofBins = () => new Float64Array(capacity * options.replicas);
    this.#columns = { energy: ofBins(), low: ofBins(), high: ofBins(), modified: ofBins(), kinetic: ofBins(), potential: ofBins() };
    this.#moments = Array.from({ length: options.replicas }, () => new Moments());
  }

  /** Bins there are, the last of which may not be full. */
  get length(): number {
    return this.#length;
  }

  add(records: EnergyRecords): void {
    const { replicas, timestep } = this.options;
    records.steps.forEach((step, k) => {
      if (step < 0) return;
      const bin = this.#binOfNext();
      this.#counts[bin] = (this.#counts[bin] as number) + 1;
      this.#times[bin] = (this.#times[bin] as number) + step * timestep;
      const hasModified = Number.isFinite(records.modified[k * replicas]);
      if (hasModified) this.#modifiedCounts[bin] = (this.#modifiedCounts[bin] as number) + 1;
      for (let r = 0; r < replicas; r++) {
        const at = k * replicas + r;
        const potential = records.potential[at] as number;
        const kinetic = records.kinetic[at] as number;
        const heat = records.heat[at] as number;
        const moments = this.#moments[r] as Moments;
        const energy = moments.add(step * timestep, potential + kinetic - heat, kinetic);
        const modified = hasModified ? (records.modified[at] as number) - heat - moments.zero : 0;
        this.#put(bin * replicas + r, energy, modified, kinetic, potential);
      }
    });
  }

  /** Index of the bin that the next record goes to. */
  #binOfNext(): number {
    if (this.#length > 0 && (this.#counts[this.#length - 1] as number) < this.#width) return this.#length - 1;
    if (this.#length === capacity) this.#mergePairs();
    const bin = this.#length++;
    for (const column of [this.#counts, this.#modifiedCounts, this.#times]) column[bin] = 0;
    const { replicas } = this.options;
    for (const name of columns) {
      const empty = name === "low" ? Number.POSITIVE_INFINITY : name === "high" ? Number.NEGATIVE_INFINITY : 0;
      this.#columns[name].fill(empty, bin * replicas, (bin + 1) * replicas);
    }
    return bin;
  }

  #put(at: number, energy: number, modified: number, kinetic: number, potential: number): void {
    const { low, high, ...sums } = this.#columns;
    sums.energy[at] = (sums.energy[at] as number) + energy;
    sums.modified[at] = (sums.modified[at] as number) + modified;
    sums.kinetic[at] = (sums.kinetic[at] as number) + kinetic;
    sums.potential[at] = (sums.potential[at] as number) + potential;
    low[at] = Math.min(low[at] as number, energy);
    high[at] = Math.max(high[at] as number, energy);
  }

  #mergePairs(): void {
    const { replicas } = this.options;
    const add = (a: number, b: number) => a + b;
    const merge = (array: Float64Array, per: number, join: (a: number, b: number) => number) => {
      for (let bin = 0; bin < capacity / 2; bin++)
        for (let r = 0; r < per; r++)
          array[bin * per + r] = join(array[2 * bin * per + r] as number, array[(2 * bin + 1) * per + r] as number);
    };
    for (const array of [this.#counts, this.#modifiedCounts, this.#times]) merge(array, 1, add);
    for (const name of columns) merge(this.#columns[name], replicas, name === "low" ? Math.min : name === "high" ? Math.max : add);
    this.#length = capacity / 2;
    this.#width *= 2;
  }

  bin(index: number, replica: number): Bin {
    const at = index * this.options.replicas + replica;
    const count = this.#counts[index] as number;
    const { energy, low, high, modified, kinetic, potential } = this.#columns;
    return {
      time: (this.#times[index] as number) / count,
      records: count,
      energy: (energy[at] as number) / count,
      low: low[at] as number,
      high: high[at] as number,
      modified: (modified[at] as number) / (this.#modifiedCounts[index] as number),
      kinetic: (kinetic[at] as number) / count,
      potential: (potential[at] as number) / count,
    };
  }

  /** Bins from .. to - 1 of a replica as a line is fitted to them: times in fs, values in eV, weights in records. Bins without a value are left out. */
  points(of: "energy" | "modified", replica: number, from: number, to: number): { times: number[]; values: number[]; weights: number[] } {
    const counts = of === "energy" ? this.#counts : this.#modifiedCounts;
    const sums = this.#columns[of];
    const points = { times: [] as number[], values: [] as number[], weights: [] as number[] };
    for (let k = from; k < to; k++) {
      const count = counts[k] as number;
      if (count === 0) continue;
      points.times.push((this.#times[k] as number) / (this.#counts[k] as number));
      points.values.push((sums[k * this.options.replicas + replica] as number) / count);
      points.weights.push(count);
    }
    return points;
  }

  moments(replica: number): Moments {
    return this.#moments[replica] as Moments;
  }
}
