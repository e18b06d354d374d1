"""Writes tests/golden/layers: for each layer of both architectures a table of inputs, outputs and bars, computed by PyTorch in float64.

    python tests/golden/make_layers.py

Inputs and weights are multiples of 1/128, so they are the same numbers in float32 and float64 and short in JSON; outputs have 17 digits.
The bars are automatic differentiation's. Layers are written here once more, apart from python/painnless/reference, on purpose.

Each NAME.safetensors is a whole model file; NAME.json lists rows {layer, index, case, inputs, outputs, outputBars, inputBars}, arrays as
{shape, data}. `index` is the interaction layer. In a message row the filters W and their derivatives dW are inputs, and G (edges, 3) is
dE/dr of the pair, both directions together (docs/theory.md, T22 and T42). Message rows of layer 0 have no vectors yet and ask for G alone;
update rows of the last layer have no output vectors, as nothing reads them.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from layer_inputs import BESSEL, CASES, DISTILLER, PAINN, SELF_IMAGES, distances, draw, edges, weights
from torch import Tensor
from torch.nn.functional import linear, silu

from painnless.model_file import ModelConfig, write_model

FOLDER = Path(__file__).parent / "layers"
Arrays = dict[str, np.ndarray]
Layer = Callable[[dict[str, Tensor]], dict[str, Tensor]]


class Table:
    """Collects the rows of one model."""

    def __init__(self, config: ModelConfig, seed: int) -> None:
        self.config, self.rng = config, np.random.default_rng(seed)
        self.arrays = weights(config, self.rng)
        self.tensors = {name: torch.from_numpy(a) for name, a in self.arrays.items()}
        self.rows: list[dict[str, Any]] = []

    def net(self, x: Tensor, first: str, second: str) -> Tensor:
        t = self.tensors
        return linear(silu(linear(x, t[f"{first}.weight"], t[f"{first}.bias"])), t[f"{second}.weight"], t[f"{second}.bias"])

    def add(self, layer: str, index: int, case: str, given: Arrays, run: Layer, bars: list[str]) -> None:
        """One row: outputs of `run`, random bars for them, and the bars of the inputs named in `bars`."""
        inputs = {name: torch.from_numpy(np.asarray(a)) for name, a in given.items()}
        for name in bars:
            inputs[name].requires_grad_(True)
        outputs = run(inputs)
        output_bars = {name: torch.from_numpy(draw(self.rng, tuple(y.shape))) for name, y in outputs.items()}
        energy = torch.stack([(y * output_bars[name]).sum() for name, y in outputs.items()]).sum()
        grads = torch.autograd.grad(energy, [inputs[name] for name in bars], allow_unused=True, materialize_grads=True) if bars else []
        input_bars = dict(zip(bars, grads, strict=True))
        if "vectors" in input_bars:
            g = input_bars.pop("vectors")
            input_bars["G"] = g - g[inputs["reverse"]]
        row: dict[str, Any] = {"layer": layer, "index": index, "case": case}
        for key, group in (("inputs", inputs), ("outputs", outputs), ("outputBars", output_bars), ("inputBars", input_bars)):
            row[key] = {name: {"shape": list(a.shape), "data": shortest(a.detach().numpy())} for name, a in group.items()}
        self.rows.append(row)

    def write(self, name: str) -> None:
        FOLDER.mkdir(exist_ok=True)
        write_model(FOLDER / f"{name}.safetensors", self.config, {n: a.astype(np.float32) for n, a in self.arrays.items()})
        rows = ",\n".join(json.dumps(row, separators=(",", ":"), allow_nan=False) for row in self.rows)
        (FOLDER / f"{name}.json").write_text(f'{{"model":"{name}.safetensors","rows":[\n{rows}\n]}}\n', encoding="utf-8")


def shortest(a: np.ndarray) -> list[float]:
    return [int(x) if float(x).is_integer() else float(x) for x in a.ravel()]


def painn_rows(table: Table) -> None:
    config, f, t = table.config, table.config.n_features, table.tensors
    radial_rows(table)
    for index in range(config.n_layers):
        name = "representation.filter_net"
        block = slice(3 * f * index, 3 * f * (index + 1))

        def filters(x, block=block, name=name):
            phi, cut = basis(t, config, x["d"])
            return {"W": cut[:, None] * linear(phi, t[f"{name}.weight"][block], t[f"{name}.bias"][block])}

        table.add("filter", index, "distances", {"d": distances(config)}, filters, ["d"])
        net = f"representation.interactions.{index}.interatomic_context_net"

        def context(x, net=net):
            return {"x": table.net(x["q"], f"{net}.0", f"{net}.1")}

        table.add("context", index, "3 atoms", {"q": draw(table.rng, (3, f))}, context, ["q"])
    for case in CASES:
        graph = edges(config, case)
        n = len(CASES[case][0])
        given = graph | edge_filters(table, graph, f) | {"q": draw(table.rng, (n, f)), "mu": draw(table.rng, (n, 3, f), 0.5)}

        def message(x):
            u, w = direction(x, 0.0)
            w_q, w_r, w_m = w.chunk(3, dim=1)
            x_q, x_r, x_m = x["x"][x["senders"]].chunk(3, dim=1)
            vector = u[:, :, None] * (w_r * x_r)[:, None] + (w_m * x_m)[:, None] * x["mu"][x["senders"]]
            return {"q": x["q"].index_add(0, x["receivers"], w_q * x_q), "mu": x["mu"].index_add(0, x["receivers"], vector)}

        given["x"] = draw(table.rng, (n, 3 * f))
        table.add("message", 1, case, given, message, ["q", "mu", "x", "vectors"])
        if case == "an atom at the cutoff":
            table.add("message", 0, case, given | {"mu": np.zeros((n, 3, f))}, message, ["vectors"])
    for index in range(config.n_layers):
        name, last = f"representation.mixing.{index}", index == config.n_layers - 1

        def update(x, name=name, last=last):
            v, y = linear(x["mu"], t[f"{name}.mu_channel_mix.weight"]).chunk(2, dim=-1)
            n, p = torch.sqrt((v * v).sum(1) + config.norm_eps), (v * y).sum(1)
            y_q, y_m, y_p = table.net(
                torch.cat([x["q"], n], 1), f"{name}.intraatomic_context_net.0", f"{name}.intraatomic_context_net.1"
            ).chunk(3, 1)
            scalars, vectors = {"q": x["q"] + y_q + y_p * p}, {"mu": x["mu"] + y_m[:, None] * y}
            return scalars if last else scalars | vectors

        for n in (1, 3):
            given = {"q": draw(table.rng, (n, f)), "mu": draw(table.rng, (n, 3, f), 0.5)}
            table.add("update", index, f"{n} atom" + "s" * (n > 1), given, update, ["q", "mu"])
    readout_rows(table, [f"output_modules.0.outnet.{k}" for k in range(2)], "representation.embedding.weight", "q")


def distiller_rows(table: Table) -> None:
    config, f, t = table.config, table.config.n_features, table.tensors
    radial_rows(table)
    for index in range(config.n_layers):
        net = f"interactions.{index}.message.rbf_to_scalar"

        def filters(x, net=net):
            phi, cut = basis(t, config, x["d"])
            return {"W": table.net(cut[:, None] * phi, f"{net}.0", f"{net}.2")}

        table.add("filter", index, "distances", {"d": distances(config)}, filters, ["d"])
    for case in CASES:
        if case == SELF_IMAGES:
            continue
        graph = edges(config, case)
        n = len(CASES[case][0])
        given = graph | edge_filters(table, graph, f) | {"s": draw(table.rng, (n, f)), "v": draw(table.rng, (n, 3, f), 0.5)}

        def message(x):
            u, w = direction(x, config.dir_eps)
            w_s, w_1, w_2 = w.chunk(3, dim=1)
            vector = w_1[:, None] * x["v"][x["senders"]] + u[:, :, None] * w_2[:, None]
            return {
                "s": x["s"].index_add(0, x["receivers"], w_s * x["s"][x["senders"]]),
                "v": x["v"].index_add(0, x["receivers"], vector),
            }

        table.add("message", 1, case, given, message, ["s", "v", "vectors"])
        if case == "an atom at the cutoff":
            table.add("message", 0, case, given | {"v": np.zeros((n, 3, f))}, message, ["vectors"])
    for index in range(config.n_layers):
        name, last = f"interactions.{index}.update", index == config.n_layers - 1

        def update(x, name=name, last=last):
            squares = (x["v"] ** 2).sum(1)
            n = torch.where(squares > 0, torch.sqrt(torch.where(squares > 0, squares, 1.0)), 0.0)
            y_s, g_1, g_2 = table.net(torch.cat([x["s"], n], 1), f"{name}.update_mlp.0", f"{name}.update_mlp.2").chunk(3, 1)
            mixed = torch.einsum("kl,nlf->nkf", t[f"{name}.mixing_matrix"], x["v"])
            scalars, vectors = {"s": x["s"] + y_s}, {"v": g_1[:, None] * x["v"] + g_2[:, None] * mixed}
            return scalars if last else scalars | vectors

        for n, vectors in ((1, "no vectors"), (3, "vectors")):
            v = draw(table.rng, (n, 3, f), 0.5) * (vectors == "vectors")
            case = f"{n} atom" + "s" * (n > 1) + ", " + vectors
            table.add("update", index, case, {"s": draw(table.rng, (n, f)), "v": v}, update, ["s", "v"])
    readout_rows(table, [f"energy_head.{2 * k}" for k in range(3)], "embedding.weight", "s")


def edge_filters(table: Table, graph: dict[str, np.ndarray], features: int) -> dict[str, np.ndarray]:
    """W and dW, the same in both directions of a pair."""
    pairs = np.minimum(np.arange(len(graph["reverse"])), graph["reverse"])
    return {name: draw(table.rng, (len(pairs), 3 * features), 0.5)[pairs] for name in ("W", "dW")}


def direction(x: dict[str, Tensor], delta: float) -> tuple[Tensor, Tensor]:
    """u and W(d) = W + dW (d - d0): the filter's tangent carries its derivative into automatic differentiation."""
    d = torch.sqrt((x["vectors"] ** 2).sum(1))
    return x["vectors"] / (d + delta)[:, None], x["W"] + x["dW"] * (d - d.detach())[:, None]


def basis(t: dict[str, Tensor], config: ModelConfig, d: Tensor) -> tuple[Tensor, Tensor]:
    cut = torch.where(d < config.cutoff, 0.5 * (torch.cos(math.pi * d / config.cutoff) + 1), 0.0)
    if config.rbf == "bessel":
        return torch.sin(d[:, None] * t["representation.radial_basis.freqs"]) / d[:, None], cut
    prefix, half = ("representation.radial_basis.offsets", 2) if config.arch == "painn-schnetpack" else ("rbf.centers", 1)
    widths = t[prefix.replace("offsets", "widths").replace("centers", "widths")]
    return torch.exp(-((d[:, None] - t[prefix]) ** 2) / (half * widths**2)), cut


def radial_rows(table: Table) -> None:
    def run(x):
        phi, cut = basis(table.tensors, table.config, x["d"])
        return {"phi": phi, "f": cut}

    table.add("radial", 0, "distances", {"d": distances(table.config)}, run, ["d"])


def readout_rows(table: Table, names: list[str], embedding: str, scalar: str) -> None:
    t, f = table.tensors, table.config.n_features

    def run(x):
        h = x[scalar]
        for k, name in enumerate(names):
            h = linear(silu(h) if k else h, t[f"{name}.weight"], t[f"{name}.bias"])
        return {"energies": h[:, 0]}

    for n in (1, 5):
        table.add("readout", 0, f"{n} atom" + "s" * (n > 1), {scalar: draw(table.rng, (n, f))}, run, [scalar])
    table.add("embedding", 0, "elements", {"numbers": np.array([1, 6, 8, 1])}, lambda x: {scalar: t[embedding][x["numbers"]]}, [])


def tables() -> dict[str, Table]:
    """All rows anew, by the name of their file."""
    made = {"painn": Table(PAINN, 1), "bessel": Table(BESSEL, 2), "distiller": Table(DISTILLER, 3)}
    painn_rows(made["painn"])
    radial_rows(made["bessel"])
    distiller_rows(made["distiller"])
    return made


if __name__ == "__main__":
    for name, table in tables().items():
        table.write(name)
