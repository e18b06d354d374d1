import type { Domain, Structure } from "./structure.ts";

export const properties = ["energy", "forces", "stress", "energies"] as const;
export type Property = (typeof properties)[number];

/** What a potential says of one structure. Absent properties are null, never stale and never zero-filled. Large arrays may lie where they were made,
 *  outside JavaScript: another thread can be sent a copy, not the array itself (structuredClone's `transfer` refuses). */
export interface Evaluation {
  /** eV, everything included */
  readonly energy: number;
  /** eV, without constants (offset per atom, atom references), which hide small differences: equals `energy` where there are none */
  readonly netEnergy: number;
  /** (3n) row-major, eV/Å */
  readonly forces: Float64Array | null;
  /** Voigt (xx, yy, zz, yz, xz, xy), eV/Å^3, positive is tension; null where it was not asked for or the structure has no volume */
  readonly stress: Float64Array | null;
  /** (n) per atom, eV, constants included; they add up to `energy` */
  readonly energies: Float64Array | null;
}

/** What a potential is best given by who has more to ask than it computes at a time. */
export interface Intake {
  /** of one call */
  readonly atoms: number;
  /** of which so many may be under way, one computed while the others are sent or fetched */
  readonly calls: number;
}

/** The hinge of the TypeScript side: crosscheck compares potentials, dynamics moves atoms by one, the server offers one. */
export interface Potential {
  /** its side, e.g. "native:cpu:f32" */
  readonly name: string;
  readonly provides: ReadonlySet<Property>;
  readonly domain: Domain;
  /** left out: as processors are kept busy (src/wire/batching.ts) */
  readonly intake?: Intake;
  /** One evaluation per structure, in order. Without `want`: energy and forces.
   *  @throws {PainnlessError} BAD_STRUCTURE, UNSUPPORTED, NOT_FINITE and what its transport adds */
  evaluate(batch: readonly Structure[], want?: readonly Property[]): Promise<Evaluation[]>;
  /** Frees what it holds; may be called twice. */
  close(): Promise<void>;
}
