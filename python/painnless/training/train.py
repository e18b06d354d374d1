"""The training loop: the reference PaiNN in float32 on energies and forces. It may be interrupted at any time and goes on where it was."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from painnless.errors import PainnlessError
from painnless.training.batches import Batch, Frames


@dataclass(frozen=True)
class Schedule:
    """How long and how fast. The loss is the mean length of the force error, eV/Å, plus `energy_weight` times the mean energy error
    per atom, eV; both rounded off near zero."""

    seed: int = 1
    steps: int = 14_000
    batch: int = 32
    learning_rate: float = 3e-3
    warm_up: int = 500
    weight_decay: float = 1e-4
    energy_weight: float = 2.0
    largest_gradient: float = 5.0
    average: float = 0.999  # of the exponential moving average of the weights, which is what is kept
    checkpoint_every: int = 500


@dataclass(frozen=True)
class Trained:
    """Averaged weights by name, and the processor seconds spent in the loop over all its runs."""

    tensors: dict[str, Tensor]
    seconds: float


def train(
    module: nn.Module, training: Frames, validation: Frames, schedule: Schedule, checkpoint: Path, report: Callable[[str], None]
) -> Trained:
    """Trains the module in place; returns the averaged weights. Goes on from `checkpoint` where it exists and has the same schedule."""
    parameters = list(module.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay, foreach=True)
    average = [p.detach().clone() for p in parameters]
    step, seconds = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["schedule"] != str(schedule):
            raise PainnlessError("USAGE", f"{checkpoint} was made with {state['schedule']}, expected {schedule}; remove it")
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        average, step, seconds = state["average"], state["step"], state["seconds"]
        report(f"going on from step {step}")
    started = time.process_time() - seconds
    while step < schedule.steps:
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * _pace(step, schedule)
        loss = _loss(module, training.batch(_indices(step, len(training), schedule)), schedule.energy_weight)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, schedule.largest_gradient, error_if_nonfinite=True)
        optimizer.step()
        step += 1
        with torch.no_grad():
            for kept, new in zip(average, parameters, strict=True):
                kept.lerp_(new, 1 - min(schedule.average, step / (step + 10)))
        if step % schedule.checkpoint_every == 0 or step == schedule.steps:
            seconds = time.process_time() - started
            energy, force = errors(module, average, validation)
            report(f"step {step} of {schedule.steps}, {seconds:.0f} s: validation {1e3 * energy:.2f} meV/atom, {1e3 * force:.2f} meV/Å")
            state = {"schedule": str(schedule), "module": module.state_dict(), "optimizer": optimizer.state_dict()}
            state |= {"average": average, "step": step, "seconds": seconds}
            temporary = checkpoint.with_suffix(".partial")
            torch.save(state, temporary)
            os.replace(temporary, checkpoint)
    return Trained(_averaged(module, average), seconds)


def errors(module: nn.Module, average: Sequence[Tensor], frames: Frames) -> tuple[float, float]:
    """Mean absolute errors of the averaged weights: energy, eV/atom, and force component, eV/Å."""
    energy_errors: list[Tensor] = []
    force_errors: list[Tensor] = []
    weights = {name: p for (name, _), p in zip(module.named_parameters(), average, strict=True)}
    for first in range(0, len(frames), 64):
        batch = frames.batch(range(first, min(first + 64, len(frames))))
        per_atom = torch.func.functional_call(module, weights, (batch.graph,))
        energy, force = _energies_and_forces(per_atom, batch, differentiable=False)
        energy_errors.append(((energy.detach() - batch.energies) / batch.sizes).abs())
        force_errors.append((force - batch.forces).abs().ravel())
    return float(torch.cat(energy_errors).mean()), float(torch.cat(force_errors).mean())


def _loss(module: nn.Module, batch: Batch, energy_weight: float) -> Tensor:
    energies, forces = _energies_and_forces(module(batch.graph), batch, differentiable=True)
    force_error = torch.sqrt(((forces - batch.forces) ** 2).sum(1) + 0.01**2).mean()
    energy_error = torch.sqrt(((energies - batch.energies) / batch.sizes) ** 2 + 0.001**2).mean()
    return force_error + energy_weight * energy_error


def _energies_and_forces(per_atom: Tensor, batch: Batch, differentiable: bool) -> tuple[Tensor, Tensor]:
    """Energies (B) and forces (N, 3). An edge r = R_j - R_i pulls its receiver i along dE/dr and its sender j against it."""
    energies = torch.zeros_like(batch.energies).index_add(0, batch.structure_of_atom, per_atom)
    (pull,) = torch.autograd.grad(per_atom.sum(), batch.graph.vectors, create_graph=differentiable)
    forces = torch.zeros_like(batch.forces).index_add(0, batch.graph.receivers, pull)
    return energies, forces.index_add(0, batch.graph.senders, -pull)


def _pace(step: int, schedule: Schedule) -> float:
    """Share of the learning rate: a linear start, then half a cosine down to 0."""
    return min(1.0, (step + 1) / schedule.warm_up) * (1 + math.cos(math.pi * step / schedule.steps)) / 2


def _indices(step: int, count: int, schedule: Schedule) -> list[int]:
    """The frames of a step: each epoch is a permutation of its own seed, so that a step never depends on how it was reached."""
    per_epoch = max(count // schedule.batch, 1)
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([schedule.seed, epoch]).permutation(count)
    return order[place * schedule.batch : (place + 1) * schedule.batch].tolist()


def _averaged(module: nn.Module, average: Sequence[Tensor]) -> dict[str, Tensor]:
    buffers = dict(module.named_buffers())
    return buffers | {name: p for (name, _), p in zip(module.named_parameters(), average, strict=True)}
