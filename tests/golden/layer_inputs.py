"""What the rows of make_layers.py are made from: small models, structures, distances. All numbers are multiples of 1/128."""

import math
from dataclasses import replace

import numpy as np

from painnless.model_file import ModelConfig, expected_tensors

PAINN = ModelConfig(
    arch="painn-schnetpack",
    n_features=36,  # more than a granule of 32, and no multiple of it
    n_layers=2,
    n_rbf=7,
    max_z=8,
    elements=None,
    cutoff=5.0,
    cutoff_applies_to="filter",
    rbf="gaussian",
    rbf_gamma_convention="half_inv_w2",
    norm_eps=1e-8,
    dir_eps=0.0,
    edge_rule="lt",
    shared_layers=False,
    shared_filters=False,
    readout_widths=(10, 1),
    energy_unit="eV",
    energy_unit_in_ev=1.0,
    energy_offset="0",
    energy_offset_per_atom=True,
    atom_refs=None,
    pbc_supported=True,
    equivariant=True,
    continuous_at_cutoff=True,
    weight_dtype="float32",
    source_format="golden",
    source_sha256="",
    source_version=None,
    units_origin="file",
)
BESSEL = replace(PAINN, rbf="bessel", rbf_gamma_convention=None, n_layers=1, n_features=4, readout_widths=(1,))
DISTILLER = replace(
    PAINN,
    arch="painn-distiller",
    n_features=36,
    cutoff_applies_to="rbf_input",
    rbf_gamma_convention="inv_w2",
    norm_eps=0.0,
    dir_eps=1e-8,
    edge_rule="le",
    readout_widths=(8, 4, 1),
    pbc_supported=False,
    equivariant=False,
    continuous_at_cutoff=False,
)

# name: positions Å, cell (rows; None without), all multiples of 1/128
SELF_IMAGES = "images of the atoms themselves"  # of PaiNN alone: the student knows no cells
CASES: dict[str, tuple[list[list[float]], list[list[float]] | None]] = {
    "one atom": ([[0.5, -0.25, 1.0]], None),
    "no pairs": ([[0.0, 0.0, 0.0], [6.5, 1.0, -2.0]], None),
    "an atom at the cutoff": ([[0.0, 0.0, 0.0], [1.125, 0.5, -0.25], [3.0, 4.0, 0.0]], None),
    "two images of one neighbour": (
        [[0.25, 0.5, 0.125], [2.0, 1.0, 1.5]],
        [[6.0, 0.0, 0.0], [0.5, 6.5, 0.0], [0.25, -0.5, 7.0]],
    ),
    SELF_IMAGES: (
        [[0.25, 0.5, 0.125], [2.0, 1.0, 1.5]],
        [[4.5, 0.0, 0.0], [0.5, 6.5, 0.0], [0.25, -0.5, 7.0]],
    ),
}


def draw(rng: np.random.Generator, shape: tuple[int, ...], scale: float = 1.0) -> np.ndarray:
    return np.round(rng.normal(size=shape) * scale * 128) / 128


def weights(config: ModelConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    shapes, _ = expected_tensors(config)
    tensors = {}
    for name, shape in shapes.items():
        tensors[name] = draw(rng, shape, 1 / math.sqrt(shape[-1]) if name.endswith("weight") and "embedding" not in name else 0.5)
    spread = np.round(np.linspace(0, config.cutoff, config.n_rbf) * 128) / 128
    for name in ("representation.radial_basis.offsets", "rbf.centers"):
        if name in tensors:
            tensors[name] = spread
    for name in ("representation.radial_basis.widths", "rbf.widths"):
        if name in tensors:
            tensors[name] = 0.75 + np.arange(config.n_rbf) / 128
    if "representation.radial_basis.freqs" in tensors:
        tensors["representation.radial_basis.freqs"] = np.round(np.arange(1, config.n_rbf + 1) * math.pi / config.cutoff * 128) / 128
    return tensors


def edges(config: ModelConfig, case: str) -> dict[str, np.ndarray]:
    """The full directed list by definition, sorted by receiver, sender, shift."""
    positions, cell = np.array(CASES[case][0]), np.array(CASES[case][1] or np.zeros((3, 3)))
    images = range(-2, 3) if CASES[case][1] else range(1)
    found = []
    for i in range(len(positions)):
        for j in range(len(positions)):
            for shift in ((a, b, c) for a in images for b in images for c in images):
                r = positions[j] - positions[i] + np.array(shift) @ cell
                d = math.sqrt(r @ r)
                if 0 < d < config.cutoff or (d == config.cutoff and config.edge_rule == "le"):
                    found.append((i, j, shift, r))
    at = {e[:3]: k for k, e in enumerate(found)}
    return {
        "receivers": np.array([e[0] for e in found], int),
        "senders": np.array([e[1] for e in found], int),
        "shifts": np.array([e[2] for e in found], int).reshape(-1, 3),
        "vectors": np.array([e[3] for e in found]).reshape(-1, 3),
        "reverse": np.array([at[j, i, (-a, -b, -c)] for i, j, (a, b, c), _ in found], int),
    }


def distances(config: ModelConfig) -> np.ndarray:
    """Å; close, usual, just inside, at and outside the cutoff."""
    return np.array([0.25, 0.9765625, 1.5078125, 2.75, 4.25, config.cutoff - 1 / 128, config.cutoff, config.cutoff + 0.5])
