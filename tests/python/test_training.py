"""The making of the shipped model in miniature, and the shipped model itself."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import ROOT

pytest.importorskip("tblite", reason="skipped: no tblite")

from ase.build import molecule

from painnless.errors import PainnlessError
from painnless.model_file import Model, read_model
from painnless.reference import Reference, load
from painnless.training.batches import Frames, fit_atom_refs
from painnless.training.dataset import LARGEST_FORCE, Frame, Recipe, make_frames
from painnless.training.frames_file import load_frames, save_frames
from painnless.training.model import ethanol_config, first_weights
from painnless.training.pipeline import make_model
from painnless.training.stability import run_nve
from painnless.training.teacher import Teacher
from painnless.training.train import Schedule, errors, train

SHIPPED = ROOT / "models" / "ethanol.safetensors"
MOLECULE = (False, False, False)
RECIPE = Recipe(seed=3, molecules=("water", "methane"), emphasis=2, dynamics=0, modes=4, rattle=4, frames=4)
SCHEDULE = Schedule(seed=3, steps=30, batch=8, warm_up=5, checkpoint_every=10)


def silent(_: str) -> None: ...


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return make_frames(RECIPE, silent)


# Teacher and data


def test_teacher_forces_are_slopes_of_its_energy() -> None:
    water = molecule("H2O")
    teacher = Teacher(water.numbers, water.positions)
    positions = water.positions + np.random.default_rng(0).normal(scale=0.1, size=(3, 3))
    forces = teacher.evaluate(positions)[1]
    shift = np.zeros((3, 3))
    shift[1, 2] = 1e-3
    slope = (teacher.evaluate(positions + shift)[0] - teacher.evaluate(positions - shift)[0]) / 2e-3
    assert abs(forces[1, 2] + slope) <= 1e-4


def test_frames_come_from_the_seed(frames: list[Frame]) -> None:
    again = make_frames(RECIPE, silent)
    other = make_frames(replace(RECIPE, seed=4), silent)
    assert all(np.array_equal(a.positions, b.positions) for a, b in zip(frames, again, strict=True))
    assert not any(np.array_equal(a.positions, b.positions) for a, b in zip(frames, other, strict=False))
    assert {f.molecule for f in frames} == {"water", "methane"}
    assert all(np.abs(f.forces).max() <= LARGEST_FORCE for f in frames)


def test_whole_blocks_are_held_out() -> None:
    """With one frame a block, the splits follow the number of the block; a block of several never has two splits."""
    single = make_frames(Recipe(seed=1, molecules=("water",), emphasis=1, dynamics=0, modes=16, rattle=0, frames=1), silent)
    expected = ["train", "train", "train", "test", "train", "train", "validation", "train"]
    expected += ["train", "train", "train", "test", "train", "train", "train", "train"]
    assert [f.split for f in single] == expected
    several = make_frames(Recipe(seed=1, molecules=("water",), emphasis=1, dynamics=0, modes=4, rattle=0, frames=5), silent)
    assert [f.split for f in several] == ["train"] * 15 + ["test"] * 5


def test_dynamics_moves_on(frames: list[Frame]) -> None:
    run = make_frames(Recipe(seed=1, molecules=("water",), emphasis=1, dynamics=1, modes=0, rattle=0, frames=3), silent)
    assert len(run) == 3
    bonds = [np.linalg.norm(f.positions[0] - f.positions[1]) for f in run]
    assert len(set(bonds)) == 3
    assert all(0.8 < b < 1.2 for b in bonds)


def test_frames_survive_the_file(frames: list[Frame], tmp_path: Path) -> None:
    save_frames(tmp_path / "frames.npz", frames, RECIPE)
    read = load_frames(tmp_path / "frames.npz", RECIPE)
    for a, b in zip(frames, read, strict=True):
        assert (a.molecule, a.source, a.split, a.energy) == (b.molecule, b.source, b.split, b.energy)
        assert all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("numbers", "positions", "forces"))
    with pytest.raises(PainnlessError, match="made with"):
        load_frames(tmp_path / "frames.npz", replace(RECIPE, seed=9))


def test_atom_references_are_least_squares() -> None:
    def frame(numbers: list[int], energy: float) -> Frame:
        n = len(numbers)
        return Frame("x", "modes", "train", np.array(numbers), np.zeros((n, 3)), energy, np.zeros((n, 3)))

    refs = fit_atom_refs([frame([1, 1], -20.0), frame([1, 8], -110.0), frame([8, 8, 1], -210.0)], 8)
    assert np.abs(refs - np.array([0, -10, 0, 0, 0, 0, 0, 0, -100])).max() <= 1e-10


# Training


def test_the_batch_has_the_energies_and_forces_of_the_reference(frames: list[Frame]) -> None:
    refs = fit_atom_refs(frames, 8)
    config = ethanol_config((1, 6, 8), refs, 8)
    module = first_weights(config, 1)
    energy, force = errors(module, list(module.parameters()), Frames(frames, refs, config.cutoff))
    tensors = {name: t.detach().numpy() for name, t in module.state_dict().items()}
    reference = Reference(Model(config, tensors, ""), torch.float64, "cpu")
    results = reference.evaluate([(f.numbers, f.positions, None, MOLECULE) for f in frames])
    by_frame = [abs(r["energy"] - f.energy) / len(f.numbers) for r, f in zip(results, frames, strict=True)]
    by_component = np.concatenate([np.abs(np.asarray(r["forces"]) - f.forces).ravel() for r, f in zip(results, frames, strict=True)])
    assert abs(energy - np.mean(by_frame)) <= 1e-5 * np.mean(by_frame)
    assert abs(force - np.mean(by_component)) <= 1e-5 * np.mean(by_component)


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(frames: list[Frame], tmp_path: Path) -> None:
    refs = fit_atom_refs(frames, 8)
    config = ethanol_config((1, 6, 8), refs, 8)
    data = Frames(frames, refs, config.cutoff)
    whole = train(first_weights(config, 1), data, data, SCHEDULE, tmp_path / "whole.pt", silent).tensors

    def interrupt(line: str) -> None:
        if line.startswith("step 20"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(first_weights(config, 1), data, data, SCHEDULE, tmp_path / "parts.pt", interrupt)
    lines: list[str] = []
    parts = train(first_weights(config, 2), data, data, SCHEDULE, tmp_path / "parts.pt", lines.append).tensors
    assert lines[0] == "going on from step 10"
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    with pytest.raises(PainnlessError, match="made with"):
        train(first_weights(config, 1), data, data, replace(SCHEDULE, steps=31), tmp_path / "parts.pt", silent)


def test_the_whole_pipeline_in_miniature(tmp_path: Path) -> None:
    lines: list[str] = []
    out = tmp_path / "m.safetensors"
    make_model(
        out=out, work=tmp_path / "work", recipe=RECIPE, schedule=SCHEDULE, machine="here", report=lines.append, features=8, nve_steps=5
    )
    losses = [float(m.group(1)) for line in lines if (m := re.search(r"([0-9.]+) meV/Å", line))]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    card = out.with_suffix(".md").read_text()
    assert read_model(out).sha256 in card
    assert "| water |" in card
    assert "nan" not in card


# The shipped model


def test_shipped_model_is_small_and_its_card_is_its_own() -> None:
    assert SHIPPED.stat().st_size <= 3_000_000
    assert read_model(SHIPPED).sha256 in SHIPPED.with_suffix(".md").read_text()
    assert read_model(SHIPPED).config.elements == (1, 6, 8)


def test_shipped_model_agrees_with_the_teacher_on_new_geometries() -> None:
    """Thermal ethanol from another seed: the bound is that of the card's target, 20 meV/Å."""
    new = make_frames(Recipe(seed=77, molecules=("ethanol",), emphasis=1, dynamics=0, modes=1, rattle=0, frames=20), silent)
    results = load(SHIPPED, "float32").evaluate([(f.numbers, f.positions, None, MOLECULE) for f in new])
    difference = np.concatenate([np.asarray(r["forces"]) - f.forces for r, f in zip(results, new, strict=True)])
    assert len(new) == 20
    assert np.abs(difference).mean() <= 0.020


def test_shipped_model_conserves_energy() -> None:
    found = run_nve(load(SHIPPED), "ethanol", steps=200)
    assert found.rms <= 0.5
    assert 0 < found.largest_stretch <= 0.3
