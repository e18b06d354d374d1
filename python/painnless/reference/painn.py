"""PaiNN as SchNetPack writes it, in plain PyTorch: read beside docs/theory.md. Submodules carry the names of the model file's tensors.

Shapes: N atoms, E edges, F features, L layers, R radial functions; scalar features q (N, F), vector features mu (N, 3, F).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from painnless.model_file import ModelConfig
from painnless.reference.graph import Graph


class GaussianBasis(nn.Module):
    """phi_k(d) = exp(-(d - o_k)^2 / (2 w_k^2)), T6."""

    offsets: Tensor
    widths: Tensor

    def __init__(self, n_rbf: int) -> None:
        super().__init__()
        self.register_buffer("offsets", torch.empty(n_rbf))
        self.register_buffer("widths", torch.empty(n_rbf))

    def forward(self, d: Tensor) -> Tensor:
        return torch.exp(-((d[:, None] - self.offsets) ** 2) / (2 * self.widths**2))


class BesselBasis(nn.Module):
    """phi_k(d) = sin(freq_k d) / d, T7."""

    freqs: Tensor

    def __init__(self, n_rbf: int) -> None:
        super().__init__()
        self.register_buffer("freqs", torch.empty(n_rbf))

    def forward(self, d: Tensor) -> Tensor:
        return torch.sin(d[:, None] * self.freqs) / d[:, None]


class CosineCutoff(nn.Module):
    """f(d) = (cos(pi d / rc) + 1) / 2 for d < rc, else 0, T5."""

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff

    def forward(self, d: Tensor) -> Tensor:
        return 0.5 * (torch.cos(d * math.pi / self.cutoff) + 1) * (d < self.cutoff)


class Mlp(nn.ModuleList):
    """Linear layers with silu between them."""

    def __init__(self, *widths: int) -> None:
        super().__init__([nn.Linear(a, b) for a, b in pairwise(widths)])

    def forward(self, x: Tensor) -> Tensor:
        *inner, last = self
        for linear in inner:
            x = silu(linear(x))
        return last(x)


def length(vectors: Tensor, eps: float = 0.0) -> Tensor:
    """sqrt(sum_k v_k^2 + eps) of vectors (N, 3, F), with gradient 0, not NaN, where it vanishes."""
    squares = (vectors**2).sum(1) + eps
    vanishes = squares == 0
    return torch.where(vanishes, 0.0, torch.sqrt(torch.where(vanishes, 1.0, squares)))


class Message(nn.Module):
    """What the neighbours tell an atom: x = W2 silu(W1 q + b1) + b2 of the sender (T14), times the filter of the edge (T16, T17)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.interatomic_context_net = Mlp(features, features, 3 * features)

    def forward(self, q: Tensor, mu: Tensor, filters: Tensor, directions: Tensor, graph: Graph) -> tuple[Tensor, Tensor]:
        x = self.interatomic_context_net(q)
        dq, d_direction, d_mu = torch.chunk(filters * x.index_select(0, graph.senders), 3, dim=-1)
        dmu = directions[:, :, None] * d_direction[:, None, :] + d_mu[:, None, :] * mu.index_select(0, graph.senders)
        return q.index_add(0, graph.receivers, dq), mu.index_add(0, graph.receivers, dmu)


class Mixing(nn.Module):
    """What an atom makes of it (T23 to T26): scalars see the lengths of the vectors, vectors are rescaled by scalars."""

    def __init__(self, features: int, norm_eps: float) -> None:
        super().__init__()
        self.mu_channel_mix = nn.Linear(features, 2 * features, bias=False)
        self.intraatomic_context_net = Mlp(2 * features, features, 3 * features)
        self.norm_eps = norm_eps

    def forward(self, q: Tensor, mu: Tensor) -> tuple[Tensor, Tensor]:
        v, y = torch.chunk(self.mu_channel_mix(mu), 2, dim=-1)
        n = length(v, self.norm_eps)
        p = (v * y).sum(1)
        y_q, y_mu, y_qmu = torch.chunk(self.intraatomic_context_net(torch.cat([q, n], dim=-1)), 3, dim=-1)
        return q + y_q + y_qmu * p, mu + y_mu[:, None, :] * y


class Representation(nn.Module):
    """Atoms and edges to scalar features q (N, F): distances and directions (T3), filters (T8), embedding (T13), then the layers."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        features, layers = config.n_features, config.n_layers
        own_layers = 1 if config.shared_layers else layers
        own_filters = 1 if config.shared_filters else layers
        self.embedding = nn.Embedding(config.max_z + 1, features)
        self.radial_basis = GaussianBasis(config.n_rbf) if config.rbf == "gaussian" else BesselBasis(config.n_rbf)
        self.cutoff_fn = CosineCutoff(config.cutoff)
        self.filter_net = nn.Linear(config.n_rbf, own_filters * 3 * features)
        self.interactions = nn.ModuleList(Message(features) for _ in range(own_layers))
        self.mixing = nn.ModuleList(Mixing(features, config.norm_eps) for _ in range(own_layers))
        self.layer_of = [t if own_layers > 1 else 0 for t in range(layers)]
        self.filter_of = [t if own_filters > 1 else 0 for t in range(layers)]
        self.n_features = features

    def forward(self, graph: Graph) -> Tensor:
        d = torch.linalg.vector_norm(graph.vectors, dim=1)
        directions = graph.vectors / d[:, None]
        filters = self.filter_net(self.radial_basis(d)) * self.cutoff_fn(d)[:, None]
        by_layer = torch.split(filters, 3 * self.n_features, dim=1)
        q = self.embedding(graph.numbers)
        mu = q.new_zeros(len(q), 3, self.n_features)
        for layer, own in zip(self.layer_of, self.filter_of, strict=True):
            q, mu = self.interactions[layer](q, mu, by_layer[own], directions, graph)
            q, mu = self.mixing[layer](q, mu)
        return q


class Atomwise(nn.Module):
    """Scalar features to an energy per atom, T31."""

    def __init__(self, features: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.outnet = Mlp(features, *widths)

    def forward(self, q: Tensor) -> Tensor:
        return self.outnet(q)[:, 0]


class Painn(nn.Module):
    """Energy per atom (N), in the unit of the weights, without offset and atom references."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.representation = Representation(config)
        self.output_modules = nn.ModuleList([Atomwise(config.n_features, config.readout_widths)])

    def forward(self, graph: Graph) -> Tensor:
        return self.output_modules[0](self.representation(graph))
