"""python -m painnless.worker.shim --endpoint E --atoms N --spacing S --parent PID

Timed by `painnless bench shim`: calls through ASE of a server that runs, and what lies within them.
One JSON object a line on standard input, one answer a line on standard output, until the input ends; first of all
{"kind": "ready", "numbers": [N], "positions": [3N]}: the atoms, at one of the places that are asked about.
  {"kind": "turn", "calls": n}  -> {"kind": "timed", "ase": [n], "client": [n], "pingAfter": [n], "ping": [n]}, seconds
A request that fails is answered by {"kind": "error", "message": ..}.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

from painnless.calculator import PainnlessCalculator
from painnless.client import RemotePotential
from painnless.structure import Structure
from painnless.worker.lines import Methods, answer_lines

__all__: list[str] = []

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class _Way:
    """Atoms with the calculator, and the same line without ASE; each method answers the request of its name."""

    def __init__(
        self, calculator: PainnlessCalculator, remote: RemotePotential, pinged: RemotePotential, atoms: int, spacing: float
    ) -> None:
        self._remote = remote
        self._pinged = pinged
        self._rng = np.random.default_rng(0)
        elements = remote.welcome.elements or [1, 6, 8]
        self._numbers = self._rng.choice(np.array(elements), atoms).astype(np.int64)
        side = int(np.ceil(atoms ** (1 / 3)))
        self._lattice = np.stack(np.meshgrid(*[np.arange(side)] * 3), axis=-1).reshape(-1, 3)[:atoms] * spacing
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

    def _through_ase(self) -> float:
        self._atoms.positions = self._moved()
        start = time.perf_counter()
        self._atoms.get_forces()
        return time.perf_counter() - start

    def _without_ase(self) -> float:
        structure = Structure("lattice", self._numbers, self._moved(), None, (False, False, False))
        start = time.perf_counter()
        self._remote.evaluate([structure], ["forces"])
        return time.perf_counter() - start

    def _ping_after(self) -> float:
        self._without_ase()
        return self._pinged.ping()

    def _moved(self) -> Floats:
        return self._lattice + self._rng.uniform(-0.1, 0.1, self._lattice.shape)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker.shim")
    parser.add_argument("--endpoint", required=True, help="of a running server")
    parser.add_argument("--atoms", type=int, required=True)
    parser.add_argument("--spacing", type=float, required=True, help="of the lattice the atoms are on, Å")
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    endpoint = options.endpoint
    # Pings go their own way: a line that was answered at once waits for its next answer in another manner.
    with RemotePotential(endpoint) as remote, RemotePotential(endpoint) as pinged, PainnlessCalculator(server=endpoint) as calculator:

        def prepare() -> tuple[dict[str, Any], Methods]:
            way = _Way(calculator, remote, pinged, options.atoms, options.spacing)
            return way.structure(), {"turn": way.turn}

        return answer_lines(options.parent, prepare)


if __name__ == "__main__":
    sys.exit(main())
