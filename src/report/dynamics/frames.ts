/** Frames of one replica, for the page. */
export interface ShownFrames {
  /** seed of the replica */
  readonly seed: number;
  readonly frames: readonly ShownFrame[];
}

export interface ShownFrame {
  /** fs since step 0 */
  readonly time: number;
  /** (n, 3) Å, not wrapped */
  readonly positions: Float64Array;
}

/** Keeps an even selection of however many frames a run has, in bounded memory: when it is full, every second frame goes and from then on
 *  every second is taken. */
export class FrameSelection {
  readonly #most: number;
  #stride = 1;
  #seen = 0;
  #frames: ShownFrame[] = [];

  /** @param atoms of the structure; larger ones are shown in fewer frames */
  constructor(atoms: number) {
    this.#most = Math.max(2, Math.min(mostFrames, 2 * Math.floor(mostCoordinates / (6 * atoms))));
  }

  /** Takes the next frame; its positions must not change afterwards. */
  add(frame: ShownFrame): void {
    if (this.#seen % this.#stride === 0) {
      if (this.#frames.length === this.#most) {
        this.#frames = this.#frames.filter((_, i) => i % 2 === 0);
        this.#stride *= 2;
      }
      if (this.#seen % this.#stride === 0) this.#frames.push(frame);
    }
    this.#seen += 1;
  }

  get frames(): readonly ShownFrame[] {
    return this.#frames;
  }
}

const mostFrames = 1200;
/** Two bytes each, then base64: half a megabyte of the page. */
const mostCoordinates = 180_000;
