import { PainnlessError } from "../errors.ts";
import type { Evaluation, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { encodeSingleResult } from "./answer.ts";
import { ArrayWriter, type DecodedMessage, encodeMessage, encodeUnchecked, expectRows } from "./codec.ts";
import type { MessageOf } from "./messages.ts";

/** Structures and evaluations as messages, and back. python/painnless/batch.py is the same in Python. */

export interface Address {
  readonly epoch: number;
  readonly id: number;
}

/** The frames that ask for `want` of each structure; the structures' shapes have been checked. */
export function encodeEvaluate({ epoch, id }: Address, batch: readonly Structure[], want: readonly Property[]): Uint8Array[] {
  const writer = new ArrayWriter();
  const atoms = atomsOf(batch);
  const counts = Int32Array.from(batch, (structure) => structure.numbers.length);
  const numbers = new Int32Array(atoms);
  let first = 0;
  for (const structure of batch) {
    numbers.set(structure.numbers, first);
    first += structure.numbers.length;
  }
  const cells = new Float64Array(9 * batch.length);
  batch.forEach(({ cell }, s) => {
    if (cell !== null) cells.set(cell, 9 * s);
  });
  const pbc = Uint8Array.from(batch.flatMap((structure) => structure.pbc.map(Number)));
  const positions = concatenate(batch.map((structure) => structure.positions));
  return encodeMessage(
    {
      kind: "evaluate",
      ...{ epoch, id },
      want: [...want],
      names: batch.map((structure) => structure.name),
      counts: writer.add(counts),
      numbers: writer.add(numbers),
      positions: writer.add(positions),
      cells: writer.add(cells),
      pbc: writer.add(pbc),
    },
    writer.frames,
  );
}

/** The structures that are asked about; whether they can be computed is for the potential to say.
 *  @throws {PainnlessError} BAD_MESSAGE when the extents of the arrays disagree */
export function decodeEvaluate(decoded: DecodedMessage<MessageOf<"evaluate">>): Structure[] {
  const { message } = decoded;
  const counts = decoded.array("counts");
  const numbers = decoded.array("numbers");
  const positions = decoded.array("positions");
  const cells = decoded.array("cells");
  const pbc = decoded.array("pbc");
  const structures = message.names.length;
  expectRows("counts", counts.length, structures);
  let total = 0;
  for (const count of counts) {
    if (count < 0) throw new PainnlessError("BAD_MESSAGE", `counts: ${count}, expected 0 or more`, { field: "counts" });
    total += count;
  }
  expectRows("numbers", numbers.length, total);
  expectRows("positions", positions.length / 3, total);
  expectRows("cells", cells.length / 9, structures);
  expectRows("pbc", pbc.length / 3, structures);
  let first = 0;
  return message.names.map((name, s) => {
    const end = first + (counts[s] ?? 0);
    const cell = structures === 1 ? cells : cells.slice(9 * s, 9 * s + 9);
    const structure: Structure = {
      name,
      numbers: listOf(numbers, first, end),
      positions: structures === 1 ? positions : positions.slice(3 * first, 3 * end),
      cell: cell.every((x) => x === 0) ? null : cell,
      pbc: [pbc[3 * s] !== 0, pbc[3 * s + 1] !== 0, pbc[3 * s + 2] !== 0],
    };
    first = end;
    return structure;
  });
}

/** The frames that answer with `evaluations`; a property is sent when every evaluation has it (stress: those that have it). */
export function encodeResult({ epoch, id }: Address, evaluations: readonly Evaluation[]): Uint8Array[] {
  const [only] = evaluations;
  if (only !== undefined && evaluations.length === 1) return encodeSingleResult({ epoch, id }, only);
  const writer = new ArrayWriter();
  const rows = evaluations.length;
  const energy = new Float64Array(rows);
  const net = new Float64Array(rows);
  const stressed: number[] = [];
  for (let s = 0; s < rows; s++) {
    const evaluation = evaluations[s] as Evaluation;
    energy[s] = evaluation.energy;
    net[s] = evaluation.netEnergy;
    if (evaluation.stress !== null) stressed.push(s);
  }
  const forces = joined(evaluations, "forces", rows);
  const stress = stressed.length === 0 ? null : joined(evaluations, "stress", stressed.length);
  const energies = joined(evaluations, "energies", rows);
  return encodeUnchecked(
    {
      kind: "result",
      epoch,
      id,
      energy: writer.add(energy),
      net: writer.add(net),
      forces: forces && writer.add(forces),
      stress: stress && writer.add(stress),
      stressed,
      energies: energies && writer.add(energies),
    },
    writer.frames,
  );
}

/** What `count` evaluations have of a property, one after the other; null where as many do not. That of a single one is not copied. */
function joined(evaluations: readonly Evaluation[], property: "forces" | "stress" | "energies", count: number): Float64Array | null {
  const parts: Float64Array[] = [];
  for (const { [property]: part } of evaluations) if (part !== null) parts.push(part);
  if (parts.length !== count) return null;
  return parts.length === 1 ? (parts[0] as Float64Array) : concatenate(parts);
}

/** One evaluation for each structure of the batch that was asked about.
 *  @throws {PainnlessError} BAD_MESSAGE when the answer does not fit the question */
export function decodeResult(decoded: DecodedMessage<MessageOf<"result">>, batch: readonly Structure[]): Evaluation[] {
  const { stressed } = decoded.message;
  const energy = decoded.array("energy");
  const net = decoded.array("net");
  const forces = decoded.array("forces");
  const stress = decoded.array("stress");
  const energies = decoded.array("energies");
  const atoms = atomsOf(batch);
  expectRows("energy", energy.length, batch.length);
  expectRows("net", net.length, batch.length);
  expectRows("stress", (stress?.length ?? 0) / 6, stressed.length);
  if (forces) expectRows("forces", forces.length / 3, atoms);
  if (energies) expectRows("energies", energies.length, atoms);
  let first = 0;
  return batch.map((structure, s) => {
    const end = first + structure.numbers.length;
    const row = stressed.indexOf(s);
    const evaluation: Evaluation = {
      energy: energy[s] ?? Number.NaN,
      netEnergy: net[s] ?? Number.NaN,
      forces: forces?.slice(3 * first, 3 * end) ?? null,
      stress: stress && row >= 0 ? stress.slice(6 * row, 6 * row + 6) : null,
      energies: energies?.slice(first, end) ?? null,
    };
    first = end;
    return evaluation;
  });
}

/** A spread would go through an iterator, which takes ten times as long. */
function listOf(values: Int32Array, first: number, end: number): number[] {
  const list = new Array<number>(end - first);
  for (let k = first; k < end; k++) list[k - first] = values[k] as number;
  return list;
}

const atomsOf = (batch: readonly Structure[]): number => batch.reduce((sum, { numbers }) => sum + numbers.length, 0);

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
