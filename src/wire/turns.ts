/** So many at a time, in the order of asking: evaluations and the stretches of dynamics share one engine, and none of them waits for more than one
 *  turn of each other. */
export class Turns {
  readonly #most: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Is somebody at it, or about to be. */
  get isTaken(): boolean {
    return this.#taken > 0;
  }

  /** Where there is room, the work begins before this returns. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#most) this.#taken++;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken--;
      else next(); // in this one's place, so that nobody comes between
    }
  }
}
