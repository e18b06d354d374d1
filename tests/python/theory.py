"""docs/theory.md as code: plain numpy, a function per equation or layer, in the order of that page. Obviously right, not fast.

Arrays: q, s (N, F); mu, v (N, 3, F); per edge r, u (E, 3), d (E), W (E, 3F). An adjoint takes bars of the outputs and returns what it adds
to the bars of the inputs. Everything also works on complex numbers, so that test_theory.py can differentiate by a complex step.
"""

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Edges(NamedTuple):
    """Full directed list: receivers i, senders j, shifts S (E, 3), index of the reverse edge."""

    i: Array
    j: Array
    shifts: Array
    reverse: Array


class Net(NamedTuple):
    """Two linear layers with silu between them, weights (out, in)."""

    a1: Array
    b1: Array
    a2: Array
    b2: Array


def find_edges(positions: Array, cell: Array, pbc: tuple[bool, bool, bool], cutoff: float, images: int = 3) -> Edges:
    """By definition (section 2): every pair, every translation up to `images`, d < cutoff."""
    spans = [range(-images, images + 1) if periodic else range(1) for periodic in pbc]
    found = [
        (i, j, (a, b, c))
        for i in range(len(positions))
        for j in range(len(positions))
        for a in spans[0]
        for b in spans[1]
        for c in spans[2]
        if (i != j or (a, b, c) != (0, 0, 0)) and np.linalg.norm(positions[j] - positions[i] + np.array([a, b, c]) @ cell) < cutoff
    ]
    at = {edge: e for e, edge in enumerate(found)}
    reverse = [at[j, i, (-a, -b, -c)] for i, j, (a, b, c) in found]
    return Edges(
        np.array([e[0] for e in found], int),
        np.array([e[1] for e in found], int),
        np.array([e[2] for e in found], int).reshape(-1, 3),
        np.array(reverse, int),
    )


# 1. Conventions


def silu(z: Array) -> Array:
    """T1."""
    return z / (1 + np.exp(-z))


def silu_prime(z: Array) -> Array:
    """T1."""
    sigma = 1 / (1 + np.exp(-z))
    return sigma * (1 + z * (1 - sigma))


def net_forward(x: Array, net: Net) -> Array:
    """T14, and the same net in T10, T25, T43: y = A2 silu(A1 x + b1) + b2."""
    return silu(x @ net.a1.T + net.b1) @ net.a2.T + net.b2


def net_adjoint(x: Array, net: Net, y_bar: Array) -> Array:
    """T15, T28, T45: x_bar = A1^T (silu'(z) ∘ (A2^T y_bar))."""
    return (silu_prime(x @ net.a1.T + net.b1) * (y_bar @ net.a2)) @ net.a1


# 2. Edges


def geometry(positions: Array, cell: Array, edges: Edges, delta: float) -> tuple[Array, Array, Array]:
    """T3: r, d, u."""
    r = positions[edges.j] - positions[edges.i] + edges.shifts @ cell
    d = np.sqrt((r * r).sum(1))
    return r, d, r / (d + delta)[:, None]


def geometry_adjoint(r: Array, d: Array, delta: float, d_bar: Array, u_bar: Array) -> Array:
    """T4: r_bar."""
    along = (r * u_bar).sum(1) / (d * (d + delta))
    return (d_bar / d)[:, None] * r + (u_bar - along[:, None] * r) / (d + delta)[:, None]


# 3. Radial basis and cutoff, each with its derivative


def cosine_cutoff(d: Array, rc: float) -> tuple[Array, Array]:
    """T5: f, f'."""
    inside = np.where(np.real(d) < rc, 1.0, 0.0)
    return inside * (np.cos(np.pi * d / rc) + 1) / 2, -inside * np.pi / (2 * rc) * np.sin(np.pi * d / rc)


def gaussian(d: Array, offsets: Array, gamma: Array) -> tuple[Array, Array]:
    """T6: phi, phi' (E, R)."""
    away = d[:, None] - offsets
    phi = np.exp(-gamma * away * away)
    return phi, -2 * gamma * away * phi


def bessel(d: Array, freqs: Array) -> tuple[Array, Array]:
    """T7: phi, phi' (E, R)."""
    phi = np.sin(d[:, None] * freqs) / d[:, None]
    return phi, (freqs * np.cos(d[:, None] * freqs) - phi) / d[:, None]


# 4. Filters


def painn_filter(f: Array, f_prime: Array, phi: Array, phi_prime: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """T8, T9: W, W' (E, 3F)."""
    linear = phi @ a.T + b
    return f[:, None] * linear, f_prime[:, None] * linear + f[:, None] * (phi_prime @ a.T)


def student_filter(f: Array, f_prime: Array, phi: Array, phi_prime: Array, net: Net) -> tuple[Array, Array]:
    """T10, T11: W, W' (E, 3F)."""
    x = f[:, None] * phi
    x_prime = f_prime[:, None] * phi + f[:, None] * phi_prime
    return net_forward(x, net), (silu_prime(x @ net.a1.T + net.b1) * (x_prime @ net.a1.T)) @ net.a2.T


def filter_adjoint(w_prime: Array, w_bar: Array) -> Array:
    """T12: d_bar (E)."""
    return (w_bar * w_prime).sum(1)


# 6. PaiNN: message. x (N, 3F) is the context T14.


def thirds(x: Array) -> tuple[Array, Array, Array]:
    n = x.shape[-1] // 3
    return x[..., :n], x[..., n : 2 * n], x[..., 2 * n :]


def message_forward(edges: Edges, u: Array, w: Array, x: Array, q: Array, mu: Array) -> tuple[Array, Array]:
    """T16, T17: q, mu after the message."""
    (w_q, w_r, w_m), (x_q, x_r, x_m) = thirds(w), thirds(x)
    q_new, mu_new = q.astype(w.dtype), (mu + 0 * u.sum()).astype(w.dtype)
    for e, (i, j) in enumerate(zip(edges.i, edges.j, strict=True)):
        q_new[i] += w_q[e] * x_q[j]
        for k in range(3):
            mu_new[i, k] += u[e, k] * (w_r[e] * x_r[j]) + w_m[e] * x_m[j] * mu[j, k]
    return q_new, mu_new


def message_adjoint_directed(
    edges: Edges, u: Array, w: Array, x: Array, mu: Array, q_bar: Array, mu_bar: Array
) -> tuple[Array, Array, Array, Array]:
    """T18: W_bar (E, 3F), u_bar (E, 3), x_bar, and what mu_bar gains."""
    (w_q, w_r, w_m), (x_q, x_r, x_m) = thirds(w), thirds(x)
    w_bar, u_bar, x_bar, gain = np.zeros_like(w), np.zeros_like(u), np.zeros_like(x), np.zeros_like(mu)
    for e, (i, j) in enumerate(zip(edges.i, edges.j, strict=True)):
        u_mu_bar, mu_mu_bar = u[e] @ mu_bar[i], (mu_bar[i] * mu[j]).sum(0)
        w_bar[e] = np.concatenate([q_bar[i] * x_q[j], u_mu_bar * x_r[j], mu_mu_bar * x_m[j]])
        u_bar[e] = mu_bar[i] @ (w_r[e] * x_r[j])
        x_bar[j] += np.concatenate([w_q[e] * q_bar[i], w_r[e] * u_mu_bar, w_m[e] * mu_mu_bar])
        gain[j] += w_m[e] * x_m[j] * mu_bar[i]
    return w_bar, u_bar, x_bar, gain


def message_adjoint_gather(edges: Edges, u: Array, w: Array, x: Array, mu: Array, q_bar: Array, mu_bar: Array) -> tuple[Array, Array]:
    """T19: x_bar, and what mu_bar gains; every sum over an atom's own edges."""
    w_q, w_r, w_m = thirds(w)
    x_bar_q, x_bar_r, m_bar = np.zeros_like(q_bar), np.zeros_like(q_bar), np.zeros_like(mu_bar)
    for e, (a, b) in enumerate(zip(edges.i, edges.j, strict=True)):
        x_bar_q[a] += w_q[e] * q_bar[b]
        x_bar_r[a] -= w_r[e] * (u[e] @ mu_bar[b])
        m_bar[a] += w_m[e] * mu_bar[b]
    return np.concatenate([x_bar_q, x_bar_r, (mu * m_bar).sum(1)], axis=1), thirds(x)[2][:, None] * m_bar


def message_pair(edges: Edges, u: Array, d: Array, w: Array, w_prime: Array, x: Array, mu: Array, q_bar: Array, mu_bar: Array) -> Array:
    """T20, T21, T22: G (E, 3) of every edge, each computed from its own side."""
    (v_q, v_r, v_m), w_r, (x_q, x_r, x_m) = thirds(w_prime), thirds(w)[1], thirds(x)
    g = np.zeros((len(d), 3), w.dtype)
    for e, (a, b) in enumerate(zip(edges.i, edges.j, strict=True)):
        s = ((q_bar[a] * x_q[b] + q_bar[b] * x_q[a]) * v_q[e]).sum()
        s += (((u[e] @ mu_bar[a]) * x_r[b] - (u[e] @ mu_bar[b]) * x_r[a]) * v_r[e]).sum()
        s += (((mu_bar[a] * mu[b]).sum(0) * x_m[b] + (mu_bar[b] * mu[a]).sum(0) * x_m[a]) * v_m[e]).sum()
        t = (w_r[e] * (x_r[b] * mu_bar[a] - x_r[a] * mu_bar[b])).sum(1)
        g[e] = s * u[e] + (t - u[e] * (u[e] @ t)) / d[e]
    return g


# 7. PaiNN: update


def update_forward(a_v: Array, a_w: Array, net: Net, eps: float, q: Array, mu: Array) -> tuple[Array, Array]:
    """T23 to T26."""
    v, y = mu @ a_v.T, mu @ a_w.T
    n, p = np.sqrt((v * v).sum(1) + eps), (v * y).sum(1)
    y_q, y_m, y_p = thirds(net_forward(np.concatenate([q, n], axis=1), net))
    return q + y_q + y_p * p, mu + y_m[:, None] * y


def update_adjoint(a_v: Array, a_w: Array, net: Net, eps: float, q: Array, mu: Array, q_bar: Array, mu_bar: Array) -> tuple[Array, Array]:
    """T27 to T30: the bars of q and mu before the update (what came in included)."""
    v, y = mu @ a_v.T, mu @ a_w.T
    n, p = np.sqrt((v * v).sum(1) + eps), (v * y).sum(1)
    qn = np.concatenate([q, n], axis=1)
    _, y_m, y_p = thirds(net_forward(qn, net))
    y_bar = np.concatenate([q_bar, (mu_bar * y).sum(1), q_bar * p], axis=1)
    p_bar = q_bar * y_p
    c_bar, n_bar = np.split(net_adjoint(qn, net, y_bar), 2, axis=1)
    v_bar = (n_bar / n)[:, None] * v + p_bar[:, None] * y
    y_vector_bar = p_bar[:, None] * v + y_m[:, None] * mu_bar
    return q_bar + c_bar, mu_bar + v_bar @ a_v + y_vector_bar @ a_w


# 8. Readout


def readout_forward(layers: list[tuple[Array, Array]], q: Array) -> Array:
    """T31: energy per atom (N)."""
    h = q
    for depth, (weight, bias) in enumerate(layers):
        z = h @ weight.T + bias
        h = silu(z) if depth < len(layers) - 1 else z
    return h[:, 0]


def readout_adjoint(layers: list[tuple[Array, Array]], q: Array, e_bar: Array) -> Array:
    """T32: q_bar."""
    inputs, h = [], q
    for weight, bias in layers:
        inputs.append(h @ weight.T + bias)
        h = silu(inputs[-1])
    h_bar = e_bar[:, None]
    for depth in reversed(range(len(layers))):
        z_bar = h_bar if depth == len(layers) - 1 else silu_prime(inputs[depth]) * h_bar
        h_bar = z_bar @ layers[depth][0]
    return h_bar


# 10. Forces and virial of the pairs' gradients


def forces(edges: Edges, g: Array, atoms: int) -> Array:
    """T34, in units of the weights."""
    result = np.zeros((atoms, 3))
    for a, g_e in zip(edges.i, g, strict=True):
        result[a] += g_e
    return result


def virial(r: Array, g: Array) -> Array:
    """T35: dE/dstrain (3, 3), in units of the weights."""
    return 0.5 * np.einsum("ex,ey->xy", g, r)
