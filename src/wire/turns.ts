/** One at a time, in the order of asking: evaluations and the stretches of dynamics share one engine, and none of them waits for more than one
 *  of each other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Is somebody at it, or about to be. */
  get isTaken(): boolean {
    return this.#waiting > 0;
  }

  /** Where nobody is at it, the work begins before this returns. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#waiting++ === 0 ? work() : this.#last.then(work);
    const end = () => {
      this.#waiting--;
    };
    this.#last = turn.then(end, end); // the next one's turn comes all the same
    return turn.then((value) => value); // of whose failure somebody must hear
  }
}
