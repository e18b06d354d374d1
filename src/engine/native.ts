/** Every name the C++ addon exports, typed. Nothing else in TypeScript reaches C++. Shapes are checked before the call; C++ trusts them. */

/** Layer tensors by the names of the model file (docs/formats.md), values in float64. */
export type NativeTensors = Readonly<Record<string, Float64Array>>;

export interface NativeConfig {
  readonly arch: "painn-schnetpack" | "painn-distiller";
  readonly features: number;
  readonly layers: number;
  readonly radial: number;
  readonly maxZ: number;
  /** Å */
  readonly cutoff: number;
  readonly rbf: "gaussian" | "bessel";
  /** is a pair at exactly the cutoff an edge */
  readonly edgeAtCutoff: boolean;
  readonly normEps: number;
  readonly directionEps: number;
  readonly sharedLayers: boolean;
  readonly sharedFilters: boolean;
  readonly readoutWidths: readonly number[];
  /** eV per unit of the weights */
  readonly energyUnit: number;
}

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

export type NativePrecision = "f32" | "f64";
export type InstructionSet = "plain" | "avx2" | "avx512";

/** How one engine works; printed by `painnless inspect`. */
export type NativePlan = CpuPlan | CudaPlan;

export interface CpuPlan {
  readonly device: "cpu";
  readonly instructionSet: InstructionSet;
  readonly threads: number;
  /** "tabulated" (f32: spline of the filters) or "direct" */
  readonly filters: "tabulated" | "direct";
  /** intervals of the table, 0 without one */
  readonly knots: number;
  /** are the activations of all layers kept, or those of one layer recomputed on the way back */
  readonly activations: "kept" | "recomputed";
  /** bytes of weights, and of scratch for the atoms and pairs asked about */
  readonly weightBytes: number;
  readonly scratchBytes: number;
}

export interface CudaPlan {
  readonly device: "cuda";
  readonly schedule: "layered";
  /** atoms of one block in the kernels that atoms go through by themselves */
  readonly tile: number;
  readonly weightBytes: number;
  readonly scratchBytes: number;
}

/** A card as the driver describes it. */
export interface CudaCard {
  readonly name: string;
  /** 90 for sm_90 */
  readonly architecture: number;
  readonly multiprocessors: number;
  /** shared memory a block may ask for */
  readonly sharedBytes: number;
  readonly memoryBytes: number;
  /** CUDA version of the driver */
  readonly driver: string;
}

export interface NativeCudaOptions {
  readonly precision: NativePrecision;
  readonly ordinal: number;
  /** paths of NVRTC, best first */
  readonly nvrtc: string[];
  /** folder of compiled kernels, or "" */
  readonly cache: string;
  /** test build only: a card that is not there */
  readonly emulate: boolean;
}

/** What the launcher of a CUDA engine chose last, and what was made since the engine began. */
export interface CudaActivity {
  readonly schedule: "layered";
  /** kernel texts compiled, graphs recorded, memory laid out */
  readonly compilations: number;
  readonly captures: number;
  readonly allocations: number;
  readonly arenaBytes: number;
  readonly weightBytes: number;
}

/** Of one run on the card. */
export interface CudaSeconds {
  readonly search: number;
  readonly network: number;
}

/** What a compiler made of every kernel of a model. */
export interface CompiledKernels {
  readonly compiler: string;
  readonly parts: readonly {
    readonly source: string;
    readonly seconds: number;
    readonly bytes: number;
    /** the compiler's words, with registers, shared memory and spills */
    readonly log: string;
  }[];
}

/** Of the emulated card of the test build; what is left out stays. */
export interface EmulatedCard {
  readonly turns?: "ascending" | "descending" | "shuffled";
  readonly totalBytes?: number;
  readonly sharedBytes?: number;
  /** the n-th allocation from now on fails */
  readonly failingAllocation?: number;
  /** number of a fault of the kernels, 0 for none */
  readonly planted?: number;
}

/** Calls since the last question, and bytes allocated now. */
export interface EmulatedCounts {
  readonly allocations: number;
  readonly releases: number;
  readonly uploads: number;
  readonly downloads: number;
  readonly launches: number;
  readonly replays: number;
  readonly bytes: number;
}

export interface CpuEngineOptions {
  readonly precision: NativePrecision;
  readonly threads: number;
  /** null: the best this processor has */
  readonly instructionSet: InstructionSet | null;
  /** bytes of activations above which they are recomputed instead of kept */
  readonly activationBytes: number;
}

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

export interface NativeEngineObject<Plan extends NativePlan = NativePlan> {
  /** Off the event loop; one at a time, later calls wait. Rejects with an Error whose `code` is BAD_STRUCTURE or NOT_FINITE and whose `field` names the input. */
  evaluate(batch: NativeBatch, want: { readonly forces: boolean; readonly stress: boolean }): Promise<NativeEvaluation>;
  /** Seconds of each of `count` evaluations of one batch, timed inside, nothing else in between: for benchmarks. */
  time(batch: NativeBatch, want: { readonly forces: boolean; readonly stress: boolean }, count: number): Promise<Float64Array>;
  plan(atoms: number, pairs: number): Plan;
  /** A run that stands at `state`, whose forces are those of its positions; `reportStart`: its step is noted in the first stretch. */
  createSession(setup: NativeSetup, state: NativeState, reportStart: boolean): NativeSession;
  close(): void;
}

export interface NativeCudaEngine extends NativeEngineObject<CudaPlan> {
  activity(): Promise<CudaActivity>;
  cardNeighbors(batch: NativeBatch): Promise<NativeNeighbors>;
  cardSeconds(batch: NativeBatch, want: { readonly forces: boolean; readonly stress: boolean }, count: number): Promise<CudaSeconds>;
}

/** One layer, alone, for tests; arrays by the names of tests/golden/layers. */
export interface LayerQuestion {
  readonly layer: "radial" | "filter" | "table" | "context" | "message" | "update" | "readout";
  /** the interaction layer it stands in */
  readonly index: number;
  readonly inputs: NativeTensors;
  /** dE/d(output) by output; without any, the adjoint is not run */
  readonly outputBars: NativeTensors;
}
export interface LayerAnswer {
  readonly outputs: NativeTensors;
  /** dE/d(input); of the vectors of a message it is G, dE/dr of a pair, both its directions together */
  readonly inputBars: NativeTensors;
}

export interface NativeAddon {
  readonly version: string;
  /** what this processor can run, best last */
  instructionSets(): InstructionSet[];
  createCpuEngine(config: NativeConfig, tensors: NativeTensors, options: CpuEngineOptions): NativeEngineObject<CpuPlan>;
  /** Rejects with an Error whose `code` is MISSING (no driver, no card, no NVRTC), UNSUPPORTED or BAD_MODEL. */
  createCudaEngine(config: NativeConfig, tensors: NativeTensors, options: NativeCudaOptions): Promise<NativeCudaEngine>;
  /** What the driver sees. Throws an Error with code MISSING without a driver or a card. */
  cudaCards(): CudaCard[];
  /** Every kernel of a model for an architecture; needs no card. Rejects with the compiler's words. */
  compileKernels(
    config: NativeConfig,
    precision: NativePrecision,
    card: Pick<CudaCard, "architecture" | "sharedBytes">,
    nvrtc: string[],
  ): Promise<CompiledKernels>;
  /** What a CUDA engine would do with one structure; needs no card. */
  planCuda(
    config: NativeConfig,
    tensors: NativeTensors,
    precision: NativePrecision,
    card: Pick<CudaCard, "architecture" | "multiprocessors" | "sharedBytes">,
    atoms: number,
    pairs: number,
  ): CudaPlan;
  /** Only in the test build. */
  emulatedCard?(settings: EmulatedCard): EmulatedCounts;
  /** As `createSession`, moved by forces from anywhere. */
  createIntegrator(setup: NativeSetup, state: NativeState, reportStart: boolean): NativeIntegrator;
  /** One block of Philox 4x32-10: (4) words of a (4) counter and a (2) key. */
  philox(counter: Uint32Array, key: Uint32Array): Uint32Array;
  /** Throws an Error with code BAD_STRUCTURE for coincident atoms. */
  neighbors(positions: Float64Array, cell: Float64Array, pbc: Uint8Array, cutoff: number, edgeAtCutoff: boolean): NativeNeighbors;
  /** Processor seconds of each of `count` such searches, which use one another's memory as the engine's do. */
  timeNeighbors(
    positions: Float64Array,
    cell: Float64Array,
    pbc: Uint8Array,
    cutoff: number,
    edgeAtCutoff: boolean,
    count: number,
  ): Float64Array;
  /** Multiply-add rate of one core in flop/s with this instruction set, measured for a moment; the ceiling of the dense layers. */
  peak(instructionSet: InstructionSet, precision: NativePrecision): number;
  /** Throws an Error with code USAGE for a layer or array that is not there, UNSUPPORTED for an instruction set. */
  probe(
    instructionSet: InstructionSet,
    precision: NativePrecision,
    config: NativeConfig,
    tensors: NativeTensors,
    question: LayerQuestion,
  ): LayerAnswer;
  /** Ends the process at once, whatever runs in it: an exit as usual waits for the evaluation that runs. */
  exitNow(status: number): never;
  /** Names of the faults this build can plant (tests only; an empty list in the product). */
  faults(): string[];
  /** Switches one planted fault on, or all off with null. */
  plant(fault: string | null): void;
}
