"""What a model sees: atoms and the edges between them, as tensors. Several structures lie in one graph without touching."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Graph:
    """N atoms and E directed edges; edge e points from atom receivers[e] to atom senders[e]."""

    numbers: Tensor  # (N) int64, atomic numbers
    receivers: Tensor  # (E) int64, i
    senders: Tensor  # (E) int64, j
    vectors: Tensor  # (E, 3) Å, r = R_j - R_i + S·cell
