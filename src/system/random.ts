/** Philox4x32-10 (Salmon et al., SC 2011): random numbers as a function of (seed, stream, counter), so that a law, a structure or a
 *  replica draws the same numbers whatever else has been drawn, on every machine. */

const multiplyHighLow = (a: number, b: number): readonly [number, number] => {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
  return [high >>> 0, Math.imul(a, b) >>> 0];
};

type Block = readonly [number, number, number, number];

/** One block of four 32-bit numbers. */
export function philox(counter: Block, key: readonly [number, number]): Block {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiplyHighLow(0xd2511f53, c0);
    const [high1, low1] = multiplyHighLow(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** FNV-1a: a stream's name as 32 bits. */
const hashName = (name: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
};

export class Random {
  readonly #seed: number;
  readonly #stream: string;
  readonly #streamHash: number;
  #counter = 0;

  /** @param seed any integer; @param stream numbers of different streams are independent */
  constructor(seed: number, stream: string) {
    this.#seed = seed;
    this.#stream = stream;
    this.#streamHash = hashName(stream);
  }

  /** A stream of its own under this one; drawing from it moves nothing here. */
  split(name: string): Random {
    return new Random(this.#seed, `${this.#stream}/${name}`);
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const index = this.#counter++;
    const seedHigh = Math.floor(this.#seed / 0x100000000) >>> 0;
    const [a, b] = philox([index >>> 0, Math.floor(index / 0x100000000), 0, 0], [(this.#seed ^ seedHigh) >>> 0, this.#streamHash]);
    return ((a >>> 5) * 0x4000000 + (b >>> 6)) / 0x20000000000000;
  }

  /** Normal with mean 0 and deviation 1 (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Uniform integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  /** The integers 0 .. n-1 in random order (Fisher-Yates). */
  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const moved = order[i] as number;
      order[i] = order[j] as number;
      order[j] = moved;
    }
    return order;
  }

  /** Uniform on the unit sphere. */
  direction(): [number, number, number] {
    const [x, y, z] = [this.normal(), this.normal(), this.normal()];
    const length = Math.hypot(x, y, z);
    return length > 0 ? [x / length, y / length, z / length] : [1, 0, 0];
  }
}
