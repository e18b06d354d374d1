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
  const numbers = decoded.array("numbers");
  const positions = decoded.array("positions");
  const cell = decoded.array("cells");
  const pbc = decoded.array("pbc");
  expectRows("positions", positions.length / 3, numbers.length);
  expectRows("cells", cell.length / 9, 1);
  expectRows("pbc", pbc.length / 3, 1);
  const structure: Structure = {
    name: message.name,
    numbers: [...numbers],
    positions,
    cell: cell.every((x) => x === 0) ? null : cell,
    pbc: [pbc[0] !== 0, pbc[1] !== 0, pbc[2] !== 0],
  };
  return { structure, options: message.options, velocities: decoded.array("velocities") };
}

export function encodeFrame({ epoch, id }: Address, frame: Frame, energyOffset: number): Uint8Array[] {
  const writer = new ArrayWriter();
  const { step, time, potential, kinetic, positions, velocities, forces } = frame;
  return encodeMessage(
    {
      kind: "frame",
      ...{ epoch, id, step, time },
      energy: writer.add(potential.map((net) => net + energyOffset)),
      net: writer.add(potential),
      kinetic: writer.add(kinetic),
      positions: writer.add(positions),
      velocities: writer.add(velocities),
      forces: writer.add(forces),
    },
    writer.frames,
  );
}
