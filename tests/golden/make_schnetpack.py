"""Writes tests/golden/schnetpack/: small random-weight PaiNN models as SchNetPack itself saves them, and what it computes for them.

Made with Python 3.11, torch 2.4.1 (CPU), ase 3.29, once with schnetpack 2.1.1 and once with schnetpack 2.0.4, which adds its own file:

    pip install torch==2.4.1 schnetpack==2.1.1 && python tests/golden/make_schnetpack.py
    pip install torch==2.4.1 schnetpack==2.0.4 && python tests/golden/make_schnetpack.py

Values are those of the package in float64 (model.double()), in the unit of the file: energies, net energies (postprocessors off),
forces per Å and, for the periodic structure, the stress tensor per Å^3.
"""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import schnetpack
import schnetpack.nn as snn
import torch
from ase import Atoms
from ase.build import molecule
from ase.neighborlist import neighbor_list
from schnetpack.atomistic import Atomwise, Forces, PairwiseDistances, Strain
from schnetpack.model import NeuralNetworkPotential
from schnetpack.representation import PaiNN
from schnetpack.transform import AddOffsets, CastTo64
from torch import nn

FOLDER = Path(__file__).parent / "schnetpack"
VERSION = version("schnetpack")


def gaussian(r: int, cutoff: float) -> nn.Module:
    return snn.GaussianRBF(r, cutoff)


def trained_gaussian(r: int, cutoff: float) -> nn.Module:
    basis = snn.GaussianRBF(r, cutoff, trainable=True)
    with torch.no_grad():
        basis.offsets += 0.1 * torch.randn(r)
        basis.widths *= 1 + 0.2 * torch.rand(r)
    return basis


def build(
    features: int = 16,
    layers: int = 2,
    r: int = 8,
    cutoff: float = 5.0,
    basis: Callable[[int, float], nn.Module] = gaussian,
    representation: dict | None = None,
    head: dict | None = None,
    head_bias: bool = True,
    offsets: dict | None = None,
    atomrefs: bool = False,
    stress: bool = False,
    dtype: torch.dtype = torch.float32,
) -> nn.Module:
    """A model as the package's own recipes compose it."""
    painn = PaiNN(features, layers, basis(r, cutoff), snn.CosineCutoff(cutoff), **(representation or {}))
    energy = Atomwise(features, output_key="energy", **(head or {}))
    if not head_bias:
        energy.outnet = snn.build_mlp(features, 1, last_bias=False, **(head or {}))
    post: list[nn.Module] = [CastTo64()]
    if offsets is not None:
        post.append(AddOffsets("energy", **offsets))
        post[1].mean = torch.tensor(-1786.226809289834, dtype=torch.float64)
        if atomrefs:
            post[1].atomref = torch.zeros(100, dtype=torch.float64)
            post[1].atomref[[1, 6, 7, 8]] = torch.tensor([-313.75, -23786.123456789, -34220.987654321, -47048.25], dtype=torch.float64)
    model = NeuralNetworkPotential(
        painn,
        input_modules=[Strain(), PairwiseDistances()] if stress else [PairwiseDistances()],
        output_modules=[energy, Forces(calc_stress=stress)],
        postprocessors=post,
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.2)
            elif name.startswith(("representation.interactions", "representation.mixing")):
                parameter.mul_(1.2)  # so that vector features and their gates count
    return model if dtype == torch.float32 else model.to(dtype)  # the offsets are float64 already


MEAN = {"add_mean": True}
VARIANTS: dict[str, Callable[[], nn.Module]] = {
    "gaussian": lambda: build(layers=3, offsets=MEAN),
    "gaussian_trainable": lambda: build(basis=trained_gaussian, offsets=MEAN),
    "gaussian_centered": lambda: build(basis=snn.GaussianRBFCentered, offsets=MEAN),
    "bessel": lambda: build(24, r=12, basis=snn.BesselRBF, offsets=MEAN),
    "shared_interactions": lambda: build(layers=3, representation={"shared_interactions": True}, offsets=MEAN),
    "shared_filters": lambda: build(layers=3, representation={"shared_filters": True}, offsets=MEAN),
    "shared_both": lambda: build(layers=3, representation={"shared_interactions": True, "shared_filters": True}, offsets=MEAN),
    "atomrefs": lambda: build(offsets={"add_mean": True, "add_atomrefs": True}, atomrefs=True),
    "atomrefs_without_mean": lambda: build(offsets={"add_atomrefs": True}, atomrefs=True),
    "not_extensive": lambda: build(offsets={"add_mean": True, "is_extensive": False}),
    "without_offsets": build,
    "readout_deep": lambda: build(head={"n_hidden": [20, 12], "n_layers": 3}, offsets=MEAN),
    "readout_one_layer": lambda: build(head={"n_layers": 1}, head_bias=False, offsets=MEAN),
    "float64": lambda: build(offsets=MEAN, dtype=torch.float64),
    "stress": lambda: build(stress=True, offsets=MEAN),
    "odd_sizes": lambda: build(18, 1, 5, 4.3, representation={"epsilon": 1e-6}, offsets=MEAN),
    "silu_module": lambda: build(representation={"activation": nn.SiLU()}, head={"activation": nn.SiLU()}, offsets=MEAN),
}
OLD_VARIANTS = {"version_2_0": lambda: build(representation={"max_z": 30}, offsets=MEAN)}


def structures() -> dict[str, Atoms]:
    random = np.random.default_rng(20)
    ethanol = molecule("CH3CH2OH")
    ethanol.positions += random.normal(0, 0.08, ethanol.positions.shape)
    pair = molecule("CH3OH") + molecule("NH3")
    pair.positions[6:] += [3.4, 0.6, 0.9]  # some pairs lie beyond the cutoff
    pair.positions += random.normal(0, 0.05, pair.positions.shape)
    crystal = molecule("H2CO") + molecule("H2O")
    crystal.positions[4:] += [2.2, 1.9, 2.4]
    crystal.set_cell([[4.1, 0, 0], [0.9, 4.6, 0], [-0.5, 0.7, 5.2]])  # smaller than the cutoff: several images
    crystal.positions += random.normal(0, 0.05, crystal.positions.shape)
    crystal.pbc = True
    return {"ethanol": ethanol, "methanol_ammonia": pair, "crystal": crystal}


def inputs(atoms: Atoms, cutoff: float) -> dict[str, torch.Tensor]:
    i, j, shift = neighbor_list("ijS", atoms, cutoff)
    cell = torch.tensor(np.asarray(atoms.cell))
    return {
        "_atomic_numbers": torch.tensor(atoms.numbers),
        "_positions": torch.tensor(atoms.positions),
        "_cell": cell[None],
        "_pbc": torch.tensor(atoms.pbc)[None],
        "_idx_i": torch.tensor(i),
        "_idx_j": torch.tensor(j),
        "_offsets": torch.tensor(shift.astype(float)) @ cell,
        "_idx_m": torch.zeros(len(atoms), dtype=torch.long),
        "_n_atoms": torch.tensor([len(atoms)]),
    }


def evaluate(path: Path, atoms: Atoms) -> dict:
    """What the saved file gives when the package loads it and computes in float64."""
    model = torch.load(path, weights_only=False).double().eval()
    cutoff = float(model.representation.cutoff)
    periodic = bool(atoms.pbc.all())
    if periodic:
        model.input_modules = nn.ModuleList([Strain(), PairwiseDistances()])
        model.output_modules[1] = Forces(calc_stress=True)
    elif "Strain" in str(model.input_modules):
        model.input_modules = nn.ModuleList([PairwiseDistances()])
        model.output_modules[1] = Forces()
    model.collect_derivatives()
    model.collect_outputs()
    result = model(inputs(atoms, cutoff))
    model.do_postprocessing = False
    net = model(inputs(atoms, cutoff))
    return {
        "energy": result["energy"].item(),
        "net_energy": net["energy"].item(),
        "forces": result["forces"].tolist(),
        "stress": result["stress"][0].tolist() if periodic else None,
    }


def main() -> None:
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    target = FOLDER / "expected.json"
    record = json.loads(target.read_text()) if target.exists() else {"models": {}}
    record["structures"] = {
        name: {"numbers": a.numbers.tolist(), "positions": a.positions.tolist(), "cell": np.asarray(a.cell).tolist(), "pbc": a.pbc.tolist()}
        for name, a in structures().items()
    }
    for seed, (name, make) in enumerate((OLD_VARIANTS if VERSION.startswith("2.0") else VARIANTS).items()):
        torch.manual_seed(seed)
        path = FOLDER / f"{name}.model"
        model = make()
        torch.save(model, path)
        forces = np.array(evaluate(path, structures()["ethanol"])["forces"])
        with torch.no_grad():
            model.output_modules[0].outnet[-1].weight *= 20 / np.abs(forces).max()  # forces near 1 eV/Å
        torch.save(model, path)
        record["models"][name] = {
            "schnetpack": VERSION,
            "torch": torch.__version__,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "results": {key: evaluate(path, atoms) for key, atoms in structures().items()},
        }
        print(f"{name}: {path.stat().st_size} bytes, {record['models'][name]['results']['ethanol']['net_energy']:.6f}")
    target.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    print("schnetpack", VERSION, schnetpack.__name__, "torch", torch.__version__)
    main()
