/** R independent copies of one structure of n atoms, and how they move. Å, fs, eV; masses in eV fs^2/Å^2. */
export interface NativeSetup {
  readonly replicas: number;
  /** (n) */
  readonly numbers: Int32Array;
  /** (n) */
  readonly masses: Float64Array;
  /** (3, 3), zeros without a cell */
  readonly cell: Float64Array;
  /** (3) 0 or 1 */
  readonly pbc: Uint8Array;
  readonly ensemble: "nve" | "langevin" | "csvr";
  readonly equilibrationEnsemble: "langevin" | "csvr";
  readonly equilibration: number;
  readonly timestep: number;
  /** kB T */
  readonly thermalEnergy: number;
  readonly friction: number;
  readonly relaxation: number;
  readonly seed: number;
  readonly skin: number;
  readonly recordEvery: number;
  readonly frameEvery: number;
  /** eV/Å, kB T in eV, Å, Å */
  readonly limits: { readonly force: number; readonly temperature: number; readonly distance: number; readonly displacement: number };
}

export interface NativeState {
  readonly step: number;
  /** (R, n, 3) */
  readonly positions: Float64Array<ArrayBuffer>;
  /** (R, n, 3), or length 0: to be drawn */
  readonly velocities: Float64Array<ArrayBuffer>;
  /** (R, n, 3) */
  readonly forces: Float64Array<ArrayBuffer>;
  /** (R) */
  readonly potential: Float64Array<ArrayBuffer>;
  /** (R) */
  readonly heat: Float64Array<ArrayBuffer>;
}

/** Atoms are -1 and numbers NaN where there are none. */
export interface NativeStop {
  readonly reason: string;
  readonly step: number;
  readonly replica: number;
  readonly atom: number;
  readonly other: number;
  readonly value: number;
  readonly limit: number;
  /** (3) */
  readonly position: Float64Array;
  /** what the engine said */
  readonly detail: string;
}

export interface NativeStretch {
  /** where the session stands */
  readonly step: number;
  /** (records), the others (records, R) */
  readonly recordSteps: Float64Array;
  readonly potential: Float64Array;
  readonly kinetic: Float64Array;
  readonly heat: Float64Array;
  readonly modified: Float64Array;
  /** (frames), the others (frames, R, n, 3) and (frames, R) */
  readonly frameSteps: Float64Array;
  readonly positions: Float64Array;
  readonly velocities: Float64Array;
  readonly forces: Float64Array;
  readonly framePotential: Float64Array;
  readonly frameKinetic: Float64Array;
  readonly stop: NativeStop | null;
  readonly seconds: number;
  /** of neighbours, over all replicas */
  readonly searches: number;
}

/** While `advance` is under way, only `cancel` may be called. */
export interface NativeSession {
  /** Off the event loop; up to so many steps. Rejects like `evaluate`; the session then stands at its last good step. */
  advance(steps: number): Promise<NativeStretch>;
  /** The steps under way end at the next one. */
  cancel(): void;
  state(): NativeState;
  /** degrees of freedom that carry kinetic energy at step 0 */
  freedoms(): number;
}

/** The same steps by hand: `open`, for each step `firstHalf` and `secondHalf`, `close`. What says false or null says that a guard ended it. */
export interface NativeIntegrator {
  open(steps: number): boolean;
  /** Positions (R, n, 3) whose forces are needed; a fresh array. */
  firstHalf(): Float64Array | null;
  /** potential (R), forces (R, n, 3) of those positions */
  secondHalf(potential: Float64Array, forces: Float64Array): boolean;
  /** Back to the last good step. */
  giveUp(): void;
  close(): NativeStretch;
  state(): NativeState;
  freedoms(): number;
}
