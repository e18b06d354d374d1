"""The model card: what the model was made from, how wrong it is on what it has not seen, and what it is not for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from painnless.model_file import ModelConfig
from painnless.reference import Reference
from painnless.training.dataset import LARGEST_FORCE, RATTLES, STRIDE, TEMPERATURES, TIME_STEP, Frame, Recipe
from painnless.training.stability import Stability
from painnless.training.teacher import METHOD
from painnless.training.train import Schedule


@dataclass(frozen=True)
class Errors:
    """Of some frames: mean absolute error of the energy, meV/atom, and of force components, meV/Å; root mean square of the latter."""

    frames: int
    energy: float
    force: float
    force_rms: float
    force_size: float  # root mean square of the teacher's force components, meV/Å


def measure(reference: Reference, frames: Sequence[Frame]) -> Errors:
    """Errors of the model against the labels of the frames, at least one."""
    energy_errors, force_errors = [], []
    for first in range(0, len(frames), 64):
        some = frames[first : first + 64]
        results = reference.evaluate([(f.numbers, f.positions, None, (False, False, False)) for f in some])
        for frame, result in zip(some, results, strict=True):
            assert result["forces"] is not None
            energy_errors.append(abs(result["energy"] - frame.energy) / len(frame.numbers))
            force_errors.append((result["forces"] - frame.forces).ravel())
    errors = np.concatenate(force_errors)
    return Errors(
        frames=len(frames),
        energy=1e3 * float(np.mean(energy_errors)),
        force=1e3 * float(np.mean(np.abs(errors))),
        force_rms=1e3 * float(np.sqrt(np.mean(errors**2))),
        force_size=1e3 * float(np.sqrt(np.mean(np.concatenate([f.forces.ravel() for f in frames]) ** 2))),
    )


def write_card(
    *,
    config: ModelConfig,
    sha256: str,
    recipe: Recipe,
    schedule: Schedule,
    frames: Sequence[Frame],
    reference: Reference,
    stability: Stability,
    seconds: float,
    machine: str,
    command: str,
) -> str:
    """The card as Markdown."""
    test = [f for f in frames if f.split == "test"]
    sources = {
        "dynamics": "Langevin dynamics",
        "modes": "thermal normal modes",
        "rattle": "Gaussian rattling",
    }
    by_molecule = _table(reference, test, [(name, lambda f, name=name: f.molecule == name) for name in recipe.molecules])
    by_source = _table(reference, test, [(title, lambda f, key=key: f.source == key) for key, title in sources.items()])
    counts = {split: sum(f.split == split for f in frames) for split in ("train", "validation", "test")}
    kelvin = ", ".join(f"{t:.0f}" for t in TEMPERATURES)
    angstrom = ", ".join(f"{s:g}" for s in RATTLES)
    first = recipe.molecules[0]
    return f"""# {first.capitalize()} and relatives

A PaiNN force field for small molecules of C, H and O, made to show and to test painnless. It imitates {METHOD} (tblite), not
experiment and not density functional theory.

| | |
|---|---|
| architecture | PaiNN as SchNetPack has it |
| norms | of vectors, with an epsilon of {config.norm_eps:g} ([why](../docs/accuracy.md#where-the-drift-comes-from)) |
| sizes | {config.n_features} features, {config.n_layers} layers, {config.n_rbf} Gaussians, cutoff {config.cutoff:g} Å |
| units | eV, Å |
| elements | {", ".join(str(z) for z in config.elements or ())} (atomic numbers) |
| SHA-256 | `{sha256}` |
| trained | {schedule.steps} steps of {schedule.batch} molecules in float32, {seconds / 60:.0f} minutes of processor time |
| on | {machine} |
| by | `{command}` |

## Data

Neutral, closed-shell molecules in vacuum: {", ".join(recipe.molecules)}.
Labels: energy and forces of {METHOD}. Seed {recipe.seed}. Geometries come in blocks of {recipe.frames}:

- Langevin dynamics at {kelvin} K, each block a trajectory of its own, a frame every {STRIDE * TIME_STEP:g} fs;
- normal modes displaced with classical thermal amplitudes at the same temperatures;
- the minimum with Gaussian noise of {angstrom} Å on each coordinate.

{first.capitalize()} has {recipe.emphasis} times as many blocks as each of the others. Geometries with a force beyond
{LARGEST_FORCE:g} eV/Å are dropped. Split by whole blocks: {counts["train"]} training, {counts["validation"]} validation
and {counts["test"]} test geometries. The command makes the data again; they are not shipped. Dynamics amplifies rounding,
so another machine gets other trajectories of the same distribution.

Atom references are a least-squares fit to the training energies in float64. Loss: mean length of the force error plus
{schedule.energy_weight:g} × mean energy error per atom. AdamW, learning rate {schedule.learning_rate:g}, cosine to zero;
the weights are an exponential moving average. Rate, batch and weight of the loss were chosen on validation blocks.

## Errors on the test blocks

Mean absolute error of the energy; mean absolute and root mean square error of force components; the last column is the root
mean square of the teacher's own force components, for scale. Evaluated by the reference in float64 from the shipped file.

{by_molecule}

{by_source}

## Stability

NVE of {first}, velocity Verlet, {stability.time_step:g} fs, {stability.picoseconds:g} ps at
{stability.mean_temperature:.0f} K, reference in float64: the total energy fluctuates by {stability.rms:.3f} meV/atom (rms)
about a line that drifts by {stability.drift_per_picosecond:+.4f} meV/atom/ps; no bond stretched by more than
{stability.largest_stretch:.2f} Å.

## Limits

- Not for production work: the teacher is semi-empirical, and the errors above come on top of its own.
- Only the molecules above, near their minima and up to about {max(TEMPERATURES):.0f} K. Reactions, radicals, ions,
  dissociation, dimers and condensed phases were not in the data: energies there are smooth and mean nothing.
- Periodic cells are computed correctly, as a test of the engine, and mean nothing physically.
- Larger molecules of the same groups (propanol, diethyl ether) are extrapolation; nothing was measured.
"""


def _table(reference: Reference, frames: Sequence[Frame], rows: Sequence[tuple[str, Callable[[Frame], bool]]]) -> str:
    lines = ["| | frames | energy, meV/atom | force, meV/Å | force rms, meV/Å | size of forces, meV/Å |", "|---|---|---|---|---|---|"]
    for title, belongs in [*rows, ("all", lambda _: True)]:
        chosen = [f for f in frames if belongs(f)]
        if chosen:
            e = measure(reference, chosen)
            lines.append(f"| {title} | {e.frames} | {e.energy:.2f} | {e.force:.1f} | {e.force_rms:.1f} | {e.force_size:.0f} |")
    return "\n".join(lines)
