import type { NativeStop } from "../engine/native.ts";
import { PainnlessError } from "../errors.ts";
import { elementSymbol } from "../system/elements.ts";
import { boltzmannInEv } from "../system/units.ts";
import { type Stop, stopReasons } from "./session.ts";

/** Why a run cannot go on, in the units and words of the one who asked for it. @param numbers atomic numbers of the structure */
export function readStop(native: NativeStop, numbers: readonly number[]): Stop {
  const reason = stopReasons.find((name) => name === native.reason);
  if (reason === undefined) throw new PainnlessError("INTERNAL", `a guard gave the unknown reason "${native.reason}"`);
  const index = (k: number) => (k < 0 ? null : k);
  const inUnit = (x: number) => {
    if (!Number.isFinite(x)) return null;
    return reason === "temperature" ? Number((x / boltzmannInEv).toPrecision(12)) : x; // a limit of 400 K is not 399.99999999999994
  };
  const { step, detail } = native;
  const atom = index(native.atom);
  const stop = {
    reason,
    step,
    replica: index(native.replica),
    atom,
    other: index(native.other),
    value: inUnit(native.value),
    limit: inUnit(native.limit),
    position: atom === null ? null : ([...native.position] as [number, number, number]),
  };
  return { ...stop, message: `step ${step} cannot be made: ${found(stop, native.value, detail, numbers)}; ${remedies[reason]}` };
}

function found(stop: Omit<Stop, "message">, raw: number, detail: string, numbers: readonly number[]): string {
  const { reason, replica, position, limit } = stop;
  const name = (atom: number | null) => (atom === null ? "an atom" : `atom ${atom} (${elementSymbol(numbers[atom] ?? 0)})`);
  const of = replica === null ? "" : ` of replica ${replica}`;
  const where = position === null ? "" : `, last at (${position.map((x) => x.toFixed(4)).join(", ")}) Å`;
  const atom = `${name(stop.atom)}${of}${where},`;
  const value = stop.value === null ? String(raw) : stop.value.toPrecision(4);
  switch (reason) {
    case "not-finite":
      if (detail !== "") return detail;
      return stop.atom === null ? `the energy${of} is ${value} eV` : `the force on ${atom} is ${value} eV/Å`;
    case "force":
      return `the force on ${atom} is ${value} eV/Å, the limit is ${limit} eV/Å`;
    case "temperature":
      return `the temperature${of} is ${value} K, the limit is ${limit?.toFixed(0)} K; the fastest is ${name(stop.atom)}${where}`;
    case "distance":
      return `${atom} lies ${value} Å from ${stop.other === stop.atom ? "an image of itself" : name(stop.other)}, the limit is ${limit} Å`;
    case "displacement":
      return `${atom} moves ${value} Å at once, the limit is ${limit} Å`;
    case "position":
      return `a coordinate of ${atom} is ${value} Å, the limit is ${limit} Å`;
    case "refused":
      return detail;
  }
}

const smaller = "take a smaller timestep, or start from a geometry that the model knows";
const remedies: Readonly<Record<Stop["reason"], string>> = {
  "not-finite": smaller,
  force: smaller,
  temperature: smaller,
  distance: smaller,
  displacement: smaller,
  position: "start nearer to the origin, with the centre of mass at rest",
  refused: smaller,
};
