"""PyTorch's side of benchmarks/gpu.mjs: python benchmarks/torch_gpu.py MODEL FOLDER NAME:STRUCTURES,... [--no-compile]

Energy and forces on the card, neighbours given: eager, eager in a CUDA graph, one compiled graph in a CUDA graph; float32 and TF32.
One JSON object a case: edges, median milliseconds of each way, and how far our forces (FOLDER/NAME.f32.forces, .f64.forces) and PyTorch's
own in float32 are from PyTorch's in float64, eV/Å, with the largest force.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from painnless.model_file import Model, read_model
from painnless.worker.baseline_model import Baseline, Inputs

CARD = "cuda"


class OnCard(Baseline):
    """The baseline with its weights on the card."""

    def __init__(self, model: Model, dtype: torch.dtype) -> None:
        super().__init__(model, dtype)
        self._tensors = {name: tensor.to(CARD) for name, tensor in self._tensors.items()}

    def compiled_with_graph(self, inputs: Inputs) -> Callable[[], object]:
        arguments = self._arguments(inputs)

        def whole(positions: Tensor, numbers: Tensor, senders: Tensor, receivers: Tensor) -> tuple[Tensor, Tensor]:
            return self._energies_and_forces(positions, numbers, senders, receivers)

        function = torch.compile(make_fx(whole)(*arguments), fullgraph=True, dynamic=False)
        with torch.no_grad():
            return graphed(lambda: function(*arguments))


def edges(positions: Tensor, molecule: Tensor, cutoff: float, chunk: int = 2000) -> tuple[Tensor, Tensor]:
    receivers, senders = [], []
    for k in range(0, len(positions), chunk):
        near = torch.cdist(positions[k : k + chunk], positions, compute_mode="donot_use_mm_for_euclid_dist") < cutoff
        near &= molecule[k : k + chunk, None] == molecule[None]
        a, b = near.nonzero(as_tuple=True)
        keep = a + k != b
        receivers.append(a[keep] + k)
        senders.append(b[keep])
    return torch.cat(receivers), torch.cat(senders)


def graphed(run: Callable[[], object]) -> Callable[[], object]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def median_ms(run: Callable[[], object], count: int = 30) -> float:
    for _ in range(5):
        run()
    torch.cuda.synchronize()
    times = []
    for _ in range(count):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return sorted(times)[count // 2]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases")
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    model = read_model(options.model)
    for case in options.cases.split(","):
        name, structures = case.split(":")
        positions = torch.from_numpy(np.fromfile(options.folder / f"{name}.positions")).reshape(-1, 3).to(CARD)
        numbers = torch.from_numpy(np.fromfile(options.folder / f"{name}.numbers", dtype=np.int32)).long().to(CARD)
        molecule = torch.arange(len(numbers), device=CARD) // (len(numbers) // int(structures))
        receivers, senders = edges(positions, molecule, model.config.cutoff)
        inputs = Inputs(numbers, positions, senders, receivers, len(senders))
        exact = OnCard(model, torch.float64).eager(inputs)[1].cpu().numpy().ravel()
        single = OnCard(model, torch.float32)
        torch.backends.cuda.matmul.allow_tf32 = False
        away = {"torch:f32": float(np.abs(single.eager(inputs)[1].double().cpu().numpy().ravel() - exact).max())}
        for precision in ("f32", "f64"):
            away[precision] = float(np.abs(np.fromfile(options.folder / f"{name}.{precision}.forces") - exact).max())
        row = {"name": name, "edges": inputs.edges, "largestForce": float(np.abs(exact).max()), "away": away}
        for tf32 in (False, True):
            torch.backends.cuda.matmul.allow_tf32 = tf32
            key = "tf32" if tf32 else "f32"
            eager = partial(single.eager, inputs)
            row[f"{key} eager"] = median_ms(eager)
            row[f"{key} graph"] = median_ms(graphed(eager))
            if not options.no_compile:
                torch._dynamo.reset()
                row[f"{key} compiled"] = median_ms(single.compiled_with_graph(inputs))
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
