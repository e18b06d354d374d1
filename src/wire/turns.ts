/** One at a time, in the order of asking: evaluations and the stretches of dynamics share one engine, and none of them waits for more than one
 *  of each other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Is somebody at it, or about to be. */
  get isTaken(): boolean {
    return this.#waiting > 0;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#last.then(work).finally(() => {
      this.#waiting--;
    });
    this.#last = turn.catch(() => undefined); // the next one's turn comes all the same
    return turn.then((value) => value); // of whose failure somebody must hear
  }
}
