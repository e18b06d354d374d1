import type { NativeBatch, NativeEngineObject, NativeNeighbors, NativeWant } from "./engine.ts";
import type { NativePrecision } from "./model.ts";
import type { CudaPlan } from "./plan.ts";

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
  readonly schedule: "layered" | "resident";
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

/** What a compiler made of every kernel of the models asked about; a text that several share stands here once. */
export interface CompiledKernels {
  readonly compiler: string;
  readonly parts: readonly {
    readonly source: string;
    readonly options: readonly string[];
    /** the compiler's words, with registers, shared memory and spills */
    readonly log: string;
  }[];
}

export interface NativeCudaEngine extends NativeEngineObject<CudaPlan> {
  activity(): Promise<CudaActivity>;
  cardNeighbors(batch: NativeBatch): Promise<NativeNeighbors>;
  cardSeconds(batch: NativeBatch, want: NativeWant, count: number): Promise<CudaSeconds>;
}
