"""python -m painnless.worker.ase_script CALCULATOR MODEL --device D --precision P [--energy-unit U] --parent PID

Timed by `painnless bench ase`: the script of somebody who has a SchNetPack model, with a calculator, ASE's VelocityVerlet, and steps.
CALCULATOR is the line that is swapped: "schnetpack" (its SpkCalculator), "reference" (our reference in plain PyTorch behind ASE's
interface) or "painnless".
One JSON object a line on standard input, one answer a line on standard output, until the input ends; first of all, when the calculator is
there, {"kind": "ready", "calculator": .., "versions": {..}}.
  {"kind": "load", "numbers": [N], "positions": [[3N], ..]}  -> {"kind": "loaded"}
  {"kind": "evaluate", "set": k}                             -> {"kind": "evaluated", "energy": eV, "forces": [3N]}
  {"kind": "time", "how": "ase" | "run_nve", "set": k, "steps": n}  -> {"kind": "timed", "seconds": of the n steps}
A request that fails is answered by {"kind": "error", "message": ..}.
"""

import argparse
import sys
import time
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.md.verlet import VelocityVerlet

from painnless.worker.lines import Methods, answer_lines

__all__ = ["Script", "reference_calculator"]

_TIMESTEP = 1e-4 * units.fs
"""So short that atoms of random weights stay where they are: what a step takes does not depend on it."""


class Script:
    """Atoms with the calculator; each method answers the request of its name."""

    def __init__(self, calculator: Any) -> None:
        self._calculator = calculator
        self._atoms = Atoms()
        self._sets: list[np.ndarray[Any, np.dtype[np.float64]]] = []

    def load(self, numbers: list[int], positions: list[list[float]]) -> dict[str, Any]:
        self._sets = [np.reshape(x, (-1, 3)) for x in positions]
        self._atoms = Atoms(numbers=numbers, positions=self._sets[0], calculator=self._calculator)
        return {"kind": "loaded"}

    def evaluate(self, set: int) -> dict[str, Any]:
        self._place(set)
        forces = np.asarray(self._atoms.get_forces(), dtype=np.float64)
        return {"kind": "evaluated", "energy": float(self._atoms.get_potential_energy()), "forces": forces.ravel().tolist()}

    def time(self, how: str, set: int, steps: int) -> dict[str, Any]:
        """From positions at rest, as a script that begins has them."""
        self._place(set)
        run = {"ase": self._ase, "run_nve": self._inside}[how]
        start = time.perf_counter()
        run(steps)
        return {"kind": "timed", "seconds": time.perf_counter() - start}

    def _place(self, set: int) -> None:
        self._atoms.positions = self._sets[set]
        self._atoms.set_momenta(np.zeros_like(self._sets[set]))

    def _ase(self, steps: int) -> None:
        VelocityVerlet(self._atoms, _TIMESTEP).run(steps)

    def _inside(self, steps: int) -> None:
        for _ in self._calculator.run_nve(self._atoms, steps, _TIMESTEP, every=steps):
            pass


def reference_calculator(path: str, device: str, precision: str) -> Any:
    """The model file as an ASE calculator: plain PyTorch, forces by autograd, neighbours searched at each step."""
    from painnless.reference import load  # noqa: PLC0415

    reference = load(path, dtype="float32" if precision == "f32" else "float64", device=device)

    class Reference(Calculator):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012 (ASE declares it so)

        def calculate(
            self, atoms: Atoms | None = None, properties: Collection[str] = ("energy",), system_changes: Sequence[str] = all_changes
        ) -> None:
            super().calculate(atoms, properties, system_changes)  # pyright: ignore[reportUnknownMemberType] (of ase)
            assert self.atoms is not None
            cell = self.atoms.cell.array if self.atoms.pbc.any() else None
            structure = self.atoms.numbers, self.atoms.positions, cell, tuple(self.atoms.pbc.tolist())
            (result,) = reference.evaluate([structure], ("energy", "forces"))
            self.results = {"energy": result["energy"], "forces": result["forces"]}

    return Reference()


def _schnetpack_calculator(path: str, device: str, precision: str, energy_unit: str) -> Any:
    import schnetpack.interfaces  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    import schnetpack.transform  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    import torch  # noqa: PLC0415

    cutoff = float(torch.load(path, map_location="cpu", weights_only=False).representation.cutoff_fn.cutoff)
    calculator = schnetpack.interfaces.SpkCalculator(
        path,
        neighbor_list=schnetpack.transform.ASENeighborList(cutoff=cutoff),
        energy_unit=energy_unit,
        position_unit="Ang",
        device=device,
        dtype=torch.float32 if precision == "f32" else torch.float64,
    )
    representation = calculator.model.representation
    if not hasattr(representation, "electronic_embeddings"):
        representation.electronic_embeddings = []  # files of 2.0 lack it, and 2.1 does not run without
    return calculator


def _painnless_calculator(path: str, device: str, precision: str, energy_unit: str | None) -> Any:
    from painnless.calculator import PainnlessCalculator  # noqa: PLC0415

    return PainnlessCalculator(path, energy_unit=energy_unit, device=device, precision=precision)  # pyright: ignore[reportArgumentType]


def _calculator(options: argparse.Namespace) -> tuple[Any, str, list[str]]:
    """The calculator, what it is, and the packages whose versions matter."""
    path, device, precision, unit = options.model, options.device, options.precision, options.energy_unit
    makers: dict[str, tuple[Callable[[], Any], str, list[str]]] = {
        "schnetpack": (lambda: _schnetpack_calculator(path, device, precision, unit), "SpkCalculator", ["ase", "torch", "schnetpack"]),
        "reference": (lambda: reference_calculator(path, device, precision), "plain PyTorch, forces by autograd", ["ase", "torch"]),
        "painnless": (lambda: _painnless_calculator(path, device, precision, unit), "PainnlessCalculator", ["ase"]),
    }
    make, name, packages = makers[options.calculator]
    return make(), name, packages


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker.ase_script")
    parser.add_argument("calculator", choices=("schnetpack", "reference", "painnless"))
    parser.add_argument("model")
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--precision", choices=("f32", "f64"), required=True)
    parser.add_argument("--energy-unit")
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()

    def prepare() -> tuple[dict[str, Any], Methods]:
        calculator, name, packages = _calculator(options)
        script = Script(calculator)
        ready = {"calculator": name, "versions": {package: version(package) for package in packages}}
        return ready, {"load": script.load, "evaluate": script.evaluate, "time": script.time}

    return answer_lines(options.parent, prepare)


if __name__ == "__main__":
    sys.exit(main())
