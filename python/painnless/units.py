"""The only conversion factors on the Python side: ASE's (CODATA 2014).

`src/system/units.ts` is the same table; a test keeps the two equal.
"""

__all__ = ["energy_units_in_ev"]

energy_units_in_ev: dict[str, float] = {
    "eV": 1.0,
    "meV": 1e-3,
    "Hartree": 27.211386024367243,
    "kcal/mol": 0.04336410390059322,
    "kJ/mol": 0.010364269574711572,
}
