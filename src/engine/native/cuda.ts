import type { NativeBatch, NativeEngineObject, NativeNeighbors, NativeWant } from "./engine.ts";
import type { CudaPrecision } from "./model.ts";
import type { CudaPlan, CudaTuning } from "./plan.ts";

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
  /** what it is built for at most: Hz, bytes/s; 0 where it is not known */
  readonly clock: number;
  readonly bandwidth: number;
  /** second-level cache */
  readonly cacheBytes: number;
}

export interface NativeCudaOptions {
  readonly precision: CudaPrecision;
  readonly ordinal: number;
  /** paths of NVRTC, best first */
  readonly nvrtc: string[];
  /** folder of compiled kernels, or "" */
  readonly cache: string;
  /** what is not given is as native/engine.h has it */
  readonly tuning: Partial<CudaTuning>;
  /** in float32: dense products without tensor cores, whose numbers end at 65,504 */
  readonly wholeRange: boolean;
  /** test build only: a card that is not there */
  readonly emulate: boolean;
  /** test build only: each evaluation finds NaN where it has written nothing */
  readonly poisoned: boolean;
}

/** What the launcher of a CUDA engine chose last, and what was made since the engine began. */
export interface CudaActivity {
  readonly schedule: "layered" | "resident";
  /** directed edges of the last evaluation */
  readonly edges: number;
  /** kernel texts compiled, graphs recorded, memory laid out */
  readonly compilations: number;
  readonly captures: number;
  readonly allocations: number;
  readonly arenaBytes: number;
  readonly weightBytes: number;
  readonly tuning: CudaTuning;
}

/** Of one run on the card. */
export interface CudaSeconds {
  readonly search: number;
  readonly network: number;
}

/** Where the time of one evaluation on the card goes. */
export interface CudaProfile {
  /** launches of the search and of the network, in order */
  readonly launches: readonly {
    readonly kernel: string;
    readonly search: boolean;
    readonly blocks: number;
    /** blocks that share their memory; 0: none do */
    readonly cluster: number;
    readonly threads: number;
    readonly sharedBytes: number;
    /** between two events, of each round */
    readonly seconds: Float64Array;
  }[];
  /** seconds between two events with nothing between them */
  readonly nothing: Float64Array;
  /** seconds of the recorded launches, replayed one behind the other; no search where the network finds its neighbours itself */
  readonly search: Float64Array;
  readonly network: Float64Array;
  readonly edges: number;
  /** none where the batch goes in one; the launches above are of the batch in one all the same */
  readonly portions: readonly CudaPortion[];
}

/** A portion of a set: (begin, end) of what was done with it, seconds since the set was begun. */
export interface CudaPortion {
  readonly structures: number;
  readonly atoms: number;
  /** by the host */
  readonly written: Float64Array;
  readonly read: Float64Array;
  /** copied */
  readonly request: Float64Array;
  readonly answer: Float64Array;
  readonly kernels: Float64Array;
}

/** What a compiler made of every kernel of the models asked about; a text that several share stands here once. */
export interface CompiledKernels {
  readonly compiler: string;
  readonly parts: readonly {
    readonly source: string;
    readonly options: readonly string[];
    /** tells its code from any other: options, architecture, all texts that are read; not the compiler */
    readonly key: string;
    /** the compiler's words, with registers, shared memory and spills; null where the key was known */
    readonly log: string | null;
  }[];
}

export interface NativeCudaEngine extends NativeEngineObject<CudaPlan> {
  activity(): Promise<CudaActivity>;
  cardNeighbors(batch: NativeBatch): Promise<NativeNeighbors>;
  cardSeconds(batch: NativeBatch, want: NativeWant, count: number, cold: boolean): Promise<CudaSeconds>;
  cardProfile(batch: NativeBatch, want: NativeWant, rounds: number): Promise<CudaProfile>;
}
