/** How one engine works; printed by `painnless inspect`. */
export type NativePlan = CpuPlan | CudaPlan;

export type InstructionSet = "plain" | "avx2" | "avx512";

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
  readonly schedule: "layered" | "resident";
  /** atoms of one block in the kernels that atoms go through by themselves */
  readonly tile: number;
  /** "tabulated" (the student in f32 and mixed: spline of the filters) or "direct" */
  readonly filters: "tabulated" | "direct";
  /** intervals of the table, 0 without one */
  readonly knots: number;
  readonly weightBytes: number;
  readonly scratchBytes: number;
  readonly tuning: CudaTuning;
}

/** What the launcher goes by where several ways lead to the same result (native/engine.h). */
export interface CudaTuning {
  /** atoms of a batch: up to so many take the resident schedule, where it has room for them */
  readonly residentAtoms: number;
  /** a tile of atoms is spread over a cluster of blocks up to so many tiles a multiprocessor */
  readonly spreadWaves: number;
  /** then it is taken by one block, the small cut, up to so many */
  readonly smallWaves: number;
  /** 1: a kernel is on its way to the card while the one before it ends (programmatic dependent launch) */
  readonly earlyLaunches: number;
  /** a set of twice as many goes in portions of so many atoms or more, which are copied while others are computed */
  readonly portionAtoms: number;
  /** of dynamics, at most, that are queued before the host looks */
  readonly chunkSteps: number;
}
