"""python -m painnless.worker.shim: what calls through ASE take, for `painnless bench shim`. Prints one JSON object."""

import argparse
import json
import time

import numpy as np
from ase import Atoms

from painnless.calculator import PainnlessCalculator
from painnless.client import RemotePotential
from painnless.structure import Structure

_WARM = 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker.shim")
    parser.add_argument("--endpoint", required=True, help="of a running server")
    parser.add_argument("--atoms", type=int, required=True)
    parser.add_argument("--spacing", type=float, required=True, help="of the lattice the atoms are on, Å")
    parser.add_argument("--calls", type=int, required=True)
    options = parser.parse_args()

    # Pings go their own way: a line that was answered at once waits for its next answer in another manner.
    with RemotePotential(options.endpoint) as remote, RemotePotential(options.endpoint) as pinged:
        elements = remote.welcome.elements or [1, 6, 8]
        rng = np.random.default_rng(0)
        numbers = rng.choice(np.array(elements), options.atoms).astype(np.int64)
        side = int(np.ceil(options.atoms ** (1 / 3)))
        lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)[: options.atoms] * options.spacing

        def moved() -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
            return lattice + rng.uniform(-0.1, 0.1, lattice.shape)

        atoms = Atoms(numbers=numbers, positions=moved())
        with PainnlessCalculator(server=options.endpoint) as calculator:
            atoms.calc = calculator
            # In turns, so that what else the machine does falls on both alike: their difference is a result.
            through_ase: list[float] = []
            bare: list[float] = []
            after: list[float] = []
            for _ in range(_WARM + options.calls):
                atoms.positions = moved()
                start = time.perf_counter()
                atoms.get_forces()
                through_ase.append(time.perf_counter() - start)
                structure = Structure("lattice", numbers, moved(), None, (False, False, False))
                start = time.perf_counter()
                remote.evaluate([structure], ["forces"])
                bare.append(time.perf_counter() - start)
                after.append(pinged.ping())
        pings = [pinged.ping() for _ in range(_WARM + options.calls)]
    seconds = {"ase": through_ase[_WARM:], "client": bare[_WARM:], "pingAfter": after[_WARM:], "ping": pings[_WARM:]}
    print(json.dumps({**seconds, "numbers": numbers.tolist(), "positions": atoms.positions.ravel().tolist()}))


if __name__ == "__main__":
    main()
