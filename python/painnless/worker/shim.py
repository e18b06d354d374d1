"""python -m painnless.worker.shim --endpoint E (--atoms N [--spacing S] | --molecule NAME) --parent PID

Timed by `painnless bench shim`: calls through ASE of a server that runs, and what lies within them.
One JSON object a line on standard input, one answer a line on standard output, until the input ends; first of all
{"kind": "ready", "numbers": [N], "positions": [3N]}: the atoms, at one of the places that are asked about.
  {"kind": "turn", "calls": n}  -> {"kind": "timed", "ase": [n], "client": [n], "pingAfter": [n], "ping": [n]}, seconds
  {"kind": "run", "seconds": s}  -> {"kind": "ran", "calls": n, "seconds": t}: without ASE, one call behind the other
A request that fails is answered by {"kind": "error", "message": ..}.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import molecule

from painnless.calculator import PainnlessCalculator
from painnless.client import RemotePotential
from painnless.structure import Structure
from painnless.worker.lines import Methods, answer_lines

__all__: list[str] = []

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class _Way:
    """Atoms with the calculator, and the same line without ASE; each method answers the request of its name."""

    def __init__(self, calculator: PainnlessCalculator, remote: RemotePotential, pinged: RemotePotential, atoms: Atoms) -> None:
        self._remote = remote
        self._pinged = pinged
        self._rng = np.random.default_rng(0)
        self._numbers = atoms.numbers.astype(np.int64)
        self._rest = atoms.positions.copy()
        self._atoms = Atoms(numbers=self._numbers, positions=self._moved(), calculator=calculator)

    def structure(self) -> dict[str, Any]:
        return {"numbers": self._numbers.tolist(), "positions": self._atoms.positions.ravel().tolist()}

    def turn(self, calls: int) -> dict[str, Any]:
        """Each call behind others of its kind, as the steps of a trajectory are."""

        def seconds(work: Callable[[], float]) -> list[float]:
            return [work() for _ in range(calls)]

        return {
            "kind": "timed",
            "ase": seconds(self._through_ase),
            "client": seconds(self._without_ase),
            "pingAfter": seconds(self._ping_after),
            "ping": seconds(self._pinged.ping),
        }

    def run(self, seconds: float) -> dict[str, Any]:
        calls = 0
        start = time.perf_counter()
        while (taken := time.perf_counter() - start) < seconds:
            self._without_ase()
            calls += 1
        return {"kind": "ran", "calls": calls, "seconds": taken}

    def _through_ase(self) -> float:
        self._atoms.positions = self._moved()
        start = time.perf_counter()
        self._atoms.get_forces()
        return time.perf_counter() - start

    def _without_ase(self) -> float:
        structure = Structure("atoms", self._numbers, self._moved(), None, (False, False, False))
        start = time.perf_counter()
        self._remote.evaluate([structure], ["forces"])
        return time.perf_counter() - start

    def _ping_after(self) -> float:
        self._without_ase()
        return self._pinged.ping()

    def _moved(self) -> Floats:
        return self._rest + self._rng.uniform(-0.1, 0.1, self._rest.shape)


def _lattice(elements: list[int], count: int, spacing: float) -> Atoms:
    numbers = np.random.default_rng(0).choice(np.array(elements), count)
    side = int(np.ceil(count ** (1 / 3)))
    return Atoms(numbers=numbers, positions=np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)[:count] * spacing)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker.shim")
    parser.add_argument("--endpoint", required=True, help="of a running server")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--atoms", type=int, help="on a lattice")
    which.add_argument("--molecule", help="of ASE's")
    parser.add_argument("--spacing", type=float, default=1.6, help="of the lattice the atoms are on, Å")
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    endpoint = options.endpoint
    # Pings go their own way: a line that was answered at once waits for its next answer in another manner.
    with RemotePotential(endpoint) as remote, RemotePotential(endpoint) as pinged, PainnlessCalculator(server=endpoint) as calculator:

        def prepare() -> tuple[dict[str, Any], Methods]:
            elements = remote.welcome.elements or [1, 6, 8]
            atoms = molecule(options.molecule) if options.molecule else _lattice(elements, options.atoms, options.spacing)
            way = _Way(calculator, remote, pinged, atoms)
            return way.structure(), {"turn": way.turn, "run": way.run}

        return answer_lines(options.parent, prepare)


if __name__ == "__main__":
    sys.exit(main())
