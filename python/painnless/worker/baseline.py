"""python -m painnless.worker.baseline MODEL --threads N --parent PID [--device cuda]: times PyTorch for `painnless bench`.

One JSON object a line on standard input, one answer a line on standard output, until the input ends:
  {"kind": "load", "numbers": [..], "molecules": [..], "positions": [[3N], ..]}   -> {"kind": "loaded", "edges": [..]}
  {"kind": "evaluate", "how": "eager" | "compiled", "precision": "f32" | "f64", "set": k}
                                                                                  -> {"kind": "evaluated", "energies": [N], "forces": [3N]}
  {"kind": "time", "how": .., "precision": .., "set": k, "count": c}              -> {"kind": "timed", "seconds": [c], "graphs": g}
On a card (baseline_card.py) how is "eager", "graph", "compiled" or "schnetpack", precision "f32", "tf32" or "f64"; time takes "cold" too,
and load "box", the edges of a periodic one. A search for neighbours is timed likewise, "torch-search", "nvalchemi-eager" or
"nvalchemi-graph", and says how many edges it finds:
  {"kind": "search", "how": .., "set": k}                                         -> {"kind": "searched", "edges": e}
`graphs` counts what torch.compile has compiled since the last load (on a card: for this way and precision).
A request that fails is answered by {"kind": "error", "message": ..}.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from painnless.model_file import read_model
from painnless.worker.baseline_card import CardSession
from painnless.worker.baseline_compiled import count_graphs, forget_graphs
from painnless.worker.baseline_model import Baseline, Inputs, make_inputs
from painnless.worker.lines import Methods, answer_lines

__all__ = ["Session"]

_dtypes = {"f32": torch.float32, "f64": torch.float64}


class Session:
    """A model and the inputs loaded last; each method answers the request of its name."""

    def __init__(self, path: str) -> None:
        model = read_model(path)
        self._cutoff = model.config.cutoff
        self._baselines = {precision: Baseline(model, dtype) for precision, dtype in _dtypes.items()}
        self._inputs: list[Inputs] = []

    def load(self, numbers: list[int], molecules: list[int], positions: list[list[float]]) -> dict[str, Any]:
        forget_graphs(*self._baselines.values())
        sets = [torch.tensor(x, dtype=torch.float64).reshape(-1, 3) for x in positions]
        self._inputs = make_inputs(torch.tensor(numbers), torch.tensor(molecules), sets, self._cutoff)
        return {"kind": "loaded", "edges": [inputs.edges for inputs in self._inputs]}

    def evaluate(self, how: str, precision: str, set: int) -> dict[str, Any]:
        energies, forces = self._runner(how, precision)(self._inputs[set])
        return {"kind": "evaluated", "energies": energies.double().tolist(), "forces": forces.double().flatten().tolist()}

    def time(self, how: str, precision: str, set: int, count: int) -> dict[str, Any]:
        """One evaluation untimed, as it pays for what another process left in the caches, then `count` timed ones."""
        run, inputs = self._runner(how, precision), self._inputs[set]
        run(inputs)
        seconds: list[float] = []
        for _ in range(count):
            start = time.perf_counter()
            run(inputs)
            seconds.append(time.perf_counter() - start)
        return {"kind": "timed", "seconds": seconds, "graphs": count_graphs(*self._baselines.values())}

    def _runner(self, how: str, precision: str) -> Callable[[Inputs], tuple[torch.Tensor, torch.Tensor]]:
        baseline = self._baselines[precision]
        return {"eager": baseline.eager, "compiled": baseline.compiled}[how]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m painnless.worker.baseline")
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()

    def prepare() -> tuple[dict[str, Any], Methods]:
        torch.set_num_threads(options.threads)
        session = CardSession(options.model) if options.device == "cuda" else Session(options.model)
        search: Methods = {"search": session.search} if isinstance(session, CardSession) else {}
        ready = {"threads": torch.get_num_threads(), "torch": str(torch.__version__)}
        return ready, {"load": session.load, "evaluate": session.evaluate, "time": session.time, **search}

    return answer_lines(options.parent, prepare)


if __name__ == "__main__":
    sys.exit(main())
