"""The equations of docs/theory.md hold, layer by layer: against PyTorch's automatic differentiation (tests/golden/layers), and against a
complex step on random inputs."""

import json
from pathlib import Path

import numpy as np
import pytest
import theory as T
import theory_student as S
from theory_checks import CELL, PERIODIC, assert_close, complex_step
from theory_model import PainnModel, StudentModel

from painnless.model_file import read_model

Arrays = dict[str, np.ndarray]
GOLDEN = Path(__file__).parents[1] / "golden" / "layers"


# The golden rows: PyTorch's outputs and bars


def golden_rows() -> list:
    return [
        pytest.param(path.stem, row, id=f"{path.stem} {row['layer']} {row['index']}: {row['case']}")
        for path in sorted(GOLDEN.glob("*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
    ]


def unpack(group: dict) -> Arrays:
    return {name: np.array(a["data"], float).reshape(a["shape"]) for name, a in group.items()}


def edges_of(x: Arrays) -> T.Edges:
    return T.Edges(*(x[name].astype(int) for name in ("receivers", "senders", "shifts", "reverse")))


def edge_geometry(x: Arrays, delta: float) -> tuple[np.ndarray, np.ndarray]:
    d = np.sqrt((x["vectors"] ** 2).sum(1))
    return d, x["vectors"] / (d + delta)[:, None]


def layer_outputs(model: PainnModel, layer: str, index: int, x: Arrays) -> Arrays:
    """Forward of one row by the equations."""
    student = isinstance(model, StudentModel)
    q, mu = ("s", "v") if student else ("q", "mu")
    if layer == "embedding":
        return {q: model.embed(x["numbers"].astype(int))[0]}
    if layer == "radial":
        return {"phi": model.radial(x["d"])[0], "f": T.cosine_cutoff(x["d"], model.config.cutoff)[0]}
    if layer == "filter":
        return {"W": model.filters(index, x["d"])[0]}
    if layer == "context":
        return {"x": T.net_forward(x["q"], model.context(index))}
    if layer == "message":
        u = edge_geometry(x, model.config.dir_eps)[1]
        if student:
            return dict(zip((q, mu), S.student_message_forward(edges_of(x), u, x["W"], x["s"], x["v"]), strict=True))
        return dict(zip((q, mu), T.message_forward(edges_of(x), u, x["W"], x["x"], x["q"], x["mu"]), strict=True))
    if layer == "update":
        if isinstance(model, StudentModel):
            return dict(zip((q, mu), S.student_update_forward(*model.update(index), x[q], x[mu]), strict=True))
        return dict(zip((q, mu), T.update_forward(*model.mixing(index), x[q], x[mu]), strict=True))
    assert layer == "readout"
    return {"energies": T.readout_forward(model.readout(), x[q])}


def layer_bars(model: PainnModel, layer: str, index: int, x: Arrays, y_bar: Arrays) -> Arrays:
    """Adjoint of one row by the equations."""
    if layer == "radial":
        phi_prime, f_prime = model.radial(x["d"])[1], T.cosine_cutoff(x["d"], model.config.cutoff)[1]
        return {"d": (y_bar["phi"] * phi_prime).sum(1) + y_bar["f"] * f_prime}
    if layer == "filter":
        return {"d": T.filter_adjoint(model.filters(index, x["d"])[1], y_bar["W"])}
    if layer == "context":
        return {"q": T.net_adjoint(x["q"], model.context(index), y_bar["x"])}
    if layer == "readout":
        q = "s" if isinstance(model, StudentModel) else "q"
        return {q: T.readout_adjoint(model.readout(), x[q], y_bar["energies"])}
    if layer == "update":
        if isinstance(model, StudentModel):
            v_bar = y_bar.get("v", np.zeros_like(x["v"]))
            return dict(zip(("s", "v"), S.student_update_adjoint(*model.update(index), x["s"], x["v"], y_bar["s"], v_bar), strict=True))
        mu_bar = y_bar.get("mu", np.zeros_like(x["mu"]))
        return dict(zip(("q", "mu"), T.update_adjoint(*model.mixing(index), x["q"], x["mu"], y_bar["q"], mu_bar), strict=True))
    assert layer == "message"
    edges, (d, u), w = edges_of(x), edge_geometry(x, model.config.dir_eps), x["W"]
    if isinstance(model, StudentModel):
        s, v, s_bar, v_bar = x["s"], x["v"], y_bar["s"], y_bar["v"]
        s_gain, v_gain = S.student_message_adjoint_gather(edges, w, s_bar, v_bar)
        g = S.student_message_pair(edges, x["vectors"], d, model.config.dir_eps, w, x["dW"], s, v, s_bar, v_bar)
        return {"s": s_bar + s_gain, "v": v_bar + v_gain, "G": g}
    q_bar, mu_bar = y_bar["q"], y_bar["mu"]
    x_bar, gain = T.message_adjoint_gather(edges, u, w, x["x"], x["mu"], q_bar, mu_bar)
    g = T.message_pair(edges, u, d, w, x["dW"], x["x"], x["mu"], q_bar, mu_bar)
    return {"q": q_bar, "mu": mu_bar + gain, "x": x_bar, "G": g}


@pytest.mark.parametrize(("name", "row"), golden_rows())
def test_layers_equal_pytorch(name: str, row: dict) -> None:
    file = read_model(GOLDEN / f"{name}.safetensors")
    model = (StudentModel if file.config.arch == "painn-distiller" else PainnModel)(file.config, file.tensors)
    x, y, y_bar, x_bar = (unpack(row[key]) for key in ("inputs", "outputs", "outputBars", "inputBars"))
    found = layer_outputs(model, row["layer"], row["index"], x)
    for key, expected in y.items():
        assert_close(found[key], expected, f"output {key}")
    if x_bar:
        bars = layer_bars(model, row["layer"], row["index"], x, y_bar)
        for key, expected in x_bar.items():
            assert_close(bars[key], expected, f"bar of {key}")


# Edge by edge and pair by pair, on random inputs


def random_pairs(seed: int, features: int, delta: float) -> tuple[np.random.Generator, T.Edges, Arrays]:
    """Three atoms in a cell smaller than the cutoff: images of neighbours and of the atoms themselves; positions of scale 1 Å."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(0, 1, (3, 3)) @ CELL
    edges = T.find_edges(positions, CELL, PERIODIC, 5.0)
    assert np.any(edges.i == edges.j)
    r, d, u = T.geometry(positions, CELL, edges, delta)
    pair = np.minimum(np.arange(len(d)), edges.reverse)
    w, w_prime = rng.normal(size=(2, len(d), 3 * features))[:, pair]
    return rng, edges, {"r": r, "d": d, "u": u, "W": w, "dW": w_prime}


@pytest.mark.parametrize("delta", [0.0, 1e-8, 0.3], ids=["PaiNN", "student", "a large delta"])
def test_t4_geometry(delta: float) -> None:
    rng, _, x = random_pairs(1, 2, delta)
    d_bar, u_bar = rng.normal(size=len(x["d"])), rng.normal(size=x["u"].shape)

    def energy(r: np.ndarray) -> complex:
        d = np.sqrt((r * r).sum(1))
        return (d_bar * d).sum() + (u_bar * r / (d + delta)[:, None]).sum()

    assert_close(T.geometry_adjoint(x["r"], x["d"], delta, d_bar, u_bar), complex_step(energy, x["r"]), "r_bar")


def test_t18_message_adjoint_edge_by_edge() -> None:
    rng, edges, g = random_pairs(2, 2, 0.0)
    x, q, mu = rng.normal(size=(3, 6)), rng.normal(size=(3, 2)), rng.normal(size=(3, 3, 2))
    q_bar, mu_bar = rng.normal(size=q.shape), rng.normal(size=mu.shape)

    def energy(**changed: np.ndarray) -> complex:
        a = {"u": g["u"], "w": g["W"], "x": x, "mu": mu} | changed
        q_new, mu_new = T.message_forward(edges, a["u"].astype(complex), a["w"].astype(complex), a["x"], q.astype(complex), a["mu"])
        return (q_bar * q_new).sum() + (mu_bar * mu_new).sum()

    w_bar, u_bar, x_bar, gain = T.message_adjoint_directed(edges, g["u"], g["W"], x, mu, q_bar, mu_bar)
    assert_close(w_bar, complex_step(lambda w: energy(w=w), g["W"]), "W_bar")
    assert_close(u_bar, complex_step(lambda u: energy(u=u), g["u"]), "u_bar")
    assert_close(x_bar, complex_step(lambda x: energy(x=x), x), "x_bar")
    assert_close(mu_bar + gain, complex_step(lambda mu: energy(mu=mu), mu), "mu_bar")


def test_t19_to_t22_pair_form_equals_edge_by_edge() -> None:
    rng, edges, g = random_pairs(3, 4, 0.0)
    x, q_bar = rng.normal(size=(3, 12)), rng.normal(size=(3, 4))
    mu, mu_bar = rng.normal(size=(2, 3, 3, 4))
    w_bar, u_bar, x_bar, gain = T.message_adjoint_directed(edges, g["u"], g["W"], x, mu, q_bar, mu_bar)
    gathered_x_bar, gathered_gain = T.message_adjoint_gather(edges, g["u"], g["W"], x, mu, q_bar, mu_bar)
    assert_close(gathered_x_bar, x_bar, "x_bar")
    assert_close(gathered_gain, gain, "mu_bar")
    directed = T.geometry_adjoint(g["r"], g["d"], 0.0, T.filter_adjoint(g["dW"], w_bar), u_bar)
    both = directed - directed[edges.reverse]
    pair = T.message_pair(edges, g["u"], g["d"], g["W"], g["dW"], x, mu, q_bar, mu_bar)
    assert_close(pair, both, "G")
    assert_close(pair[edges.reverse], -pair, "G of the reverse edge")
    assert_close(T.forces(edges, pair, 3).sum(0), np.zeros(3), "net force")
    assert_close(T.virial(g["r"], pair), np.einsum("ex,ey->xy", directed, g["r"]), "T35 with and without the half")


def test_t39_to_t42_student_pair_form_equals_edge_by_edge() -> None:
    delta = 0.1  # large, to see each place it stands in
    rng, edges, g = random_pairs(4, 2, delta)
    s, s_bar = rng.normal(size=(2, 3, 2))
    v, v_bar = rng.normal(size=(2, 3, 3, 2))

    def energy(**changed: np.ndarray) -> complex:
        a = {"u": g["u"], "w": g["W"], "s": s, "v": v} | changed
        s_new, v_new = S.student_message_forward(edges, *(a[name].astype(complex) for name in ("u", "w", "s", "v")))
        return (s_bar * s_new).sum() + (v_bar * v_new).sum()

    w_bar, u_bar, s_gain, v_gain = S.student_message_adjoint_directed(edges, g["u"], g["W"], s, v, s_bar, v_bar)
    assert_close(w_bar, complex_step(lambda w: energy(w=w), g["W"]), "W_bar")
    assert_close(u_bar, complex_step(lambda u: energy(u=u), g["u"]), "u_bar")
    assert_close(s_bar + s_gain, complex_step(lambda s: energy(s=s), s), "s_bar")
    assert_close(v_bar + v_gain, complex_step(lambda v: energy(v=v), v), "v_bar")
    gathered = S.student_message_adjoint_gather(edges, g["W"], s_bar, v_bar)
    assert_close(gathered[0], s_gain, "s_bar")
    assert_close(gathered[1], v_gain, "v_bar")
    directed = T.geometry_adjoint(g["r"], g["d"], delta, T.filter_adjoint(g["dW"], w_bar), u_bar)
    pair = S.student_message_pair(edges, g["r"], g["d"], delta, g["W"], g["dW"], s, v, s_bar, v_bar)
    assert_close(pair, directed - directed[edges.reverse], "G")
