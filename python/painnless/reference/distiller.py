"""The MLFF-Distiller student in plain PyTorch: read beside docs/theory.md. Submodules carry the names of the model file's tensors.

Not rotation equivariant (its mixing matrix acts on x, y, z) and not continuous at the cutoff (the bias of the filter is not cut off):
both belong to the published model and are kept.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from painnless.model_file import ModelConfig
from painnless.reference.graph import Graph
from painnless.reference.painn import CosineCutoff, length


class RadialBasis(nn.Module):
    """f(d) exp(-(d - c_k)^2 / w_k^2), f the cosine cutoff: applied to the basis, not to the filter (T5, T6, T10)."""

    centers: Tensor
    widths: Tensor

    def __init__(self, n_rbf: int, cutoff: float) -> None:
        super().__init__()
        self.register_buffer("centers", torch.empty(n_rbf))
        self.register_buffer("widths", torch.empty(n_rbf))
        self.cutoff_fn = CosineCutoff(cutoff)

    def forward(self, d: Tensor) -> Tensor:
        return self.cutoff_fn(d)[:, None] * torch.exp(-((d[:, None] - self.centers) ** 2) / self.widths**2)


class Message(nn.Module):
    """Filters of the edge alone (T10), without a net on the sender; T37, T38."""

    def __init__(self, features: int, n_rbf: int) -> None:
        super().__init__()
        self.rbf_to_scalar = nn.Sequential(nn.Linear(n_rbf, features), nn.SiLU(), nn.Linear(features, 3 * features))

    def forward(self, s: Tensor, v: Tensor, basis: Tensor, directions: Tensor, graph: Graph) -> tuple[Tensor, Tensor]:
        w_s, w_v, w_direction = torch.chunk(self.rbf_to_scalar(basis), 3, dim=-1)
        ds = w_s * s.index_select(0, graph.senders)
        dv = w_v[:, None, :] * v.index_select(0, graph.senders) + directions[:, :, None] * w_direction[:, None, :]
        return s.index_add(0, graph.receivers, ds), v.index_add(0, graph.receivers, dv)


class Update(nn.Module):
    """Scalars see the lengths of the vectors (T43); vectors are replaced, not added to (T44). The last layer needs no new vectors."""

    def __init__(self, features: int, last: bool) -> None:
        super().__init__()
        self.update_mlp = nn.Sequential(nn.Linear(2 * features, features), nn.SiLU(), nn.Linear(features, 3 * features))
        if not last:
            self.mixing_matrix = nn.Parameter(torch.empty(3, 3))
        self.last = last

    def forward(self, s: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        y_s, g_own, g_mixed = torch.chunk(self.update_mlp(torch.cat([s, length(v)], dim=-1)), 3, dim=-1)
        if self.last:
            return s + y_s, v
        mixed = torch.einsum("kl,nlf->nkf", self.mixing_matrix, v)
        return s + y_s, g_own[:, None, :] * v + g_mixed[:, None, :] * mixed


class Interaction(nn.Module):
    """One layer: message, then update."""

    def __init__(self, features: int, n_rbf: int, last: bool) -> None:
        super().__init__()
        self.message = Message(features, n_rbf)
        self.update = Update(features, last)

    def forward(self, s: Tensor, v: Tensor, basis: Tensor, directions: Tensor, graph: Graph) -> tuple[Tensor, Tensor]:
        return self.update(*self.message(s, v, basis, directions, graph))


class Distiller(nn.Module):
    """Energy per atom (N), in the unit of the weights."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        features, layers = config.n_features, config.n_layers
        self.embedding = nn.Embedding(config.max_z + 1, features)
        self.rbf = RadialBasis(config.n_rbf, config.cutoff)
        self.interactions = nn.ModuleList(Interaction(features, config.n_rbf, t == layers - 1) for t in range(layers))
        head: list[nn.Module] = []
        for a, b in pairwise((features, *config.readout_widths)):
            head += [nn.Linear(a, b), nn.SiLU()]
        self.energy_head = nn.Sequential(*head[:-1])
        self.dir_eps = config.dir_eps

    def forward(self, graph: Graph) -> Tensor:
        d = torch.linalg.vector_norm(graph.vectors, dim=1)
        directions = graph.vectors / (d + self.dir_eps)[:, None]
        basis = self.rbf(d)
        s = self.embedding(graph.numbers)
        v = s.new_zeros(len(s), 3, s.shape[1])
        for interaction in self.interactions:
            s, v = interaction(s, v, basis, directions, graph)
        return self.energy_head(s)[:, 0]
