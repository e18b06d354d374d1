import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { Comparison, CrosscheckResult } from "../crosscheck/result.ts";
import { userCache } from "../engine/nvrtc.ts";
import { PainnlessError } from "../errors.ts";
import { jsonOf } from "../system/json.ts";
import { makeFolder } from "../system/make-folder.ts";
import { writeWhole } from "../system/write-whole.ts";
import { quoted } from "./terminal.ts";

/** A side that gives up digits runs only where a crosscheck has shown what that costs: with this model, by this engine, on such a card. */
export const gatedSide = "native:cuda:mixed";

/** What a proof is of: with another model, another build (kernels, or the host code that packs weights for them), another card or driver the digits
 *  may be others. */
export interface Subject {
  /** sha256 */
  readonly model: string;
  /** version and build */
  readonly engine: string;
  /** its name, and its architecture: "NVIDIA H200 (sm_90)" */
  readonly card: string;
  /** the CUDA version that it has */
  readonly driver: string;
}

const proofSchema = z.strictObject({
  format: z.literal("painnless.proof/1"),
  model: z.string(),
  engine: z.string(),
  card: z.string(),
  driver: z.string(),
  /** ISO 8601 */
  started: z.string(),
  /** the crosscheck that was passed */
  command: z.string(),
  reference: z.string(),
  /** that were compared, and their atoms */
  structures: z.int(),
  atoms: z.int(),
  /** largest differences, eV/atom and eV/Å */
  energy: z.number(),
  forces: z.number(),
});
export type Proof = z.infer<typeof proofSchema>;

/** Of fewer atoms in all it says little how digits are lost. */
const leastAtoms = 18;

const proofPath = (variables: NodeJS.ProcessEnv, { model, engine, card, driver }: Subject): string =>
  join(
    userCache(variables),
    "proofs",
    `${createHash("sha256").update([model, engine, card, driver].join("\n")).digest("hex").slice(0, 32)}.json`,
  );

const isOf = (proof: Subject, subject: Subject): boolean =>
  (["model", "engine", "card", "driver"] as const).every((key) => proof[key] === subject[key]);

/** What a crosscheck says of the gated side: a proof, that it failed, or null where it was not compared with a float64 side. */
export function proofIn(result: CrosscheckResult, subject: Subject): Proof | "failed" | null {
  const sides = result.sides.filter(({ name }) => name === gatedSide);
  if (sides.length === 0 || result.model.sha256 !== subject.model) return null;
  const isExact = ({ reference }: Comparison) => /^(native|torch):.*:f64$/.test(reference);
  const own = result.comparisons.filter(({ side }) => side === gatedSide);
  const broken = result.laws.some(({ side, verdict }) => side === gatedSide && verdict === "fail");
  if (broken || sides.some(({ error }) => error !== null) || own.some(({ verdict }) => verdict === "fail")) return "failed";
  const best = own.find(isExact);
  const atoms = result.structures.reduce((sum, structure) => sum + structure.atoms, 0);
  if (best?.forces == null || atoms < leastAtoms) return null;
  const [energy, forces] = [best.energy.maxAbsPerAtom, best.forces.maxAbs];
  if (energy === null || forces === null) return "failed";
  const { started, command } = result;
  const compared = { reference: best.reference, structures: best.structures, atoms, energy, forces };
  return { format: "painnless.proof/1", ...subject, started, command, ...compared };
}

/** Keeps a proof for later runs; a crosscheck that failed takes back what an earlier one had shown.
 *  @returns what to tell the user, null where there is nothing to tell
 *  @throws {PainnlessError} NOT_FOUND if it cannot be written, or not be taken back */
export async function keepProof(variables: NodeJS.ProcessEnv, result: CrosscheckResult, subject: Subject): Promise<string | null> {
  const proof = proofIn(result, subject);
  if (proof === null) return null;
  const path = proofPath(variables, subject);
  const unwritable = (doing: string) => (cause: Error) => {
    throw new PainnlessError("NOT_FOUND", `cannot ${doing} ${path}: ${cause.message}`, { cause });
  };
  if (proof === "failed") {
    await rm(path, { force: true }).catch(unwritable(`take back that ${gatedSide} was within its limits: remove`));
    return `${gatedSide} is not within its limits with this model on a ${subject.card}: other commands will refuse it`;
  }
  await makeFolder(dirname(path))
    .then(() => writeWhole(path, `${JSON.stringify(proof, null, 1)}\n`))
    .catch(unwritable(`note that ${gatedSide} is within its limits: write`));
  return `${gatedSide} is within its limits with this model on a ${subject.card}; other commands take it now (noted in ${path})`;
}

/** The crosscheck that lets the gated side run.
 *  @throws {PainnlessError} UNSUPPORTED where there was none, with the command that makes one */
export async function requireProof(variables: NodeJS.ProcessEnv, subject: Subject, modelPath: string): Promise<Proof> {
  const text = await readFile(proofPath(variables, subject), "utf8").catch(() => null); // not there, or not readable: no proof
  const parsed = text === null ? null : proofSchema.safeParse(jsonOf(text));
  const proof = parsed?.success ? parsed.data : null;
  if (proof !== null && isOf(proof, subject)) return proof;
  throw new PainnlessError(
    "UNSUPPORTED",
    `side "${gatedSide}" gives up digits and runs only where a crosscheck has passed; none has with ${modelPath} (sha256 ${subject.model.slice(0, 12)}…), ` +
      `painnless ${subject.engine}, a ${subject.card} and its driver ${subject.driver}; ` +
      `run painnless crosscheck ${quoted(modelPath)} STRUCTURE... --sides ${gatedSide}, or use native:cuda:f32`,
    { field: "side" },
  );
}

export const describeProof = ({ started, forces, reference }: Proof): string =>
  `within ${forces.toPrecision(2)} eV/Å of ${reference} by the crosscheck of ${started.slice(0, 10)}`;
