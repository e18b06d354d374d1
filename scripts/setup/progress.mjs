/** One line a step: on a terminal the seconds count up, in a pipe a line when it begins and one when it ends. */
export class Progress {
  /** @type {NodeJS.Timeout | null} */
  #timer = null;
  #start = 0;
  #label = "";

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream) {
    this.stream = stream;
  }

  /** @param {string} line */
  say(line) {
    this.stream.write(`set-up: ${line}\n`);
  }

  /** @param {string} name @param {string} note */
  begin(name, note) {
    this.#start = performance.now();
    this.#label = `set-up: ${name.padEnd(20)}`;
    const hint = note === "" ? "" : ` (${note})`;
    if (!this.stream.isTTY) return this.stream.write(`${this.#label}...${hint}\n`);
    // A line that wraps could not be drawn over.
    const draw = () =>
      this.stream.write(`\r\x1b[2K${`${this.#label}${this.#seconds().padStart(8)}${hint}`.slice(0, this.stream.columns - 1)}`);
    draw();
    this.#timer = setInterval(draw, 500);
  }

  /** @param {string} result */
  end(result) {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const clear = this.stream.isTTY ? "\r\x1b[2K" : "";
    this.stream.write(`${clear}${this.#label}${this.#seconds().padStart(8)}  ${result}\n`);
    this.#label = "";
  }

  /** Ends the step that runs, where there is one. */
  interrupt() {
    if (this.#label !== "") this.end("interrupted; the next call takes it up again");
    else this.say("interrupted");
  }

  #seconds() {
    return `${((performance.now() - this.#start) / 1000).toFixed(1)} s`;
  }
}
