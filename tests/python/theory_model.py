"""Both networks put together from the layers of theory.py and theory_student.py: energy forward, then the pairs' gradients G backward."""

import numpy as np
from theory import (
    Array,
    Edges,
    Net,
    bessel,
    cosine_cutoff,
    gaussian,
    geometry,
    message_adjoint_gather,
    message_forward,
    message_pair,
    net_adjoint,
    net_forward,
    painn_filter,
    readout_adjoint,
    readout_forward,
    student_filter,
    update_adjoint,
    update_forward,
)
from theory_student import (
    student_message_adjoint_gather,
    student_message_forward,
    student_message_pair,
    student_update_adjoint,
    student_update_forward,
)

from painnless.model_file import ModelConfig


class PainnModel:
    """T5 to T36 for one set of weights, named as in the model file."""

    def __init__(self, config: ModelConfig, tensors: dict[str, Array]) -> None:
        self.config = config
        self.tensors = {name: np.asarray(a, float) for name, a in tensors.items()}

    def net(self, first: str, second: str) -> Net:
        t = self.tensors
        return Net(t[f"{first}.weight"], t[f"{first}.bias"], t[f"{second}.weight"], t[f"{second}.bias"])

    def context(self, layer: int) -> Net:
        name = f"representation.interactions.{0 if self.config.shared_layers else layer}.interatomic_context_net"
        return self.net(f"{name}.0", f"{name}.1")

    def mixing(self, layer: int) -> tuple[Array, Array, Net, float]:
        name = f"representation.mixing.{0 if self.config.shared_layers else layer}"
        a_v, a_w = np.split(self.tensors[f"{name}.mu_channel_mix.weight"], 2)
        return a_v, a_w, self.net(f"{name}.intraatomic_context_net.0", f"{name}.intraatomic_context_net.1"), self.config.norm_eps

    def readout(self) -> list[tuple[Array, Array]]:
        names = [f"output_modules.0.outnet.{k}" for k in range(len(self.config.readout_widths))]
        return [(self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]) for name in names]

    def radial(self, d: Array) -> tuple[Array, Array]:
        t = self.tensors
        if self.config.rbf == "bessel":
            return bessel(d, t["representation.radial_basis.freqs"])
        return gaussian(d, t["representation.radial_basis.offsets"], 0.5 / t["representation.radial_basis.widths"] ** 2)

    def filters(self, layer: int, d: Array) -> tuple[Array, Array]:
        rows = 3 * self.config.n_features
        own = 0 if self.config.shared_filters else layer
        a, b = self.tensors["representation.filter_net.weight"], self.tensors["representation.filter_net.bias"]
        block = slice(rows * own, rows * (own + 1))
        return painn_filter(*cosine_cutoff(d, self.config.cutoff), *self.radial(d), a[block], b[block])

    def embed(self, numbers: Array) -> tuple[Array, Array]:
        q = self.tensors["representation.embedding.weight"][numbers]
        return q, np.zeros((len(q), 3, q.shape[1]))

    def energies(self, numbers: Array, positions: Array, cell: Array, edges: Edges) -> Array:
        """Per atom, in units of the weights."""
        return readout_forward(self.readout(), self.states(numbers, positions, cell, edges)[-1][0])

    def states(self, numbers: Array, positions: Array, cell: Array, edges: Edges) -> list[tuple[Array, Array]]:
        """(q, mu) before and after the message of each layer, and after the last update: 2L + 1 of them."""
        _, d, u = geometry(positions, cell, edges, 0.0)
        states = [self.embed(numbers)]
        for layer in range(self.config.n_layers):
            q, mu = states[-1]
            states.append(message_forward(edges, u, self.filters(layer, d)[0], net_forward(q, self.context(layer)), q, mu))
            states.append(update_forward(*self.mixing(layer), *states[-1]))
        return states

    def pair_gradients(self, numbers: Array, positions: Array, cell: Array, edges: Edges) -> Array:
        """G (E, 3) of T22, summed over the layers."""
        _, d, u = geometry(positions, cell, edges, 0.0)
        states = self.states(numbers, positions, cell, edges)
        q_bar = readout_adjoint(self.readout(), states[-1][0], np.ones(len(numbers)))
        mu_bar = np.zeros_like(states[-1][1])
        g = np.zeros((len(d), 3))
        for layer in reversed(range(self.config.n_layers)):
            q, mu = states[2 * layer]
            w, w_prime = self.filters(layer, d)
            x = net_forward(q, self.context(layer))
            q_bar, mu_bar = update_adjoint(*self.mixing(layer), *states[2 * layer + 1], q_bar, mu_bar)
            g += message_pair(edges, u, d, w, w_prime, x, mu, q_bar, mu_bar)
            x_bar, gain = message_adjoint_gather(edges, u, w, x, mu, q_bar, mu_bar)
            q_bar, mu_bar = q_bar + net_adjoint(q, self.context(layer), x_bar), mu_bar + gain
        return g


class StudentModel(PainnModel):
    """T37 to T46 in the same order."""

    def update(self, layer: int) -> tuple[Array, Net]:
        name = f"interactions.{layer}.update"
        m = self.tensors.get(f"{name}.mixing_matrix", np.zeros((3, 3)))
        return m, self.net(f"{name}.update_mlp.0", f"{name}.update_mlp.2")

    def readout(self) -> list[tuple[Array, Array]]:
        names = [f"energy_head.{2 * k}" for k in range(len(self.config.readout_widths))]
        return [(self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]) for name in names]

    def radial(self, d: Array) -> tuple[Array, Array]:
        return gaussian(d, self.tensors["rbf.centers"], 1 / self.tensors["rbf.widths"] ** 2)

    def filters(self, layer: int, d: Array) -> tuple[Array, Array]:
        name = f"interactions.{layer}.message.rbf_to_scalar"
        return student_filter(*cosine_cutoff(d, self.config.cutoff), *self.radial(d), self.net(f"{name}.0", f"{name}.2"))

    def embed(self, numbers: Array) -> tuple[Array, Array]:
        s = self.tensors["embedding.weight"][numbers]
        return s, np.zeros((len(s), 3, s.shape[1]))

    def states(self, numbers: Array, positions: Array, cell: Array, edges: Edges) -> list[tuple[Array, Array]]:
        _, d, u = geometry(positions, cell, edges, self.config.dir_eps)
        states = [self.embed(numbers)]
        for layer in range(self.config.n_layers):
            states.append(student_message_forward(edges, u, self.filters(layer, d)[0], *states[-1]))
            states.append(student_update_forward(*self.update(layer), *states[-1]))
        return states

    def pair_gradients(self, numbers: Array, positions: Array, cell: Array, edges: Edges) -> Array:
        """G (E, 3) of T42, summed over the layers."""
        delta = self.config.dir_eps
        r, d, _ = geometry(positions, cell, edges, delta)
        states = self.states(numbers, positions, cell, edges)
        s_bar = readout_adjoint(self.readout(), states[-1][0], np.ones(len(numbers)))
        v_bar = np.zeros_like(states[-1][1])
        g = np.zeros((len(d), 3))
        for layer in reversed(range(self.config.n_layers)):
            s, v = states[2 * layer]
            w, w_prime = self.filters(layer, d)
            s_bar, v_bar = student_update_adjoint(*self.update(layer), *states[2 * layer + 1], s_bar, v_bar)
            g += student_message_pair(edges, r, d, delta, w, w_prime, s, v, s_bar, v_bar)
            s_gain, v_gain = student_message_adjoint_gather(edges, w, s_bar, v_bar)
            s_bar, v_bar = s_bar + s_gain, v_bar + v_gain
        return g
