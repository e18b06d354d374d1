import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { PainnlessError } from "../errors.ts";
import { elementSymbol } from "../system/elements.ts";
import type { Frame } from "../system/frame.ts";
import type { Structure } from "../system/structure.ts";
import { fsInAseTime } from "../system/units.ts";

/** Frames as extended XYZ: docs/formats.md, section 8. */

/** What all frames of a trajectory have in common. */
export interface TrajectoryHead {
  readonly structure: Structure;
  /** (n) u */
  readonly masses: Float64Array;
  readonly replicas: number;
  /** eV, added to the energies of frames to give those that `evaluate` gives */
  readonly energyOffset: number;
}

/** One block of extended XYZ for each replica. ASE reads momenta in its own unit, from which it has velocities; numbers read back to the same bits. */
export function frameText(head: TrajectoryHead, frame: Frame): string {
  const { structure, masses, energyOffset } = head;
  const n = structure.numbers.length;
  const common = [
    ...(structure.cell === null ? [] : [`Lattice="${[...structure.cell].join(" ")}"`]),
    "Properties=species:S:1:pos:R:3:momenta:R:3:forces:R:3",
    `name="${structure.name.replace(/["\\\n]/g, "_")}"`,
    `pbc="${structure.pbc.map((periodic) => (periodic ? "T" : "F")).join(" ")}"`,
    `step=${frame.step}`,
    `time=${frame.time}`,
  ].join(" ");
  const symbols = structure.numbers.map(elementSymbol);
  const momentum = masses.map((mass) => mass / fsInAseTime);
  const { positions: x, velocities: v, forces: f } = frame;
  let text = "";
  for (let r = 0; r < head.replicas; r++) {
    const net = frame.potential[r] as number;
    text += `${n}\n${common} replica=${r} energy=${net + energyOffset} net_energy=${net} kinetic_energy=${frame.kinetic[r]}\n`;
    for (let i = 0; i < n; i++) {
      const k = 3 * (r * n + i);
      const m = momentum[i] as number;
      const p = `${m * (v[k] as number)} ${m * (v[k + 1] as number)} ${m * (v[k + 2] as number)}`;
      text += `${symbols[i]} ${x[k]} ${x[k + 1]} ${x[k + 2]} ${p} ${f[k]} ${f[k + 1]} ${f[k + 2]}\n`;
    }
  }
  return text;
}

/** The frames of a file that `frameText` made, one after the other, in bounded memory. Velocities may differ in the last bit, since momenta are stored.
 *  @throws {PainnlessError} NOT_FOUND if it cannot be read, BAD_STRUCTURE where it is not what `frameText` writes for this head */
export async function* readFrames(path: string, head: TrajectoryHead): AsyncGenerator<Frame, void, void> {
  const { replicas } = head;
  const n = head.structure.numbers.length;
  const block = n + 2;
  const stream = createReadStream(path);
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      lines.push(line);
      if (lines.length < replicas * block) continue;
      yield parseFrame(path, head, lines, block);
      lines.length = 0;
    }
  } catch (cause) {
    if (cause instanceof PainnlessError) throw cause;
    throw new PainnlessError("NOT_FOUND", `cannot read ${path}, which holds the frames of this run: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    stream.destroy();
  }
  if (lines.length > 0) throw notOurs(path, `${lines.length} lines after the last whole frame`);
}

const notOurs = (path: string, what: string): PainnlessError =>
  new PainnlessError("BAD_STRUCTURE", `${path}: ${what}, expected the frames that painnless wrote there`);

function parseFrame(path: string, head: TrajectoryHead, lines: readonly string[], block: number): Frame {
  const { masses, replicas } = head;
  const n = block - 2;
  const field = (r: number, name: string): number => {
    const found = new RegExp(` ${name}=(\\S+)`).exec(lines[r * block + 1] ?? "")?.[1];
    return found === undefined ? Number.NaN : Number(found);
  };
  const arrays = [0, 1, 2].map(() => new Float64Array(3 * replicas * n)) as [Float64Array, Float64Array, Float64Array];
  const energies = (name: string) => Float64Array.from({ length: replicas }, (_, r) => field(r, name));
  for (let r = 0; r < replicas; r++) {
    if (lines[r * block] !== String(n) || field(r, "replica") !== r || field(r, "step") !== field(0, "step"))
      throw notOurs(path, `"${lines[r * block]?.slice(0, 40)}", "${lines[r * block + 1]?.slice(0, 200)}"`);
    for (let i = 0; i < n; i++) {
      const values = (lines[r * block + 2 + i] as string).split(" ");
      for (let k = 0; k < 9; k++) (arrays[Math.floor(k / 3)] as Float64Array)[3 * (r * n + i) + (k % 3)] = Number(values[k + 1]);
    }
  }
  const [positions, velocities, forces] = arrays;
  for (let k = 0; k < velocities.length; k++)
    velocities[k] = ((velocities[k] as number) * fsInAseTime) / (masses[Math.floor(k / 3) % n] as number);
  const frame = { step: field(0, "step"), time: field(0, "time"), positions, velocities, forces };
  const whole = { ...frame, potential: energies("net_energy"), kinetic: energies("kinetic_energy") };
  const values = [whole.step, whole.time, ...whole.potential, ...whole.kinetic];
  if (!values.every(Number.isFinite) || !arrays.every((array) => array.every(Number.isFinite)))
    throw notOurs(path, `the frame of step ${whole.step} holds something that is not a number`);
  return whole;
}
