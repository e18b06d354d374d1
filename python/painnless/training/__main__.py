"""Makes the shipped model: data, training, file and card.

python -m painnless.training --out models/ethanol.safetensors
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

import torch

from painnless.training.dataset import Recipe
from painnless.training.pipeline import make_model
from painnless.training.train import Schedule


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m painnless.training", description="Make the shipped model and its card.")
    parser.add_argument("--out", type=Path, required=True, help="model file to write; the card goes beside it, with .md")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="folder for data and checkpoint; what is there is used")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=Schedule().steps)
    parser.add_argument("--threads", type=int, default=1, help="of torch; more than one helps little at this size")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    make_model(
        out=arguments.out,
        work=arguments.work,
        recipe=Recipe(seed=arguments.seed),
        schedule=Schedule(seed=arguments.seed, steps=arguments.steps),
        machine=f"{_processor()}, {arguments.threads} thread{'s' if arguments.threads > 1 else ''}",
        report=lambda line: print(line, flush=True),
    )


def _processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
