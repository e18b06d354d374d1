/** A line for each step when it ends; before, on a terminal one line where the seconds of those that run count up, in a pipe a line when it begins. */
export class Progress {
  /** @type {NodeJS.Timeout | null} */
  #timer = null;
  /** @type {Map<string, { start: number, note: string }>} by name, those that run */
  #running = new Map();

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
    const hint = note === "" ? "" : ` (${note})`;
    this.#running.set(name, { start: performance.now(), note: hint });
    if (!this.stream.isTTY) this.stream.write(`${label(name)}...${hint}\n`);
    this.#draw();
  }

  /** @param {string} name @param {string} result */
  end(name, result) {
    const clear = this.stream.isTTY ? "\r\x1b[2K" : "";
    this.stream.write(`${clear}${label(name)}${this.#seconds(name).padStart(8)}  ${result}\n`);
    this.#running.delete(name);
    this.#draw();
  }

  /** Ends the steps that run, where there are any. */
  interrupt() {
    if (this.#running.size === 0) return this.say("interrupted");
    for (const name of [...this.#running.keys()]) this.end(name, "interrupted; the next call takes it up again");
  }

  #draw() {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#running.size === 0 || !this.stream.isTTY) return;
    const draw = () => {
      const all = (/** @type {boolean} */ noted) =>
        `set-up: ${[...this.#running].map(([name, { note }]) => `${name} ${this.#seconds(name)}${noted ? note : ""}`).join(", ")}`;
      const line = all(true).length < this.stream.columns ? all(true) : all(false);
      this.stream.write(`\r\x1b[2K${line.slice(0, this.stream.columns - 1)}`); // a line that wraps could not be drawn over
    };
    draw();
    this.#timer = setInterval(draw, 500);
  }

  /** @param {string} name */
  #seconds(name) {
    return `${((performance.now() - (this.#running.get(name)?.start ?? 0)) / 1000).toFixed(1)} s`;
  }
}

/** @param {string} name */
const label = (name) => `set-up: ${name.padEnd(20)}`;
