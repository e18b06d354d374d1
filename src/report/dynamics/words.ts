import type { Cause, Check, MdResult } from "../../dynamics/result.ts";

export const ensembleWords: Readonly<Record<MdResult["ensemble"], string>> = {
  nve: "NVE, velocity Verlet",
  langevin: "Langevin dynamics, BAOAB",
  csvr: "stochastic velocity rescaling",
};

export const checkWords: Readonly<Record<Check["name"], string>> = {
  guards: "Came to its end.",
  drift: "Drift.",
  order: "Time step.",
  reversal: "There and back.",
  momentum: "Momentum.",
  attribution: "Causes.",
  canonical: "Thermostat.",
};

export const causeWords: Readonly<Record<Cause, string>> = {
  "time step": "time step",
  float32: "float32",
  "neighbour list": "neighbour list",
  model: "model",
};
