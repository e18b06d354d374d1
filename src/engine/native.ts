/** Every name the C++ addon exports, typed, here and in native/. Nothing else in TypeScript reaches C++. Shapes are checked before the call; C++
 *  trusts them. */
import type { CompiledKernels, CudaCard, NativeCudaEngine, NativeCudaOptions } from "./native/cuda.ts";
import type { CpuEngineOptions, NativeEngineObject, NativeNeighbors } from "./native/engine.ts";
import type { CudaPrecision, NativeConfig, NativePrecision, NativeTensors } from "./native/model.ts";
import type { CpuPlan, CudaPlan, CudaTuning, InstructionSet } from "./native/plan.ts";
import type { NativeIntegrator, NativeSetup, NativeState } from "./native/session.ts";
import type { EmulatedCard, EmulatedCounts, LayerAnswer, LayerQuestion } from "./native/test-build.ts";

export type * from "./native/cuda.ts";
export type * from "./native/engine.ts";
export type * from "./native/model.ts";
export type * from "./native/plan.ts";
export type * from "./native/session.ts";
export type * from "./native/test-build.ts";

export interface NativeAddon {
  readonly version: string;
  /** what this processor can run, best last */
  instructionSets(): InstructionSet[];
  createCpuEngine(config: NativeConfig, tensors: NativeTensors, options: CpuEngineOptions): NativeEngineObject<CpuPlan>;
  /** Rejects with an Error whose `code` is MISSING (no driver, no card, no NVRTC), UNSUPPORTED or BAD_MODEL. */
  createCudaEngine(config: NativeConfig, tensors: NativeTensors, options: NativeCudaOptions): Promise<NativeCudaEngine>;
  /** What the driver sees. Throws an Error with code MISSING without a driver or a card. */
  cudaCards(): CudaCard[];
  /** Every kernel of these models for an architecture, what they share once, and not what has one of the `known` keys; needs no card.
   *  Rejects with the compiler's words. */
  compileKernels(
    models: readonly { readonly config: NativeConfig; readonly precision: CudaPrecision }[],
    card: Pick<CudaCard, "architecture" | "sharedBytes"> & Partial<Pick<CudaCard, "driver">>,
    nvrtc: readonly string[],
    known: readonly string[] | "all",
  ): Promise<CompiledKernels>;
  /** What a CUDA engine would do with one structure; needs no card. */
  planCuda(
    config: NativeConfig,
    tensors: NativeTensors,
    precision: CudaPrecision,
    tuning: Partial<CudaTuning>,
    card: Pick<CudaCard, "architecture" | "multiprocessors" | "sharedBytes">,
    atoms: number,
    pairs: number,
  ): CudaPlan;
  /** As `createSession`, moved by forces from anywhere. */
  createIntegrator(setup: NativeSetup, state: NativeState, reportStart: boolean): NativeIntegrator;
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
  /** Ends the process at once, whatever runs in it: an exit as usual waits for the evaluation that runs. */
  exitNow(status: number): never;
}

/** What the test build has beside it. */
export interface TestAddon extends NativeAddon {
  /** Runs one layer. Throws an Error with code USAGE for a layer or array that is not there, UNSUPPORTED for an instruction set. */
  probe(
    instructionSet: InstructionSet,
    precision: NativePrecision,
    config: NativeConfig,
    tensors: NativeTensors,
    question: LayerQuestion,
  ): LayerAnswer;
  /** Names of the faults it can plant in the CPU engine. */
  faults(): string[];
  /** Switches one planted fault on, or all off with null. */
  plant(fault: string | null): void;
  /** An engine that computes nothing: addon/tests.cpp. */
  createHollowEngine(): NativeEngineObject;
  /** What hollow engines were asked since the last call, in order. */
  hollowNotes(): string[];
  /** Changes the emulated card. */
  emulatedCard(settings: EmulatedCard): EmulatedCounts;
  /** Is every number there of an answer that a kernel writes where the host reads it (cuda/request.h)? Throws an Error with code USAGE for another count of bytes. */
  isWholeAnswer(bytes: Uint8Array, atoms: number, structures: number, forces: boolean): boolean;
  /** One block of Philox 4x32-10: (4) words of a (4) counter and a (2) key. */
  philox(counter: Uint32Array, key: Uint32Array): Uint32Array;
}
