"""Models of every kind, and what PyTorch says of them: writes N.safetensors into FOLDER and answers.json beside them.

python tests/sweep/answer.py FOLDER < structures.json

Random models of every variation, the golden files of foreign packages, the shipped model, and the shared checkpoints where they are.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from variations import variations, with_basis

from painnless.importers import convert
from painnless.model_file import read_model, write_model
from painnless.reference import Structure, load
from painnless.reference.random_model import write_random_model

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SHARED = ROOT.parent / "shared" / "data"
RANDOM_ONES = 24


def models(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and model file of each, made in `folder`."""
    for seed, (name, variation) in enumerate(variations(RANDOM_ONES).items()):
        path = folder / f"random-{seed}.safetensors"
        config = write_random_model(path, seed, **{key: value for key, value in variation.items() if key != "basis"})
        if "basis" in variation:
            write_model(path, config, with_basis(read_model(path), variation["basis"], np.random.default_rng(seed)))
        yield f"random: {name}", path
    foreign = [*sorted((GOLDEN / "schnetpack").glob("*.model")), *sorted((GOLDEN / "distiller").glob("*.pt"))]
    shared = [SHARED / "schnetpack_painn_rmd17_ethanol.model", SHARED / "distiller_student_tiny_77k.onnx"]
    for kind, files in {"golden": foreign, "shared": [file for file in shared if file.exists()]}.items():
        for file in files:
            path = folder / f"{kind}-{file.stem}.safetensors"
            convert(file, path, "kcal/mol" if file.suffix == ".model" else "eV")
            yield f"{kind}: {file.stem}", path
    yield "shipped: ethanol", ROOT / "models" / "ethanol.safetensors"


def structure_of(given: dict[str, Any]) -> Structure:
    cell = None if given["cell"] is None else np.reshape(given["cell"], (3, 3)).astype(float)
    x, y, z = given["pbc"]
    return np.array(given["numbers"]), np.reshape(given["positions"], (-1, 3)).astype(float), cell, (bool(x), bool(y), bool(z))


def as_lists(result: Any) -> dict[str, Any]:
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in result.items()}


def answer(name: str, path: Path, structures: list[Structure]) -> dict[str, Any]:
    # The shipped model has seen molecules alone: what it says of crystals is far from any training.
    molecules_only = name.startswith("shipped") or not read_model(path).config.pbc_supported
    given = [s for s in structures if not any(s[3])] if molecules_only else structures
    row: dict[str, Any] = {"name": name, "file": str(path)}
    for dtype in ("float64", "float32"):
        row[dtype] = [as_lists(r) for r in load(path, dtype).evaluate(given, ("energy", "forces", "stress", "energies"))]
    return row


folder, structures = Path(sys.argv[1]), [structure_of(s) for s in json.load(sys.stdin)]
answers = [answer(name, path, structures) for name, path in models(folder)]
(folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
