import type { Evaluation } from "../system/potential.ts";
import type { Address } from "./batch.ts";
import { ArrayWriter, largeBytes } from "./codec.ts";

// The answer to one structure, as each step of a trajectory is answered: its header is written from these texts, byte for byte as msgpackr would
// (a map of 16-bit length), in a fifth of the time.

const key = (text: string) => Buffer.from([0xa0 + text.length, ...Buffer.from(text)]);
const opening = Buffer.concat([Buffer.from([0xde, 0, 9]), key("kind"), key("result"), key("epoch")]);
const keys = {
  id: key("id"),
  ...{ energy: key("energy"), net: key("net"), forces: key("forces"), stress: key("stress") },
  ...{ stressed: key("stressed"), energies: key("energies") },
};
const nil = 0xc0;

/** The frames that answer with one evaluation. */
export function encodeSingleResult({ epoch, id }: Address, evaluation: Evaluation): Uint8Array[] {
  const { forces, stress, energies } = evaluation;
  const writer = new ArrayWriter();
  const header = new Header(roomFor(forces) + roomFor(stress) + roomFor(energies));
  header.uint(epoch);
  header.text(keys.id);
  header.uint(id);
  header.text(keys.energy);
  header.float(evaluation.energy);
  header.text(keys.net);
  header.float(evaluation.netEnergy);
  header.text(keys.forces);
  header.array(forces, writer);
  header.text(keys.stress);
  header.array(stress, writer);
  header.text(keys.stressed);
  if (stress === null)
    header.byte(0x90); // []
  else header.bytes(0x91, 0); // [0]
  header.text(keys.energies);
  header.array(energies, writer);
  return [header.end(), ...writer.frames];
}

/** Bytes of all texts, integers and lengths together, at most. */
const fixedRoom = 160;
const roomFor = (values: Float64Array | null): number => (values === null || values.byteLength >= largeBytes ? 0 : values.byteLength);

class Header {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(arrayBytes: number) {
    this.#bytes = Buffer.allocUnsafe(fixedRoom + arrayBytes);
    this.text(opening);
  }

  byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  bytes(first: number, second: number): void {
    this.byte(first);
    this.byte(second);
  }

  text(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  uint(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) this.bytes(0xcc, value);
    else if (value < 0x10000) {
      this.byte(0xcd);
      this.#at = this.#bytes.writeUInt16BE(value, this.#at);
    } else {
      this.byte(0xce);
      this.#at = this.#bytes.writeUInt32BE(value, this.#at);
    }
  }

  /** One f64 as an array. */
  float(value: number): void {
    this.bytes(0xc4, 8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  array(values: Float64Array | null, writer: ArrayWriter): void {
    const packed = values === null ? nil : writer.add<"f64">(values);
    if (typeof packed === "number") {
      this.byte(packed);
      return;
    }
    if (packed.length < 0x100) this.bytes(0xc4, packed.length);
    else {
      this.byte(0xc5);
      this.#at = this.#bytes.writeUInt16BE(packed.length, this.#at);
    }
    this.text(packed);
  }

  end(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }
}
