import type { CardTrial } from "../result.ts";
import type { CardRow } from "./rows.ts";

/** The row of the main model that others, of about as many atoms, are held to. */
const level = "1000";
/** The engine must not fall off a cliff where a model or an arrangement is another: times as long as the work makes it. */
export const allowedCliff = 1.5;

export const isOther = ({ measures, model, arrangement }: CardRow): boolean =>
  measures === "network" && (model !== "main" || arrangement !== "lattice");

/** The trials, and of those of other models and arrangements what they take beyond their work. @param others names of their rows */
export function withCliffs(trials: readonly CardTrial[], others: ReadonlySet<string>): CardTrial[] {
  const base = trials.find(({ name, precision }) => name === level && precision === "f32")?.floor?.times;
  return trials.map((trial) =>
    base === undefined || trial.floor === null || trial.precision !== "f32" || !others.has(trial.name)
      ? trial
      : { ...trial, floor: { ...trial.floor, scaled: trial.floor.times / base } },
  );
}
