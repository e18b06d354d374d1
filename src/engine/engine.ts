import { availableParallelism } from "node:os";
import { PainnlessError } from "../errors.ts";
import type { ModelFile } from "../model/model-file.ts";
import { type Evaluation, type Property, properties } from "../system/potential.ts";
import { assertComputable, type Domain, type Structure } from "../system/structure.ts";
import { loadAddon } from "./addon.ts";
import { packBatch } from "./batch.ts";
import { notFinite, readEvaluations } from "./evaluation.ts";
import type {
  CpuPlan,
  InstructionSet,
  NativeAddon,
  NativeBatch,
  NativeEngineObject,
  NativePlan,
  NativePrecision,
  NativeWant,
} from "./native.ts";
import { fromNative } from "./native-error.ts";
import type { MovingPotential } from "./session.ts";
import { nativeConfig, nativeTensors } from "./weights.ts";

export interface NativeEngineOptions {
  readonly device: "cpu";
  readonly precision: NativePrecision;
  /** as many as the process may use, by default; the result is the same for any number */
  readonly threads?: number;
  /** the best this processor has, by default */
  readonly instructionSet?: InstructionSet;
  /** bytes of activations above which they are made again instead of kept */
  readonly activationBytes?: number;
  /** another build of the addon than the product's, for tests */
  readonly addon?: NativeAddon;
}

/** A model in our C++ engine. */
export interface NativeEngine<Plan extends NativePlan = CpuPlan> extends MovingPotential {
  /** How a structure of so many atoms and pairs (half its directed edges) is worked on. */
  plan(atoms: number, pairs: number): Plan;
  /** Seconds of each of `count` evaluations of the batch, measured inside the engine with nothing between them. */
  time(batch: readonly Structure[], want: readonly Property[], count: number): Promise<Float64Array>;
}

/** Of one batch: with 50 edges an atom, neighbours and activations of so many fill some 32 GB. */
const maxAtoms = { f32: 2_000_000, f64: 1_000_000 } as const;

const defaultActivationBytes = 2 ** 30;

/** The engine for a model, on the CPU (cuda.ts has the other).
 *  @throws {PainnlessError} MISSING (addon), UNSUPPORTED (instruction set), USAGE (another option), BAD_MODEL */
export function createNativeEngine(file: ModelFile, options: NativeEngineOptions): NativeEngine {
  const { precision, threads = availableParallelism(), instructionSet = null } = options;
  const activationBytes = options.activationBytes ?? defaultActivationBytes;
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= 1024))
    throw new PainnlessError("USAGE", `threads is ${threads}, expected a whole number from 1 to 1024`, { field: "threads" });
  if (!(activationBytes >= 0))
    throw new PainnlessError("USAGE", `activationBytes is ${activationBytes}, expected 0 or more`, { field: "activationBytes" });

  const addon = options.addon ?? loadAddon();
  const native = orThrow(() =>
    addon.createCpuEngine(nativeConfig(file), nativeTensors(file), { precision, threads, instructionSet, activationBytes }),
  );
  return engineOf(native, { name: `native:cpu:${precision}`, file, precision, addon }).potential;
}

interface EngineSetting {
  readonly name: string;
  readonly file: ModelFile;
  readonly precision: NativePrecision;
  readonly addon: NativeAddon;
  /** who answers for structures whose numbers leave this engine's range */
  readonly elsewhere?: (structures: readonly Structure[], want: readonly Property[]) => Promise<readonly Evaluation[]>;
}

/** An engine object of C++ as a potential, and the two ways to ask it for more. */
export function engineOf<Plan extends NativePlan>(
  native: NativeEngineObject<Plan>,
  { name, file, precision, addon, elsewhere }: EngineSetting,
) {
  const domain = domainOf(file, precision);
  const pending = new Set<Promise<unknown>>();
  let closed = false;

  /** The request, settled with our errors and remembered until it is. */
  const settled = async <T>(request: () => Promise<T>, where: (cause: unknown) => string = () => ""): Promise<T> => {
    const answer = orThrow(request);
    pending.add(answer);
    try {
      return await answer;
    } catch (cause) {
      throw fromNative(cause, where(cause));
    } finally {
      pending.delete(answer);
    }
  };
  const run = <T>(
    structures: readonly Structure[],
    want: readonly Property[],
    request: (batch: NativeBatch, wanted: NativeWant) => Promise<T>,
  ): Promise<T> => {
    assertBatch(structures, domain);
    const wanted = { forces: want.includes("forces"), stress: want.includes("stress") };
    return settled(
      () => request(packBatch(structures), wanted),
      (cause) => culprit(structures, cause, file, addon),
    );
  };

  let isTurnAwaited = false;
  /** Tells the engine of the event loop's next turn. Whoever awaits nothing but short evaluations gives it none. */
  const awaitTurn = () => {
    if (isTurnAwaited) return;
    isTurnAwaited = true;
    setImmediate(() => {
      isTurnAwaited = false;
      native.turned();
    }).unref();
  };

  const potential: NativeEngine<Plan> = {
    name,
    provides: new Set(properties),
    domain,
    async evaluate(structures, want = ["energy", "forces"]) {
      if (structures.length === 0) return [];
      awaitTurn();
      const answer = await run(structures, want, (batch, wanted) => native.evaluate(batch, wanted));
      const lost = elsewhere ? notFinite(structures, answer, want) : [];
      if (!elsewhere || lost.length === 0) return readEvaluations(structures, answer, want, file.config);
      if (closed) throw new PainnlessError("CANCELLED", "the engine was closed before this evaluation ended");
      const again = lost.map((s) => structures[s] as Structure);
      const answers = elsewhere(again, want);
      pending.add(answers);
      try {
        const found = await answers;
        return readEvaluations(structures, answer, want, file.config, new Map(lost.map((s, n) => [s, found[n] as Evaluation])));
      } finally {
        pending.delete(answers);
      }
    },
    async time(structures, want, count) {
      return run(structures, want, (batch, wanted) => native.time(batch, wanted, count));
    },
    plan: (atoms, pairs) => orThrow(() => native.plan(atoms, pairs)),
    createSession(setup, state, reportStart) {
      const session = orThrow(() => native.createSession(setup, state, reportStart));
      return {
        advance: (steps) => settled(() => session.advance(steps)),
        cancel: () => session.cancel(),
        state: () => session.state(),
        freedoms: () => session.freedoms(),
      };
    },
    async close() {
      closed = true;
      native.close();
      await Promise.allSettled(pending);
    },
  };
  return { potential, settled, run };
}

function domainOf({ config }: ModelFile, precision: NativePrecision): Domain {
  const elements = config.elements ?? Array.from({ length: config.max_z }, (_, k) => k + 1);
  return { elements, maxAtoms: maxAtoms[precision], periodic: config.pbc_supported };
}

function assertBatch(structures: readonly Structure[], domain: Domain): void {
  for (const structure of structures) assertComputable(structure, domain);
  const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0);
  if (atoms > domain.maxAtoms)
    throw new PainnlessError(
      "BAD_STRUCTURE",
      `the batch holds ${atoms} atoms, the limit is ${domain.maxAtoms}; evaluate fewer structures at a time`,
      { field: "numbers" },
    );
}

/** "structure X: " for the one whose neighbours C++ refused; it counts atoms from the start of a structure and knows no names. */
function culprit(structures: readonly Structure[], cause: unknown, { config }: ModelFile, addon: NativeAddon): string {
  if (fromNative(cause).code !== "BAD_STRUCTURE") return "";
  const refused = structures.find(({ positions, cell, pbc }) => {
    try {
      addon.neighbors(positions, cell ?? new Float64Array(9), Uint8Array.from(pbc, Number), config.cutoff, config.edge_rule === "le");
      return false;
    } catch {
      return true;
    }
  });
  return refused === undefined ? "" : `structure "${refused.name}": `;
}

function orThrow<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw fromNative(cause);
  }
}
