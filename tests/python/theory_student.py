"""The student's layers of docs/theory.md (sections 11 to 13) as code; the conventions are those of theory.py."""

import numpy as np
from theory import Array, Edges, Net, net_adjoint, net_forward, thirds

# 12. Message


def student_message_forward(edges: Edges, u: Array, w: Array, s: Array, v: Array) -> tuple[Array, Array]:
    """T37, T38."""
    w_s, w_1, w_2 = thirds(w)
    s_new, v_new = s.astype(w.dtype), (v + 0 * u.sum()).astype(w.dtype)
    for e, (i, j) in enumerate(zip(edges.i, edges.j, strict=True)):
        s_new[i] += w_s[e] * s[j]
        for k in range(3):
            v_new[i, k] += w_1[e] * v[j, k] + u[e, k] * w_2[e]
    return s_new, v_new


def student_message_adjoint_directed(
    edges: Edges, u: Array, w: Array, s: Array, v: Array, s_bar: Array, v_bar: Array
) -> tuple[Array, Array, Array, Array]:
    """T39: W_bar, u_bar, and what s_bar and v_bar gain."""
    w_s, w_1, w_2 = thirds(w)
    w_bar, u_bar, s_gain, v_gain = np.zeros_like(w), np.zeros_like(u), np.zeros_like(s), np.zeros_like(v)
    for e, (i, j) in enumerate(zip(edges.i, edges.j, strict=True)):
        w_bar[e] = np.concatenate([s_bar[i] * s[j], (v_bar[i] * v[j]).sum(0), u[e] @ v_bar[i]])
        u_bar[e] = v_bar[i] @ w_2[e]
        s_gain[j] += w_s[e] * s_bar[i]
        v_gain[j] += w_1[e] * v_bar[i]
    return w_bar, u_bar, s_gain, v_gain


def student_message_adjoint_gather(edges: Edges, w: Array, s_bar: Array, v_bar: Array) -> tuple[Array, Array]:
    """T40: what s_bar and v_bar gain; every sum over an atom's own edges."""
    w_s, w_1, _ = thirds(w)
    s_gain, v_gain = np.zeros_like(s_bar), np.zeros_like(v_bar)
    for e, (a, b) in enumerate(zip(edges.i, edges.j, strict=True)):
        s_gain[a] += w_s[e] * s_bar[b]
        v_gain[a] += w_1[e] * v_bar[b]
    return s_gain, v_gain


def student_message_pair(
    edges: Edges, r: Array, d: Array, delta: float, w: Array, w_prime: Array, s: Array, v: Array, s_bar: Array, v_bar: Array
) -> Array:
    """T41, T42: G (E, 3) of every edge, each computed from its own side."""
    (p_s, p_1, p_2), w_2 = thirds(w_prime), thirds(w)[2]
    g = np.zeros((len(d), 3), w.dtype)
    for e, (a, b) in enumerate(zip(edges.i, edges.j, strict=True)):
        u = r[e] / (d[e] + delta)
        slope = ((s_bar[a] * s[b] + s_bar[b] * s[a]) * p_s[e]).sum()
        slope += (((v_bar[a] * v[b]).sum(0) + (v_bar[b] * v[a]).sum(0)) * p_1[e]).sum()
        slope += ((u @ (v_bar[a] - v_bar[b])) * p_2[e]).sum()
        t = (w_2[e] * (v_bar[a] - v_bar[b])).sum(1)
        g[e] = slope * r[e] / d[e] + (t - r[e] * (r[e] @ t) / (d[e] * (d[e] + delta))) / (d[e] + delta)
    return g


# 13. Update


def student_update_forward(m: Array, net: Net, s: Array, v: Array) -> tuple[Array, Array]:
    """T43, T44."""
    y_s, g_1, g_2 = thirds(net_forward(np.concatenate([s, np.sqrt((v * v).sum(1))], axis=1), net))
    return s + y_s, g_1[:, None] * v + g_2[:, None] * np.einsum("kl,nlf->nkf", m, v)


def student_update_adjoint(m: Array, net: Net, s: Array, v: Array, s_bar: Array, v_bar: Array) -> tuple[Array, Array]:
    """T45, T46: the bars of s and v before the update (what came in included)."""
    n = np.sqrt((v * v).sum(1))
    sn = np.concatenate([s, n], axis=1)
    _, g_1, g_2 = thirds(net_forward(sn, net))
    mixed = np.einsum("kl,nlf->nkf", m, v)
    y_bar = np.concatenate([s_bar, (v_bar * v).sum(1), (v_bar * mixed).sum(1)], axis=1)
    c_bar, n_bar = np.split(net_adjoint(sn, net, y_bar), 2, axis=1)
    over_n = np.divide(n_bar, n, out=np.zeros_like(n), where=n != 0)
    v_bar_old = g_1[:, None] * v_bar + np.einsum("kl,nkf->nlf", m, g_2[:, None] * v_bar) + over_n[:, None] * v
    return s_bar + c_bar, v_bar_old
