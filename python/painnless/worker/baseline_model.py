"""PyTorch as fast as it honestly gets for energy and forces: the opponent of our benchmarks, and the judge of their inputs.

The same mathematics as `painnless.reference`, written for speed: neighbours given, no work for the vectors that are zero in the first
layer, index_select instead of indexing (its adjoint is the fast index_add), filters made layer by layer; eager, or energy and forces traced
into one graph and compiled by inductor.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear, silu

from painnless.errors import PainnlessError
from painnless.model_file import Model

__all__ = ["Baseline", "Inputs", "make_inputs", "nearest", "pairs_within"]


@dataclass(frozen=True)
class Inputs:
    """numbers (N) int64; positions (N, 3) Å, float64; senders, receivers (E) int64; edges: how many of them lie within the cutoff."""

    numbers: Tensor
    positions: Tensor
    senders: Tensor
    receivers: Tensor
    edges: int


def make_inputs(numbers: Tensor, molecules: Tensor, sets: list[Tensor], cutoff: float, box: Tensor | None = None) -> list[Inputs]:
    """One Inputs a set of positions, with equally many edges each, so that one compiled graph serves them all.

    A shorter list is filled with pairs that are within the cutoff in another set: the cutoff function makes them zero.
    """
    n = len(numbers)
    near = [pairs_within(x, molecules, cutoff, box) for x in sets]
    longest = max(len(own) for own in near)
    union = torch.cat(near).unique()
    inputs: list[Inputs] = []
    for positions, own in zip(sets, near, strict=True):
        rest = union[torch.isin(union, own, invert=True)][: longest - len(own)]
        filled = torch.cat([own, rest]).sort().values
        inputs.append(Inputs(numbers, positions, filled % n, filled // n, len(own)))
    return inputs


def nearest(differences: Tensor, box: Tensor | None) -> Tensor:
    """Of each difference (.., 3) that to the nearest image in a periodic box of these edges (3), which are longer than two cutoffs."""
    return differences if box is None else differences - box * (differences / box).round()


def pairs_within(positions: Tensor, molecules: Tensor, cutoff: float, box: Tensor | None = None, rows: int = 1024) -> Tensor:
    """Pairs nearer than the cutoff, both directions, as receiver * N + sender, ascending; so many receivers at a time."""
    n = len(positions)
    found: list[Tensor] = []
    for first in range(0, n, rows):
        receivers = slice(first, first + rows)
        distances = nearest(positions[receivers, None] - positions, box).norm(dim=-1)
        near = (distances < cutoff) & (molecules[receivers, None] == molecules[None])
        near.diagonal(first).fill_(False)
        found.append(near.flatten().nonzero()[:, 0] + first * n)
    return torch.cat(found)


class Baseline:
    """Energies per atom (N, eV, net of constants) and forces (N, 3, eV/Å) of a painn-schnetpack model in one dtype."""

    def __init__(self, model: Model, dtype: torch.dtype, backend: str = "inductor", device: str = "cpu") -> None:
        if model.config.arch != "painn-schnetpack":
            message = f"the PyTorch baseline is for painn-schnetpack models, this one is {model.config.arch}"
            raise PainnlessError("UNSUPPORTED", message, "arch")
        self.config = model.config
        self.dtype = dtype
        self.backend = backend
        self._tensors = {name: torch.from_numpy(array.copy()).to(device, dtype) for name, array in model.tensors.items()}
        self._compiled: Callable[..., tuple[Tensor, Tensor]] | None = None

    def eager(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        return self._energies_and_forces(*self._arguments(inputs))

    def compiled(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """The same by one graph, forward and reverse, made on the first call for these shapes; any other shape is compiled anew."""
        arguments = self._arguments(inputs)
        if self._compiled is None:
            from torch.fx.experimental.proxy_tensor import make_fx  # takes seconds to import  # noqa: PLC0415

            # A plain function, not a method: the tracer counts parameters.
            def whole(positions: Tensor, numbers: Tensor, senders: Tensor, receivers: Tensor) -> tuple[Tensor, Tensor]:
                return self._energies_and_forces(positions, numbers, senders, receivers)

            self._compiled = torch.compile(make_fx(whole)(*arguments), fullgraph=True, dynamic=False, backend=self.backend)
        with torch.no_grad():
            return self._compiled(*arguments)

    def forget_compiled(self) -> None:
        self._compiled = None

    @property
    def has_compiled(self) -> bool:
        return self._compiled is not None

    def _arguments(self, inputs: Inputs) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return inputs.positions.to(self.dtype), inputs.numbers, inputs.senders, inputs.receivers

    def _energies_and_forces(self, positions: Tensor, numbers: Tensor, senders: Tensor, receivers: Tensor) -> tuple[Tensor, Tensor]:
        positions = positions.detach().requires_grad_(True)
        energies = self._energies(positions, numbers, senders, receivers)
        (gradient,) = torch.autograd.grad(energies.sum(), positions)
        return energies.detach(), -gradient

    def _dense(self, name: str, x: Tensor) -> Tensor:
        return linear(x, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"])

    def _mlp(self, name: str, layers: int, x: Tensor) -> Tensor:
        for k in range(layers - 1):
            x = silu(self._dense(f"{name}.{k}", x))
        return self._dense(f"{name}.{layers - 1}", x)

    def _radial(self, d: Tensor) -> Tensor:
        if self.config.rbf == "bessel":
            return torch.sin(d * self._tensors["representation.radial_basis.freqs"]) / d
        offsets, widths = (self._tensors[f"representation.radial_basis.{name}"] for name in ("offsets", "widths"))
        return torch.exp(-0.5 * ((d - offsets) / widths) ** 2)

    def _energies(self, positions: Tensor, numbers: Tensor, senders: Tensor, receivers: Tensor) -> Tensor:
        config, f, n = self.config, self.config.n_features, len(numbers)
        r = positions.index_select(0, senders) - positions.index_select(0, receivers)
        d = r.norm(dim=1, keepdim=True)
        u = (r / d)[:, :, None]
        cut = 0.5 * (torch.cos(d * (math.pi / config.cutoff)) + 1) * (d < config.cutoff)
        radial = self._radial(d)
        q = self._tensors["representation.embedding.weight"].index_select(0, numbers)
        mu = q.new_zeros(n, 3, f)
        for t in range(config.n_layers):
            layer = 0 if config.shared_layers else t
            rows = slice(0, 3 * f) if config.shared_filters else slice(3 * f * t, 3 * f * (t + 1))
            weight, bias = (self._tensors[f"representation.filter_net.{name}"][rows] for name in ("weight", "bias"))
            x = self._mlp(f"representation.interactions.{layer}.interatomic_context_net", 2, q)
            message = x.index_select(0, senders) * (linear(radial, weight, bias) * cut)
            m_q, m_r, m_mu = message.split(f, dim=1)
            vectors = u * m_r[:, None]
            if t > 0:
                vectors = vectors + m_mu[:, None] * mu.index_select(0, senders)
            q = q.index_add(0, receivers, m_q)
            mu = mu.index_add(0, receivers, vectors)
            v, y = linear(mu, self._tensors[f"representation.mixing.{layer}.mu_channel_mix.weight"]).split(f, dim=2)
            norm = torch.sqrt((v * v).sum(1) + config.norm_eps)
            mixed = self._mlp(f"representation.mixing.{layer}.intraatomic_context_net", 2, torch.cat([q, norm], dim=1))
            y_q, y_mu, y_qmu = mixed.split(f, dim=1)
            q = q + y_q + y_qmu * (v * y).sum(1)
            mu = mu + y_mu[:, None] * y
        return self._mlp("output_modules.0.outnet", len(config.readout_widths), q)[:, 0] * config.energy_unit_in_ev
