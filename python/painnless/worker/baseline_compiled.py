"""How many graphs torch.compile has made: Dynamo's own statistics, asked only where something was compiled, as the import takes seconds."""

from typing import Any

import torch

from painnless.worker.baseline_model import Baseline

__all__ = ["count_graphs", "forget_graphs"]


def count_graphs(*baselines: Baseline) -> int:
    """Since they were forgotten; 0 where none of the baselines has compiled."""
    if not any(baseline.has_compiled for baseline in baselines):
        return 0
    return int(_counters()["stats"]["unique_graphs"])


def forget_graphs(*baselines: Baseline) -> None:
    if any(baseline.has_compiled for baseline in baselines):
        torch._dynamo.reset()
        _counters().clear()
    for baseline in baselines:
        baseline.forget_compiled()


def _counters() -> Any:
    from torch._dynamo.utils import counters  # noqa: PLC0415

    return counters
