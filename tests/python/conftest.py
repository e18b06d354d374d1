"""One thread for every numerical library: sums of several threads come in any order, and the last bit of the teacher's Hessian turns
degenerate normal modes around, so that a seed would no longer give the same frames."""

import os
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random model of each variant of reference_cases.py."""
    # Here, because they import torch, which must see the line above first.
    from reference_cases import VARIANTS  # noqa: PLC0415

    from painnless.reference.random_model import write_random_model  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("models")
    paths = {name: folder / f"{k}.safetensors" for k, name in enumerate(VARIANTS)}
    for seed, (name, path) in enumerate(paths.items()):
        write_random_model(path, seed, **VARIANTS[name])
    return paths
