"""python -m painnless.worker.steps --endpoint ENDPOINT: what a step of dynamics takes from Python, for `painnless bench md`.

Reads {"numbers", "positions", "timestep", "ase", "inside", "stretches"} from standard input (Å, fs; steps of a stretch of each), prints
{"ase": [..], "inside": [..]}, seconds of a step in each stretch: ASE's VelocityVerlet with our calculator, and run_nve inside the engine.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

import numpy as np
from ase import Atoms, units
from ase.md.verlet import VelocityVerlet

from painnless.calculator import PainnlessCalculator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker.steps")
    parser.add_argument("--endpoint", required=True, help="of a running server")
    options = parser.parse_args()
    asked = json.load(sys.stdin)
    atoms = Atoms(numbers=asked["numbers"], positions=np.reshape(asked["positions"], (-1, 3)))
    timestep = asked["timestep"] * units.fs
    with PainnlessCalculator(server=options.endpoint) as calculator:
        atoms.calc = calculator
        verlet = VelocityVerlet(atoms, timestep)
        seconds = {
            "inside": _seconds(lambda n: list(calculator.run_nve(atoms, n, timestep, every=n)), asked["inside"], asked["stretches"]),
            "ase": _seconds(verlet.run, asked["ase"], asked["stretches"]),
        }
    print(json.dumps(seconds))


def _seconds(run: Callable[[int], object], steps: int, stretches: int) -> list[float]:
    """Of a step, the first stretch left out: it warms up."""
    found: list[float] = []
    for _ in range(stretches + 1):
        start = time.perf_counter()
        run(steps)
        found.append((time.perf_counter() - start) / steps)
    return found[1:]


if __name__ == "__main__":
    main()
