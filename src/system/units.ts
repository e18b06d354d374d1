/** The only conversion factors on the TypeScript side. They are ASE's (CODATA 2014), so that a user sees the numbers ASE gives;
 *  python/painnless/units.py holds the same table and a test keeps the two equal. */
export const energyUnitsInEv = {
  eV: 1,
  meV: 1e-3,
  Hartree: 27.211386024367243,
  "kcal/mol": 0.04336410390059322,
  "kJ/mol": 0.010364269574711572,
} as const;

export type EnergyUnit = keyof typeof energyUnitsInEv;

export const energyUnits = Object.keys(energyUnitsInEv) as EnergyUnit[];

/** 1 fs in ASE's unit of time, Å sqrt(u/eV), in which ASE keeps velocities and momenta. */
export const fsInAseTime = 0.09822694788464063;

/** eV/K; ASE's. */
export const boltzmannInEv = 8.617330337217213e-5;
