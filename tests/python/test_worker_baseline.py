"""The PyTorch that benchmarks are measured against computes the model, and says what it compiled."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference_cases import opponent_variations

from painnless.errors import PainnlessError
from painnless.model_file import read_model
from painnless.reference.random_model import write_random_model
from painnless.reference.reference import Reference
from painnless.worker.baseline import Session
from painnless.worker.baseline_model import Baseline

ethanol = np.array(
    [
        [1.17, -0.4, 0],
        [0, 0.56, 0],
        [-1.19, -0.23, 0],
        [-1.95, 0.38, 0],
        [0.04, 1.21, 0.89],
        [0.04, 1.21, -0.89],
        [2.12, 0.14, 0],
        [1.13, -1.04, 0.89],
    ]
)
numbers = np.array([6, 6, 8, 1, 1, 1, 1, 1])


def molecules_and_sets() -> tuple[list[int], list[int], list[np.ndarray]]:
    """Two molecules far from each other by their index, not by distance: pairs between them must not count."""
    random = np.random.default_rng(3)
    sets = [np.concatenate([2 * ethanol, ethanol + 0.3]) + 0.05 * random.normal(size=(16, 3)) for _ in range(3)]
    return [*numbers, *numbers], [0] * 8 + [1] * 8, sets


@opponent_variations
def test_baseline_is_the_reference(tmp_path: Path, variation: dict[str, Any]) -> None:
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5, n_layers=3, **variation)
    z, molecules, sets = molecules_and_sets()
    session = Session(str(path))
    session.load([int(x) for x in z], molecules, [x.ravel().tolist() for x in sets])
    reference = Reference(read_model(path), torch.float64, "cpu")
    for k, positions in enumerate(sets):
        found = session.evaluate("eager", "f64", k)
        expected = reference.evaluate([(numbers, half, None, (False, False, False)) for half in np.split(positions, 2)])
        forces = np.concatenate([np.asarray(e["forces"]) for e in expected])
        assert np.abs(np.reshape(found["forces"], (-1, 3)) - forces).max() <= 1e-12
        assert abs(sum(found["energies"]) - sum(e["net_energy"] for e in expected)) <= 1e-12


def test_sets_of_different_edge_counts_share_one_shape(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5)
    z, molecules, sets = molecules_and_sets()
    session = Session(str(path))
    loaded = session.load([int(x) for x in z], molecules, [(x * (1 + 0.2 * k)).ravel().tolist() for k, x in enumerate(sets)])
    assert len(set(loaded["edges"])) > 1
    assert {len(inputs.senders) for inputs in session._inputs} == {max(loaded["edges"])}


def test_one_graph_serves_every_set(tmp_path: Path) -> None:
    """Traced and handed to the compiler as one graph; the compiler itself is left out, as it takes a minute."""
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5)
    z, molecules, sets = molecules_and_sets()
    session = Session(str(path))
    session.load([int(x) for x in z], molecules, [(x * (1 + 0.2 * k)).ravel().tolist() for k, x in enumerate(sets)])
    session._baselines["f32"].backend = "eager"
    for k in range(3):
        compiled, eager = session.evaluate("compiled", "f32", k), session.evaluate("eager", "f32", k)
        assert np.abs(np.subtract(compiled["forces"], eager["forces"])).max() <= 1e-5
    assert session.time("compiled", "f32", 1, 1)["graphs"] == 1
    session.load([int(x) for x in z], molecules, [sets[0].ravel().tolist()])
    assert session.time("eager", "f32", 0, 1)["graphs"] == 0


def test_other_architectures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5, arch="painn-distiller")
    with pytest.raises(PainnlessError, match="painn-distiller"):
        Baseline(read_model(path), torch.float32)


def test_process_answers_and_ends_with_its_input(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_random_model(path, 5)
    z, molecules, sets = molecules_and_sets()
    requests: list[dict[str, Any]] = [
        {"kind": "load", "numbers": [int(x) for x in z], "molecules": molecules, "positions": [x.ravel().tolist() for x in sets]},
        {"kind": "time", "how": "eager", "precision": "f32", "set": 1, "count": 3},
        {"kind": "time", "how": "eager", "precision": "f32", "set": 9, "count": 3},
        {"kind": "evaluate", "how": "eager", "precision": "f32", "set": 0},
    ]
    command = [sys.executable, "-m", "painnless.worker.baseline", str(path), "--threads", "1", "--parent", str(os.getpid())]
    done = subprocess.run(
        command, input="".join(json.dumps(r) + "\n" for r in requests), capture_output=True, text=True, timeout=60, check=True
    )
    ready, loaded, timed, error, evaluated = (json.loads(line) for line in done.stdout.splitlines())
    assert ready["kind"] == "ready" and ready["threads"] == 1
    assert loaded["kind"] == "loaded"
    assert len(timed["seconds"]) == 3 and min(timed["seconds"]) > 0 and timed["graphs"] == 0
    assert error["kind"] == "error" and "IndexError" in error["message"]
    assert len(evaluated["forces"]) == 48
