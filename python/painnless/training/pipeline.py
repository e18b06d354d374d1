"""Data, training, file and card, in that order. What an interrupted run left in the work folder is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from painnless.reference import load
from painnless.training.batches import Frames, fit_atom_refs
from painnless.training.card import write_card
from painnless.training.dataset import Frame, Recipe, make_frames
from painnless.training.frames_file import load_frames, save_frames
from painnless.training.model import MAX_Z, ethanol_config, first_weights, save
from painnless.training.stability import run_nve
from painnless.training.train import Schedule, train


def make_model(
    *,
    out: Path,
    work: Path,
    recipe: Recipe,
    schedule: Schedule,
    machine: str,
    report: Callable[[str], None],
    features: int = 64,
    nve_steps: int = 4000,
) -> None:
    """Writes `out` and, beside it, the card. machine: what it runs on, for the card."""
    work.mkdir(parents=True, exist_ok=True)
    frames = labelled(work / "frames.npz", recipe, report)
    training = [f for f in frames if f.split == "train"]
    validation = [f for f in frames if f.split == "validation"]
    atom_refs = fit_atom_refs(training, MAX_Z)
    elements = tuple(sorted({int(z) for f in frames for z in f.numbers}))
    config = ethanol_config(elements, atom_refs, features)
    report(f"{len(training)} frames to train on, {len(validation)} to validate; elements {elements}")
    trained = train(
        first_weights(config, schedule.seed),
        Frames(training, atom_refs, config.cutoff),
        Frames(validation, atom_refs, config.cutoff),
        schedule,
        work / "checkpoint.pt",
        report,
    )
    sha256 = save(out, config, trained.tensors, f"seed {schedule.seed}, {schedule.steps} steps")
    reference = load(out)
    card = write_card(
        config=config,
        sha256=sha256,
        recipe=recipe,
        schedule=schedule,
        frames=frames,
        reference=reference,
        stability=run_nve(reference, recipe.molecules[0], nve_steps),
        seconds=trained.seconds,
        machine=machine,
        command=f"python -m painnless.training --out {out}",
    )
    out.with_suffix(".md").write_text(card, encoding="utf-8")
    report(f"wrote {out} and {out.with_suffix('.md')}")


def labelled(path: Path, recipe: Recipe, report: Callable[[str], None]) -> list[Frame]:
    """The frames of the recipe, from the file where it exists."""
    if path.exists():
        return load_frames(path, recipe)
    frames = make_frames(recipe, report)
    save_frames(path, frames, recipe)
    return frames
