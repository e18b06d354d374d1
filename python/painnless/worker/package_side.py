"""The checkpoint's own package behind the wire: SchNetPack 2.x evaluates its own pickle, with its own neighbour list.

Loading unpickles the file, which runs what is in it: this side exists only for a user who names it.
"""

import hashlib
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
import torch
from ase import Atoms

from painnless.batch import Evaluation
from painnless.errors import PainnlessError
from painnless.structure import Domain, Structure
from painnless.units import energy_units_in_ev
from painnless.wire import Property

__all__ = ["PackageSide"]

_MAX_ATOMS = 20_000


class PackageSide:
    """The SchNetPack model in `path`; energy_unit is what its energies are in, which the file does not say."""

    def __init__(self, path: str, device: str, precision: Literal["f32", "f64"], energy_unit: str | None, threads: int | None) -> None:
        if energy_unit not in energy_units_in_ev:
            known = ", ".join(energy_units_in_ev)
            raise PainnlessError(
                "USAGE", f"side package: the checkpoint's energy unit is {energy_unit}, expected one of {known}", "energy_unit"
            )
        if threads is not None:
            torch.set_num_threads(threads)
        schnetpack = _import_schnetpack()
        self._unit = energy_units_in_ev[energy_unit]
        dtype = torch.float32 if precision == "f32" else torch.float64
        self._model = _load(path, device)
        if precision == "f64":  # float32 is how the weights are; casting to it would round the float64 offset too
            self._model.to(dtype)
        representation = self._model.representation
        if not hasattr(representation, "electronic_embeddings"):
            representation.electronic_embeddings = []  # files of 2.0 lack it, and 2.1 does not run without
        self.cutoff = float(representation.cutoff_fn.cutoff)
        neighbors = schnetpack.transform.ASENeighborList(cutoff=self.cutoff)
        self._convert = schnetpack.interfaces.AtomsConverter(neighbor_list=neighbors, device=device, dtype=dtype)
        rows = representation.embedding.weight.shape[0]
        self.name = "package"
        self.provides: Collection[Property] = ("energy", "forces")
        self.domain = Domain(elements=tuple(range(1, min(rows, 119))), max_atoms=_MAX_ATOMS, periodic=True)
        with open(path, "rb") as file:
            self.model = hashlib.sha256(file.read()).hexdigest()
        versions = {"schnetpack": version("schnetpack"), "torch": str(torch.__version__), "precision": precision}
        self.versions = {"python": sys.version.split()[0], **versions}

    def evaluate(self, structures: Sequence[Structure], want: Collection[Property]) -> list[Evaluation]:
        return [self._evaluate(structure, "forces" in want) for structure in structures]

    def _evaluate(self, structure: Structure, forces: bool) -> Evaluation:
        atoms = Atoms(numbers=structure.numbers, positions=structure.positions, cell=structure.cell, pbc=structure.pbc)
        net = self._run(atoms, postprocess=False)
        total = self._run(atoms, postprocess=True)
        return Evaluation(
            energy=_numbers(total["energy"]).item() * self._unit,
            net_energy=_numbers(net["energy"]).item() * self._unit,
            forces=_numbers(net["forces"]) * self._unit if forces else None,
            stress=None,
            energies=None,
        )

    def _run(self, atoms: Atoms, postprocess: bool) -> dict[str, torch.Tensor]:
        """Post-processing adds the constants."""
        self._model.do_postprocessing = postprocess
        return self._model(self._convert(atoms))


def _import_schnetpack() -> Any:
    try:
        import schnetpack  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
        import schnetpack.interfaces  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
        import schnetpack.transform  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError as exc:
        raise PainnlessError(
            "MISSING",
            f"side package: schnetpack cannot be imported by {sys.executable} ({exc}); "
            "name the Python of the environment that the checkpoint was trained in, --python package=PYTHON",
        ) from exc
    return schnetpack


def _load(path: str, device: str) -> Any:
    try:
        model = torch.load(path, map_location=device, weights_only=False)
    except FileNotFoundError as exc:
        raise PainnlessError("NOT_FOUND", f"checkpoint {path} is not there", "model") from exc
    except Exception as exc:  # a pickle fails in as many ways as there are classes in it
        raise PainnlessError("BAD_MODEL", f"checkpoint {path}: its own package cannot load it: {type(exc).__name__}: {exc}") from exc
    if not hasattr(model, "representation") or not hasattr(model, "do_postprocessing"):
        raise PainnlessError("BAD_MODEL", f"checkpoint {path} holds a {type(model).__name__}, expected a SchNetPack NeuralNetworkPotential")
    return model.eval()


def _numbers(tensor: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return tensor.detach().double().cpu().numpy()
