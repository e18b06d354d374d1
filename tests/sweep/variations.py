"""Every hyper-parameter of a model file, varied: one at a time, then all at once at random. A variation is the fields of ModelConfig that
differ from the default, and under "basis" what training may have made of the radial functions."""

from typing import Any

import numpy as np

from painnless.model_file import Model
from painnless.units import energy_units_in_ev

Variation = dict[str, Any]


def _unit(name: str) -> Variation:
    return {"energy_unit": name, "energy_unit_in_ev": energy_units_in_ev[name]}


def _references(max_z: int) -> tuple[float, ...]:
    return tuple(-13.5 * z**1.5 for z in range(max_z + 1))


PAINN: dict[str, Variation] = {
    "default": {},
    "offsets and widths trained": {"basis": "trained"},
    "Gaussians centred at 0": {"basis": "centred"},
    "Bessel": {"rbf": "bessel"},
    "Bessel, frequencies trained": {"rbf": "bessel", "basis": "trained"},
    "shared interactions": {"shared_layers": True, "n_layers": 3},
    "shared filters": {"shared_filters": True, "n_layers": 3},
    "shared interactions and filters": {"shared_layers": True, "shared_filters": True, "n_layers": 3},
    "mean": {"energy_offset": "-1786.226809289834"},
    "mean, not extensive": {"energy_offset": "-1786.226809289834", "energy_offset_per_atom": False},
    "atom references": {"atom_refs": _references(20)},
    "atom references and mean in kcal/mol": {"atom_refs": _references(20), "energy_offset": "-78.5", **_unit("kcal/mol")},
    "kJ/mol": _unit("kJ/mol"),
    "Hartree": _unit("Hartree"),
    "meV": _unit("meV"),
    "weights in float64": {"weight_dtype": "float64"},
    "elements known": {"elements": (1, 6, 8)},
    "as few elements as can be": {"max_z": 8},
    **{f"F = {f}": {"n_features": f, "readout_widths": (max(f // 2, 1), 1)} for f in (4, 31, 32, 33, 64, 72)},
    **{f"L = {n}": {"n_layers": n} for n in (1, 3, 5)},
    **{f"R = {r}": {"n_rbf": r} for r in (1, 3, 20, 50)},
    **{f"readout {w}": {"readout_widths": w} for w in ((1,), (40, 1), (7, 33, 5, 1))},
    **{f"cutoff {rc} Å": {"cutoff": rc} for rc in (3.5, 6.5)},
    **{f"norm_eps {eps}": {"norm_eps": eps} for eps in (0.0, 1e-12, 1e-4, 1e-2)},
}

STUDENT: dict[str, Variation] = {
    f"student, {name}": {"arch": "painn-distiller", **variation}
    for name, variation in {
        "default": {},
        "centres and widths trained": {"basis": "trained"},
        "rotation equivariant": {"equivariant_mixing": True},
        "no pair at the cutoff": {"edge_rule": "lt"},
        "directions without epsilon": {"dir_eps": 0.0},
        "a large epsilon": {"dir_eps": 1e-2},
        "mean in kcal/mol": {"energy_offset": "-78.5", **_unit("kcal/mol")},
        "atom references": {"atom_refs": _references(20)},
        "F = 33": {"n_features": 33},
        "F = 64": {"n_features": 64},
        "L = 1": {"n_layers": 1},
        "L = 4": {"n_layers": 4},
        "R = 3": {"n_rbf": 3},
        "R = 20": {"n_rbf": 20},
        "readout (1,)": {"readout_widths": (1,)},
        "readout (40, 7, 9, 1)": {"readout_widths": (40, 7, 9, 1)},
        "cutoff 3.5 Å": {"cutoff": 3.5},
    }.items()
}


def at_random(random: np.random.Generator) -> Variation:
    """All of them together."""
    student = bool(random.random() < 0.25)
    bessel = not student and bool(random.random() < 0.3)
    widths = tuple(int(w) for w in random.integers(1, 40, size=random.integers(0, 3)))
    max_z = int(random.integers(8, 30))
    fields: Variation = {
        "arch": "painn-distiller" if student else "painn-schnetpack",
        "n_features": int(random.integers(6, 80)),
        "n_layers": int(random.integers(1, 5)),
        "n_rbf": int(random.integers(3, 30)),
        "max_z": max_z,
        "cutoff": float(random.uniform(3, 7)),
        "readout_widths": (*widths, 1),
        "energy_offset": repr(float(random.normal(scale=1000))),
        "energy_offset_per_atom": bool(random.random() < 0.5),
        "atom_refs": _references(max_z) if random.random() < 0.5 else None,
        "weight_dtype": "float64" if random.random() < 0.3 else "float32",
        "basis": "trained" if random.random() < 0.5 else "initial",
        **_unit(str(random.choice(list(energy_units_in_ev)))),
    }
    if student:
        return fields | {"edge_rule": str(random.choice(["lt", "le"])), "equivariant_mixing": bool(random.random() < 0.5)}
    shared = {"shared_layers": bool(random.random() < 0.3), "shared_filters": bool(random.random() < 0.3)}
    return fields | shared | {"rbf": "bessel" if bessel else "gaussian", "norm_eps": float(random.choice([1e-8, 1e-8, 1e-2, 1e-6, 0.0]))}


def variations(random_ones: int) -> dict[str, Variation]:
    """By name, in a fixed order."""
    return PAINN | STUDENT | {f"at random {k}": at_random(np.random.default_rng(k)) for k in range(random_ones)}


def with_basis(model: Model, basis: str, random: np.random.Generator) -> dict[str, np.ndarray]:
    """The weights with what training does to radial functions ("trained"), or with GaussianRBFCentered in place of GaussianRBF
    ("centred"), which the file shows as numbers only."""
    changed: dict[str, np.ndarray] = {}
    for name, tensor in sorted(model.tensors.items()):
        if basis == "trained" and name.endswith(("offsets", "centers", "widths", "freqs")):
            changed[name] = tensor * (1 + 0.1 * random.normal(size=tensor.shape))
        if basis == "centred" and name.endswith("offsets"):
            changed[name] = np.zeros(tensor.shape)
        if basis == "centred" and name.endswith("widths"):
            changed[name] = np.linspace(0.5, model.config.cutoff, len(tensor))
    return model.tensors | {name: tensor.astype(model.tensors[name].dtype) for name, tensor in changed.items()}
