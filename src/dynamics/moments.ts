/** Of one replica's records, without keeping them. */
export class Moments {
  /** eV: energy of the first record; energies are sums of differences from it */
  zero = Number.NaN;
  #n = 0;
  #t = 0;
  #tt = 0;
  #e = 0;
  #ee = 0;
  #te = 0;
  #k = 0;
  #kk = 0;
  #firstKinetic = 0;

  /** @param time fs @returns the energy above that of the first record */
  add(time: number, energy: number, kinetic: number): number {
    if (this.#n === 0) {
      this.zero = energy;
      this.#firstKinetic = kinetic;
    }
    const e = energy - this.zero;
    const k = kinetic - this.#firstKinetic;
    this.#n += 1;
    this.#t += time;
    this.#tt += time * time;
    this.#e += e;
    this.#ee += e * e;
    this.#te += time * e;
    this.#k += k;
    this.#kk += k * k;
    return e;
  }

  /** eV */
  get meanKinetic(): number {
    return this.#firstKinetic + this.#k / this.#n;
  }

  /** Standard deviation, eV. */
  get kineticDeviation(): number {
    return Math.sqrt(Math.max(0, this.#kk - this.#k ** 2 / this.#n) / this.#n);
  }

  /** rms distance of the energy from its own least-squares line, eV; NaN for fewer than three records. */
  get energyRms(): number {
    if (this.#n < 3) return Number.NaN;
    const tt = this.#tt - this.#t ** 2 / this.#n;
    const te = this.#te - (this.#t * this.#e) / this.#n;
    const ee = this.#ee - this.#e ** 2 / this.#n;
    return Math.sqrt(Math.max(0, ee - te ** 2 / tt) / (this.#n - 2));
  }
}
