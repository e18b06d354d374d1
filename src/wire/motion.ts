import type { Frame } from "../system/frame.ts";
import type { Structure } from "../system/structure.ts";
import type { Address } from "./batch.ts";
import { ArrayWriter, type DecodedMessage, encodeMessage, expectRows } from "./codec.ts";
import type { MessageOf } from "./messages.ts";

/** Dynamics as messages. The session is that of src/dynamics/session.ts, of which a server needs no more than this. */

export interface MotionSession {
  /** the last good step */
  readonly step: number;
  readonly options: { readonly steps: number; readonly replicas: number; readonly frameEvery: number };
  /** eV, what the potential energies leave out */
  readonly energyOffset: number;
  advance(
    steps: number,
    signal?: AbortSignal,
  ): Promise<{ readonly frames: readonly Frame[]; readonly stop: object | null; readonly seconds: number }>;
  close(): Promise<void>;
}

export interface MotionRequest {
  readonly structure: Structure;
  /** as the client gave them: to be checked by who opens the session */
  readonly options: Readonly<Record<string, unknown>>;
  /** (replicas, atoms, 3) Å/fs */
  readonly velocities: Float64Array | null;
}

/** @throws {PainnlessError} USAGE (an option), BAD_STRUCTURE, what the potential throws */
export type OpenMotion = (request: MotionRequest) => Promise<MotionSession>;

/** @throws {PainnlessError} BAD_MESSAGE when the extents of the arrays disagree */
export function decodeDynamics(decoded: DecodedMessage<MessageOf<"dynamics">>): MotionRequest {
  const { message } = decoded;
  const [atoms] = message.numbers.shape;
  expectRows("positions", message.positions.shape[0], atoms);
  expectRows("cells", message.cells.shape[0], 1);
  expectRows("pbc", message.pbc.shape[0], 1);
  const cell = decoded.array(message.cells);
  const [a, b, c] = decoded.array(message.pbc);
  const structure: Structure = {
    name: message.name,
    numbers: [...decoded.array(message.numbers)],
    positions: decoded.array(message.positions),
    cell: cell.every((x) => x === 0) ? null : cell,
    pbc: [a !== 0, b !== 0, c !== 0],
  };
  return { structure, options: message.options, velocities: message.velocities && decoded.array(message.velocities) };
}

export function encodeFrame({ epoch, id }: Address, frame: Frame, energyOffset: number): Uint8Array[] {
  const writer = new ArrayWriter();
  const { step, time, potential, kinetic, positions, velocities, forces } = frame;
  const replicas = potential.length;
  const rows = positions.length / 3;
  return encodeMessage(
    {
      kind: "frame",
      ...{ epoch, id, step, time },
      energy: writer.add(
        "f64",
        potential.map((net) => net + energyOffset),
        [replicas],
      ),
      net: writer.add("f64", potential, [replicas]),
      kinetic: writer.add("f64", kinetic, [replicas]),
      positions: writer.add("f64", positions, [rows, 3]),
      velocities: writer.add("f64", velocities, [rows, 3]),
      forces: writer.add("f64", forces, [rows, 3]),
    },
    writer.arrays,
  );
}
