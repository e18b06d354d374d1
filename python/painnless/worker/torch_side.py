"""The reference behind the wire: plain PyTorch, forces by autograd."""

import sys
from collections.abc import Collection, Sequence
from typing import Literal

import torch

from painnless.batch import Evaluation
from painnless.reference import load
from painnless.structure import Domain, Structure
from painnless.wire import Property

__all__ = ["TorchSide"]

_MAX_ATOMS = 20_000


class TorchSide:
    """A model file, evaluated on `device` in `precision`. threads: of torch in this process; its own choice when None."""

    def __init__(self, path: str, device: str, precision: Literal["f32", "f64"], threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._reference = load(path, dtype="float32" if precision == "f32" else "float64", device=device)
        config = self._reference.config
        self.name = f"torch:{device}:{precision}"
        self.provides: Collection[Property] = ("energy", "forces", *(("stress",) if config.pbc_supported else ()), "energies")
        self.domain = Domain(elements=tuple(self._reference.elements), max_atoms=_MAX_ATOMS, periodic=config.pbc_supported)
        self.model = self._reference.sha256
        self.cutoff = config.cutoff
        runs_on = torch.cuda.get_device_name(device) if device.startswith("cuda") else torch.backends.cpu.get_cpu_capability()
        self.versions = {"python": sys.version.split()[0], "torch": f"{torch.__version__} ({runs_on})"}

    def evaluate(self, structures: Sequence[Structure], want: Collection[Property]) -> list[Evaluation]:
        results = self._reference.evaluate([(s.numbers, s.positions, s.cell, s.pbc) for s in structures], want)
        return [
            Evaluation(
                energy=result["energy"],
                net_energy=result["net_energy"],
                forces=result["forces"],
                stress=result["stress"],
                energies=result["energies"],
            )
            for result in results
        ]
