"""The script that `painnless bench ase` times evaluates what it is given, moves it, and says what it could not do."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from painnless.reference import load
from painnless.reference.random_model import write_random_model
from painnless.worker.ase_script import Script, reference_calculator

water = [0.0, 0.0, 0.0, 0.96, 0.0, 0.0, -0.24, 0.93, 0.0]


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "random.safetensors"
    write_random_model(path, seed=1, n_features=16, n_layers=2, n_rbf=6, cutoff=4.0)
    return str(path)


def test_the_script_evaluates_each_set_and_makes_steps(model: str) -> None:
    script = Script(reference_calculator(model, "cpu", "f64"))
    moved = [x + 0.01 * k for k, x in enumerate(water)]
    script.load([8, 1, 1], [water, moved])
    reference = load(model)
    for index, positions in enumerate([water, moved]):
        answer = script.evaluate(index)
        (right,) = reference.evaluate([(np.array([8, 1, 1]), np.reshape(positions, (3, 3)), None, (False, False, False))])
        assert answer["energy"] == right["energy"]
        assert right["forces"] is not None
        assert np.array_equal(answer["forces"], np.ravel(right["forces"]))
    assert script.time("ase", 1, 3)["seconds"] > 0
    assert script.evaluate(0)["energy"] != script.evaluate(1)["energy"]  # where steps began does not stay


def ask(model: str, calculator: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "painnless.worker.ase_script", calculator, model, "--device", "cpu", "--precision", "f32"]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([*command, "--parent", str(os.getpid())], input=text, capture_output=True, text=True, check=False, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_says_what_it_is_and_what_fails(model: str) -> None:
    load_two = {"kind": "load", "numbers": [8, 1, 1], "positions": [water]}
    steps = [{"kind": "time", "how": how, "set": 0, "steps": 2} for how in ("ase", "run_nve")]
    ready, loaded, timed, failed = ask(model, "reference", [load_two, *steps])
    assert ready["kind"] == "ready" and ready["versions"].keys() == {"ase", "torch"}
    assert loaded == {"kind": "loaded"} and timed["seconds"] > 0
    assert failed["kind"] == "error" and "run_nve" in failed["message"]


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    (error,) = ask(str(tmp_path / "none"), "reference", [])
    assert error["kind"] == "error" and "none" in error["message"]
