"""Frames in one .npz file, so that labelling is done once."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from painnless.errors import PainnlessError
from painnless.training.dataset import Frame, Recipe


def save_frames(path: Path, frames: list[Frame], recipe: Recipe) -> None:
    """Writes the file whole or not at all."""
    temporary = path.with_suffix(".partial.npz")
    np.savez(
        temporary,
        recipe=np.array(str(recipe)),
        sizes=np.array([len(f.numbers) for f in frames]),
        labels=np.array([[f.molecule, f.source, f.split] for f in frames]),
        numbers=np.concatenate([f.numbers for f in frames]),
        positions=np.concatenate([f.positions for f in frames]),
        energies=np.array([f.energy for f in frames]),
        forces=np.concatenate([f.forces for f in frames]),
    )
    os.replace(temporary, path)


def load_frames(path: Path, recipe: Recipe) -> list[Frame]:
    """The frames in the file. Raises USAGE where it was made from another recipe."""
    with np.load(path) as file:
        data = {name: file[name] for name in file.files}
    if str(data["recipe"]) != str(recipe):
        raise PainnlessError("USAGE", f"{path} was made with {data['recipe']}, expected {recipe}; remove it or use another --work folder")
    ends = np.cumsum(data["sizes"])
    frames = []
    for (name, source, split), energy, first, end in zip(
        data["labels"].tolist(), data["energies"], ends - data["sizes"], ends, strict=True
    ):
        atoms = slice(first, end)
        frames.append(Frame(name, source, split, data["numbers"][atoms], data["positions"][atoms], float(energy), data["forces"][atoms]))
    return frames
