import type { NativePrecision } from "./model.ts";
import type { InstructionSet, NativePlan } from "./plan.ts";
import type { NativeSession, NativeSetup, NativeState } from "./session.ts";

export interface NativeBatch {
  /** (atoms) */
  readonly numbers: Int32Array;
  /** (atoms, 3) Å */
  readonly positions: Float64Array;
  /** (structures + 1) first atom of each structure */
  readonly offsets: Int32Array;
  /** (structures, 3, 3) Å, zeros without a cell */
  readonly cells: Float64Array;
  /** (structures, 3) 0 or 1 */
  readonly pbc: Uint8Array;
}

/** Of each structure, beside its energy. */
export interface NativeWant {
  readonly forces: boolean;
  readonly stress: boolean;
}

export interface NativeEvaluation {
  /** (structures) eV, net of constants */
  readonly netEnergy: Float64Array;
  /** (atoms, 3) eV/Å; length 0 when not wanted */
  readonly forces: Float64Array;
  /** (structures, 6) Voigt, eV/Å^3; length 0 when not wanted */
  readonly stress: Float64Array;
  /** (atoms) eV, net of constants */
  readonly energies: Float64Array;
  /** directed edges of each structure */
  readonly edges: Int32Array;
  /** Is every number of these arrays finite. */
  readonly finite: boolean;
}

export interface NativeNeighbors {
  /** (edges) sorted by receiver, then sender, then shift */
  readonly receivers: Int32Array;
  readonly senders: Int32Array;
  /** (edges, 3) lattice translations S of the sender */
  readonly shifts: Int32Array;
  /** (edges, 3) r = R_sender - R_receiver + S cell, Å */
  readonly vectors: Float64Array;
  /** (edges) index of the same pair seen from the sender */
  readonly reverse: Int32Array;
}

export interface CpuEngineOptions {
  readonly precision: NativePrecision;
  readonly threads: number;
  /** null: the best this processor has */
  readonly instructionSet: InstructionSet | null;
  /** bytes of activations above which they are recomputed instead of kept */
  readonly activationBytes: number;
}

export interface NativeEngineObject<Plan extends NativePlan = NativePlan> {
  /** Off the event loop, or at once where nothing runs and evaluations of so many atoms have taken less than a millisecond; one at a time,
   *  later calls wait, of which a card is told the next while it computes. Each ends by itself. Rejects with an Error whose `code` is BAD_STRUCTURE (then `field` names
   *  the input), MISSING (memory) or CANCELLED. Where results are not `finite`, which of them is the caller's to say. */
  evaluate(batch: NativeBatch, want: NativeWant): Promise<NativeEvaluation>;
  /** The event loop has turned since evaluations were asked for: short ones may go on being made on it. To be called once a turn. */
  turned(): void;
  /** Seconds of each of `count` evaluations of one batch, timed inside, nothing else in between: for benchmarks. */
  time(batch: NativeBatch, want: NativeWant, count: number): Promise<Float64Array>;
  plan(atoms: number, pairs: number): Plan;
  /** A run that stands at `state`, whose forces are those of its positions; `reportStart`: its step is noted in the first stretch. */
  createSession(setup: NativeSetup, state: NativeState, reportStart: boolean): NativeSession;
  close(): void;
}
