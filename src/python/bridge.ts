import { z } from "zod";
import { errorCodes, PainnlessError } from "../errors.ts";
import type { Evaluation } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { type PythonEnvironment, requirePackage } from "./environment.ts";
import { guard } from "./lifeline.ts";
import { openPythonia } from "./pythonia.ts";

export interface CallOptions {
  /** ms until the call is given up and its Python ended */
  readonly deadlineMs?: number;
}

export interface ReadOptions extends CallOptions {
  /** The atoms will be moved: structures with constraints or masses of their own, which a Structure does not hold, are refused. */
  readonly moved?: boolean;
}

/** What we ask of Python as a library: one JSON call each, never an array in a loop. */
export interface Bridge {
  /** Writes the foreign checkpoint `source` as a model file to `target`; the summary of `painnless.importers.convert`.
   *  @throws {PainnlessError} NOT_FOUND, BAD_MODEL, UNSUPPORTED, USAGE */
  importCheckpoint(source: string, target: string, energyUnit: string | null, options?: CallOptions): Promise<unknown>;
  /** Every structure of each source: a file of any format ASE reads (all its frames), FILE@INDEX or FILE@FROM:TO:STEP (some of them),
   *  name:NAME (a molecule of ASE's collection, or an element's single atom).
   *  @throws {PainnlessError} NOT_FOUND, BAD_STRUCTURE (ASE cannot read it), USAGE (a bad index), UNSUPPORTED (see `moved`) */
  readStructures(sources: readonly string[], options?: ReadOptions): Promise<Structure[]>;
  /** Writes structures, and what was computed for them, to a file of the format its name says to ASE. */
  writeStructures(
    path: string,
    structures: readonly Structure[],
    evaluations?: readonly Evaluation[] | null,
    options?: CallOptions,
  ): Promise<void>;
  /** Writes every frame of an extended XYZ file as an ASE trajectory (.traj), one at a time; the target appears whole or not at all.
   *  @throws {PainnlessError} NOT_FOUND, BAD_STRUCTURE, WRITE_FAILED */
  convertTrajectory(source: string, target: string, options?: CallOptions): Promise<void>;
}

const defaultDeadlineMs = 120_000;
let previous: Promise<unknown> = Promise.resolve();

/** Runs `work` with a Python that ends when it returns. Calls of withBridge wait for each other.
 *  @throws {PainnlessError} MISSING, WORKER_DIED when Python ends during a call, TIMEOUT, and what the calls throw */
export function withBridge<T>(python: PythonEnvironment, work: (bridge: Bridge) => Promise<T>): Promise<T> {
  const turn = previous.then(() => openAndWork(python, work));
  // The next in line starts whatever became of this one; its own caller hears of the failure.
  previous = turn.catch(() => undefined);
  return turn;
}

async function openAndWork<T>(python: PythonEnvironment, work: (bridge: Bridge) => Promise<T>): Promise<T> {
  requirePackage(python, "numpy", "the bridge to Python");
  const session = openPythonia(python);
  const died = new Promise<never>((_, reject) => {
    const fail = (how: string) => reject(new PainnlessError("WORKER_DIED", `Python (${python.executable}) ${how} during a call`));
    session.child.once("exit", (code, signal) => fail(signal === null ? `exited with status ${code}` : `was ended by ${signal}`));
    session.child.on("error", (error) => fail(`failed: ${error.message}`));
  });
  // Calls race against it; between calls nobody listens, and that is no failure.
  died.catch(() => undefined);
  const release = guard(session.child, () => undefined);

  const call = async <R>(answer: z.ZodType<R>, request: { do: string } & Record<string, unknown>, options?: CallOptions): Promise<R> => {
    const deadlineMs = options?.deadlineMs ?? defaultDeadlineMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        session.end();
        reject(new PainnlessError("TIMEOUT", `Python did not finish "${request.do}" within ${deadlineMs / 1000} s and was ended`));
      }, deadlineMs);
    });
    try {
      const asked = session.control.then((control) => control.answer(JSON.stringify(request)));
      return unwrap(answer, await Promise.race([asked, late, died]));
    } catch (cause) {
      throw cause instanceof PainnlessError ? cause : bridgeFailure(request.do, cause);
    } finally {
      clearTimeout(timer);
    }
  };

  try {
    await call(z.null(), { do: "attach", parent: process.pid });
    return await work({
      importCheckpoint: (source, target, energyUnit, options) => call(z.unknown(), { do: "import", source, target, energyUnit }, options),
      readStructures: async (sources, options) =>
        (await call(z.array(packedStructure), { do: "read", sources, moved: options?.moved ?? false }, options)).map((packed) =>
          unpack(packed),
        ),
      writeStructures: async (path, structures, evaluations, options) => {
        await call(z.null(), { do: "write", path, structures: structures.map(pack), evaluations: evaluations?.map(packResult) }, options);
      },
      convertTrajectory: async (source, target, options) => {
        await call(z.null(), { do: "convert", source, target }, options);
      },
    });
  } finally {
    release();
    session.end();
  }
}

/** Answers are {"ok": ...} or {"error": {code, message, field}}. */
function unwrap<R>(answer: z.ZodType<R>, text: unknown): R {
  const failure = z.strictObject({
    error: z.strictObject({ code: z.enum(errorCodes), message: z.string(), field: z.string().nullable() }),
  });
  const parsed = z.union([z.strictObject({ ok: answer }), failure]).parse(JSON.parse(z.string().parse(text)));
  if ("error" in parsed) throw new PainnlessError(parsed.error.code, parsed.error.message, { field: parsed.error.field });
  return parsed.ok as R;
}

/** pythonia's exceptions have an empty message; the traceback is in the stack. */
function bridgeFailure(what: string, cause: unknown): PainnlessError {
  const said = cause instanceof Error ? cause.message || cause.stack : String(cause);
  return new PainnlessError("INTERNAL", `Python failed at "${what}": ${said}`, { cause });
}

// Arrays cross as base64 of their bytes: exact, and NaN survives, which JSON does not have.
const packedStructure = z.strictObject({
  name: z.string(),
  numbers: z.array(z.int()),
  positions: z.base64(),
  cell: z.base64().nullable(),
  pbc: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
});
type PackedStructure = z.infer<typeof packedStructure>;

const packArray = (array: Float64Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

const unpackArray = (text: string) => new Float64Array(new Uint8Array(Buffer.from(text, "base64")).buffer);

function pack(structure: Structure): PackedStructure {
  const { positions, cell } = structure;
  return { ...structure, positions: packArray(positions), cell: cell && packArray(cell) };
}

function unpack(packed: PackedStructure): Structure {
  const { positions, cell } = packed;
  return { ...packed, positions: unpackArray(positions), cell: cell === null ? null : unpackArray(cell) };
}

function packResult({ energy, forces, stress, energies }: Evaluation) {
  return {
    energy,
    forces: forces && packArray(forces),
    stress: stress && packArray(stress),
    energies: energies && packArray(energies),
  };
}
