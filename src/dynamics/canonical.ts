import { boltzmannInEv } from "../system/units.ts";
import { chiSquared, kolmogorov, largestDistance } from "./distributions.ts";
import { estimateOf, fewestPieces } from "./estimate.ts";
import type { MdResult } from "./result.ts";
import type { EnergyRecords } from "./session.ts";

type Canonical = NonNullable<MdResult["canonical"]>;

/** Records of each replica that are kept, even. */
const capacity = 4096;

/** The kinetic energies of a thermostatted run, thinned to bounded memory, against the canonical distribution: 2K / kT is chi-square with the
 *  degrees of freedom (T59). Steps below 0 are left out. */
export class CanonicalTrace {
  readonly #replicas: number;
  readonly #freedoms: number;
  readonly #target: number;
  /** by replica, eV: every `#every`-th record */
  readonly #kept: number[][];
  #every = 1;
  #seen = 0;

  /** @param target K */
  constructor(options: { readonly replicas: number; readonly freedoms: number; readonly target: number }) {
    this.#replicas = options.replicas;
    this.#freedoms = options.freedoms;
    this.#target = options.target;
    this.#kept = Array.from({ length: options.replicas }, () => []);
  }

  add(records: EnergyRecords): void {
    records.steps.forEach((step, k) => {
      if (step < 0) return;
      if (this.#seen++ % this.#every !== 0) return;
      if (this.#kept[0]?.length === capacity) {
        for (const series of this.#kept) series.splice(0, capacity, ...series.filter((_, index) => index % 2 === 0));
        this.#every *= 2;
        if ((this.#seen - 1) % this.#every !== 0) return;
      }
      this.#kept.forEach((series, r) => {
        series.push(records.kinetic[k * this.#replicas + r] as number);
      });
    });
  }

  /** null for fewer than 16 records. */
  result(): Canonical | null {
    const length = this.#kept[0]?.length ?? 0;
    if (length < 16) return null;
    const target = this.#target;
    const all = this.#kept.flat().map((kinetic) => (2 * kinetic) / (boltzmannInEv * target));
    const independent = all.length / correlationTime(this.#kept);
    const distance = largestDistance(all, (x) => chiSquared(this.#freedoms, x));
    const pieces = Math.ceil(fewestPieces / this.#replicas);
    const temperatures = this.#kept.flatMap((series) =>
      Array.from({ length: pieces }, (_, piece) => {
        const part = series.slice(Math.floor((piece * length) / pieces), Math.floor(((piece + 1) * length) / pieces));
        return (2 * part.reduce((sum, x) => sum + x, 0)) / part.length / (this.#freedoms * boltzmannInEv);
      }),
    );
    const known = Number.isFinite(distance);
    return {
      ...{ temperature: estimateOf(temperatures), target, freedoms: this.#freedoms, independent },
      distance: known ? distance : null,
      pValue: known ? kolmogorov(distance, independent) : null,
    };
  }
}

/** Integrated autocorrelation time in samples, at least 1: so many samples count as one. The sum over lags ends where they are five such times
 *  long, beyond which there is only noise. @param series about one mean */
export function correlationTime(series: readonly (readonly number[])[]): number {
  const all = series.flat();
  const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
  const covariance = (lag: number) => {
    let sum = 0;
    let count = 0;
    for (const own of series)
      for (let k = lag; k < own.length; k++) {
        sum += ((own[k] as number) - mean) * ((own[k - lag] as number) - mean);
        count += 1;
      }
    return sum / count;
  };
  const variance = covariance(0);
  if (!(variance > 0)) return 1;
  let time = 1;
  const longest = Math.floor((series[0]?.length ?? 0) / 2);
  for (let lag = 1; lag <= longest && lag <= 5 * time; lag++) time += (2 * covariance(lag)) / variance;
  return Math.max(1, time);
}
