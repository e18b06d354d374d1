import { open, rename, rm } from "node:fs/promises";
import type { Dataset, Group, File as Hdf5File } from "h5wasm/node";
import type { Frame } from "../system/frame.ts";
import { energyUnitsInEv } from "../system/units.ts";
import { writeFailed } from "./append-file.ts";
import type { TrajectoryHead } from "./trajectory.ts";

/** Frames as H5MD 1.1 (docs/formats.md, section 8). HDF5 keeps its index in memory until a file is closed: what a killed run leaves behind opens
 *  nowhere (or, written in SWMR mode, only for readers that ask for that mode). So this file is made from frames on disk, when the run is over. */

/** Coordinates that are held and written at once, and that one chunk of a dataset holds: a file is never smaller than a chunk a dataset. */
const [blockNumbers, chunkNumbers] = [500_000, 4096];

/** One quantity in time. */
interface Element {
  readonly path: string;
  /** of its value at one step */
  readonly shape: readonly number[];
  readonly unit: string;
  of(frame: Frame): ArrayLike<number>;
}

/** The file appears whole or not at all. @param version of painnless
 *  @throws {PainnlessError} WRITE_FAILED, and what reading the frames throws */
export async function writeH5md(path: string, head: TrajectoryHead, frames: AsyncIterable<Frame>, version: string): Promise<void> {
  const { File, ready } = await import("h5wasm/node");
  // Without this, HDF5 prints what went wrong and goes on.
  (await ready).activate_throwing_error_handler();
  const temporary = `${path}.tmp`;
  const elements = elementsOf(head);
  try {
    const file = new File(temporary, "w");
    try {
      describe(file, head, version);
      for (const element of elements) begin(file, element);
      await appendAll(file, elements, frames);
    } finally {
      file.close();
    }
    const handle = await open(temporary, "r");
    await handle.sync().finally(() => handle.close());
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw hdf5Failure(path, cause);
  }
}

/** What the system said is one line of the hundred that HDF5 throws. */
function hdf5Failure(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error && cause.message.startsWith("HDF5-DIAG"))) return cause;
  const said = /error message = '([^']*)'/.exec(cause.message)?.[1];
  return writeFailed(path, new Error(said ?? cause.message, { cause }));
}

function elementsOf({ structure, replicas, energyOffset }: TrajectoryHead): Element[] {
  const n = structure.numbers.length;
  const { cell } = structure;
  return Array.from({ length: replicas }, (_, r): Element[] => {
    const part = (array: Float64Array) => array.subarray(3 * n * r, 3 * n * (r + 1));
    const [atoms, observables] = [`/particles/replica${r}`, `/observables/replica${r}`];
    const shape = [n, 3];
    // The one unit of force near ours that readers know: MDAnalysis opens no file with another.
    const kilojoules = energyUnitsInEv["kJ/mol"];
    return [
      { path: `${atoms}/position`, shape, unit: "Angstrom", of: ({ positions }) => part(positions) },
      { path: `${atoms}/velocity`, shape, unit: "Angstrom fs-1", of: ({ velocities }) => part(velocities) },
      { path: `${atoms}/force`, shape, unit: "kJ mol-1 Angstrom-1", of: ({ forces }) => part(forces).map((f) => f / kilojoules) },
      ...(cell === null ? [] : [{ path: `${atoms}/box/edges`, shape: [3, 3], unit: "Angstrom", of: () => cell }]),
      { path: `${observables}/potential_energy`, shape: [], unit: "eV", of: ({ potential }) => [(potential[r] as number) + energyOffset] },
      { path: `${observables}/kinetic_energy`, shape: [], unit: "eV", of: ({ kinetic }) => [kinetic[r] as number] },
    ];
  }).flat();
}

/** What does not change in time. */
function describe(file: Hdf5File, { structure, masses, replicas }: TrajectoryHead, version: string): void {
  const h5md = file.create_group("h5md");
  h5md.create_attribute("version", Int32Array.of(1, 1));
  h5md.create_group("author").create_attribute("name", "unknown");
  const creator = h5md.create_group("creator");
  creator.create_attribute("name", "painnless");
  creator.create_attribute("version", version);
  for (let r = 0; r < replicas; r++) {
    const atoms = groupAt(file, `/particles/replica${r}`);
    atoms.create_dataset({ name: "species", data: Int32Array.from(structure.numbers), shape: [masses.length] });
    atoms.create_dataset({ name: "mass", data: masses, shape: [masses.length] }).create_attribute("unit", "u");
    const box = atoms.create_group("box");
    box.create_attribute("dimension", 3, null, "<i");
    const boundary = structure.pbc.map((periodic) => (periodic ? "periodic" : "none"));
    box.create_attribute("boundary", boundary);
  }
}

/** The group of a path, made where it is not there yet. */
function groupAt(file: Hdf5File, path: string): Group {
  return path
    .split("/")
    .slice(1)
    .reduce<Group>((parent, name) => (parent.keys().includes(name) ? (parent.get(name) as Group) : parent.create_group(name)), file);
}

const [stepPath, timePath] = ["/particles/replica0/position/step", "/particles/replica0/position/time"];

/** Empty datasets that grow. All elements share one list of steps and one of times. */
function begin(file: Hdf5File, { path, shape, unit }: Element): void {
  const group = groupAt(file, path);
  const grow = (name: string, row: readonly number[], dtype: string) => {
    const rows = Math.max(1, Math.floor(chunkNumbers / row.reduce((product, size) => product * size, 1)));
    return group.create_dataset({ name, data: [], shape: [0, ...row], maxshape: [null, ...row], chunks: [rows, ...row], dtype });
  };
  grow("value", shape, "<d").create_attribute("unit", unit);
  if (`${path}/step` === stepPath) {
    grow("step", [], "<q");
    grow("time", [], "<d").create_attribute("unit", "fs");
  } else {
    file.create_hard_link(stepPath, `${path}/step`);
    file.create_hard_link(timePath, `${path}/time`);
  }
}

async function appendAll(file: Hdf5File, elements: readonly Element[], frames: AsyncIterable<Frame>): Promise<void> {
  let block: Frame[] = [];
  let written = 0;
  const append = () => {
    appendBlock(file, elements, block, written);
    written += block.length;
    block = [];
  };
  for await (const frame of frames) {
    block.push(frame);
    if (block.length * frame.positions.length >= blockNumbers) append();
  }
  if (block.length > 0) append();
}

function appendBlock(file: Hdf5File, elements: readonly Element[], block: readonly Frame[], first: number): void {
  const append = (path: string, row: readonly number[], values: Float64Array | number[]) => {
    const dataset = file.get(path) as Dataset;
    dataset.resize([first + block.length, ...row]);
    dataset.write_slice([[first, first + block.length], ...row.map((size): [number, number] => [0, size])], values);
  };
  const [steps, times] = [block.map(({ step }) => step), block.map(({ time }) => time)];
  append(stepPath, [], steps);
  append(timePath, [], times);
  for (const { path, shape, of } of elements) {
    const size = shape.reduce((product, length) => product * length, 1);
    const values = new Float64Array(size * block.length);
    block.forEach((frame, k) => {
      values.set(of(frame), size * k);
    });
    append(`${path}/value`, shape, values);
  }
}
