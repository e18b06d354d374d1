import { PainnlessError } from "../errors.ts";
import type { ModelFile } from "../model/model-file.ts";
import { disagreement } from "../system/disagreement.ts";
import type { Evaluation, Intake, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { loadAddon } from "./addon.ts";
import { packBatch } from "./batch.ts";
import { engineOf, type NativeEngine } from "./engine.ts";
import type { CudaActivity, CudaPlan, CudaPrecision, CudaProfile, CudaSeconds, NativeAddon, NativeNeighbors } from "./native.ts";
import { fromNative } from "./native-error.ts";
import { settingsOf, type Tuning, tuningSchema } from "./tuning.ts";
import { nativeConfig, nativeTensors } from "./weights.ts";

export interface CudaEngineOptions {
  readonly precision: CudaPrecision;
  /** which of the cards the driver sees; the first, by default */
  readonly ordinal?: number;
  /** paths where NVRTC may be, best first (nvrtc.ts) */
  readonly nvrtc: readonly string[];
  /** folder of compiled kernels; "" keeps none */
  readonly cache: string;
  /** what the launcher goes by; what is not given is as it comes */
  readonly tuning?: Tuning;
  /** in float32: no tensor cores in dense products, whose numbers end at 65,504; slower. Without it such an engine answers where numbers go beyond them */
  readonly wholeRange?: boolean;
  /** another build of the addon than the product's, its emulated card, and memory that is NaN before each evaluation, for tests */
  readonly addon?: NativeAddon;
  readonly emulate?: boolean;
  readonly poisoned?: boolean;
}

/** A model in our CUDA engine. */
export interface CudaEngine extends NativeEngine<CudaPlan> {
  readonly intake: Intake;
  /** What the launcher chose last, and what has been compiled, recorded and allocated since the engine began. `beyondRange`: structures that the
   *  engine of the whole range has answered for (wholeRange). */
  activity(): Promise<CudaActivity & { readonly beyondRange: number }>;
  /** Seconds on the card of the neighbour search and of the network, each the mean of `count` runs one after the other; `cold`: caches are
   *  flushed before each. */
  seconds(batch: readonly Structure[], want: readonly Property[], count: number, cold?: boolean): Promise<CudaSeconds>;
  /** What each launch of one evaluation takes, over so many rounds. */
  profile(batch: readonly Structure[], want: readonly Property[], rounds: number): Promise<CudaProfile>;
  /** The card's own list of one structure. */
  neighbors(structure: Structure): Promise<NativeNeighbors>;
}

/** Atoms of a call that take few milliseconds and still fill a card, should portions be larger. */
const mostAtOnce = 16_384;

/** The engine for a model; compiles its kernels where the cache does not hold them, which takes seconds.
 *  @throws {PainnlessError} MISSING (addon, driver, card, NVRTC, memory), UNSUPPORTED (a card or a model), BAD_MODEL, USAGE (a tuning) */
export async function createCudaEngine(file: ModelFile, options: CudaEngineOptions): Promise<CudaEngine> {
  const { precision, ordinal = 0, nvrtc, cache, wholeRange = false, emulate = false, poisoned = false } = options;
  const parsed = tuningSchema.safeParse(options.tuning ?? {});
  if (!parsed.success) throw new PainnlessError("USAGE", `tuning: ${disagreement(parsed.error)}`, { field: "tuning" });
  const tuning = settingsOf(parsed.data);
  const addon = options.addon ?? loadAddon();
  const name = `native:cuda:${precision}`;
  const native = await addon
    .createCudaEngine(nativeConfig(file), nativeTensors(file), {
      precision,
      ordinal,
      nvrtc: [...nvrtc],
      cache,
      tuning,
      wholeRange,
      emulate,
      poisoned,
    })
    .catch((cause: unknown) => {
      const error = fromNative(cause);
      throw new PainnlessError(error.code, `side "${name}": ${error.message}`, { field: error.field, cause });
    });
  // Atoms are then so near each other that any model is far outside what it was trained on: nobody waits for this engine in vain.
  let wide: Promise<CudaEngine> | null = null;
  let beyondRange = 0;
  const elsewhere = async (structures: readonly Structure[], want: readonly Property[]): Promise<Evaluation[]> => {
    wide ??= createCudaEngine(file, { ...options, precision: "f32", wholeRange: true }).catch((error: unknown) => {
      wide = null; // the next one may find memory
      throw error;
    });
    const answers = await (await wide).evaluate(structures, want);
    beyondRange += structures.length;
    return answers;
  };
  const engine = engineOf(native, {
    name,
    file,
    precision: precision === "f64" ? "f64" : "f32",
    addon,
    ...(precision !== "f64" && !wholeRange && { elsewhere }),
  });
  const { tuning: used } = await engine.settled(() => native.activity());
  return {
    ...engine.potential,
    intake: { atoms: Math.min(used.portionAtoms, mostAtOnce), calls: 2 },
    async close() {
      await engine.potential.close();
      await wide?.then((one) => one.close());
    },
    activity: async () => ({ ...(await engine.settled(() => native.activity())), beyondRange }),
    seconds: (structures, want, count, cold = false) =>
      engine.run(structures, want, (batch, wanted) => native.cardSeconds(batch, wanted, count, cold)),
    profile: (structures, want, rounds) => engine.run(structures, want, (batch, wanted) => native.cardProfile(batch, wanted, rounds)),
    neighbors: (structure) => engine.settled(() => native.cardNeighbors(packBatch([structure]))),
  };
}
