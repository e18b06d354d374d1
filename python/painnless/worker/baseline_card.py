"""PyTorch on a card, for `painnless bench gpu` (baseline.py says what is asked and answered).

Three ways, neighbours given: eager; eager, recorded once and replayed as a CUDA graph; one compiled graph, recorded and replayed likewise.
Precisions: float32, float32 with products in TF32, and float64 (judge). A recorded graph reads one place, to which a set is copied before
it is timed, and all share one pool of memory: none needs what another left there.
Beside them SchNetPack's own model (baseline_schnetpack.py), eager in float32, and searches for neighbours (baseline_search.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from painnless.errors import PainnlessError
from painnless.model_file import read_model
from painnless.worker.baseline_compiled import count_graphs, forget_graphs
from painnless.worker.baseline_model import Baseline, Inputs, make_inputs
from painnless.worker.baseline_schnetpack import schnetpack_model
from painnless.worker.baseline_search import Search, searches

__all__ = ["CardSession"]

_CARD = "cuda"
_WARM_UPS = 3
_CHUNKS = 5  # measurements of a turn whose caches are warm; each the mean over evaluations one behind the other
_FLUSH_BYTES = 512 << 20  # several times the largest second-level cache


@dataclass(frozen=True)
class _Runner:
    """One way to evaluate. `inputs` of a recorded one is where it reads; `graphs`: compiled to make it."""

    run: Callable[[], tuple[Tensor, Tensor]]
    inputs: Inputs | None
    graphs: int


class CardSession:
    """A model and the inputs loaded last; each method answers the request of its name."""

    def __init__(self, path: str) -> None:
        if not torch.cuda.is_available():
            message = f"PyTorch {torch.__version__} sees no GPU; install a build of it for CUDA, or leave it out with --no-opponents"
            raise PainnlessError("MISSING", message)
        self._model = read_model(path)
        self._single = Baseline(self._model, torch.float32, device=_CARD)
        self._double: Baseline | None = None
        self._inputs: list[Inputs] = []
        self._molecules = torch.zeros(0, dtype=torch.int64)
        self._box: Tensor | None = None
        self._runners: dict[tuple[str, str], _Runner] = {}
        self._searches: dict[str, Search] = {}
        self._schnetpack: Callable[[Inputs, Tensor], Callable[[], tuple[Tensor, Tensor]]] | None = None
        self._pool: Any = None
        self._flush: Tensor | None = None

    def load(
        self, numbers: list[int], molecules: list[int], positions: list[list[float]], box: list[float] | None = None
    ) -> dict[str, Any]:
        """box: edges of a periodic one, for searches; the model knows none."""
        self._runners.clear()
        self._searches.clear()
        forget_graphs(self._single)
        torch.cuda.empty_cache()
        self._pool = torch.cuda.graph_pool_handle()
        sets = [torch.tensor(x, dtype=torch.float64, device=_CARD).reshape(-1, 3) for x in positions]
        self._molecules = torch.tensor(molecules, device=_CARD)
        self._box = None if box is None else torch.tensor(box, dtype=torch.float64, device=_CARD)
        self._inputs = make_inputs(torch.tensor(numbers, device=_CARD), self._molecules, sets, self._model.config.cutoff, self._box)
        return {"kind": "loaded", "edges": [inputs.edges for inputs in self._inputs]}

    def evaluate(self, how: str, precision: str, set: int) -> dict[str, Any]:
        run, _ = self._prepare(how, precision, set)
        energies, forces = run()
        answer = {"kind": "evaluated", "energies": energies.double().tolist(), "forces": forces.double().flatten().tolist()}
        if precision == "f64":  # the judge is asked for each set once, and what it takes is needed by others
            self._double = None
            del energies, forces, run
            torch.cuda.empty_cache()
        return answer

    def search(self, how: str, set: int) -> dict[str, Any]:
        """How many edges a search finds, both directions counted."""
        search = self._placed(how, set)
        return {"kind": "searched", "edges": search.edges(search.run())}

    def time(self, how: str, precision: str, set: int, count: int, cold: bool = False) -> dict[str, Any]:
        """Seconds on the card. Warm: means over evaluations one behind the other; cold: single ones, each after the caches were flushed."""
        run, graphs = self._prepare(how, precision, set)
        run()
        torch.cuda.synchronize()
        if cold:
            return {"kind": "timed", "seconds": [self._seconds(run, 1, flush=True) for _ in range(count)], "graphs": graphs}
        chunk = -(-count // _CHUNKS)
        return {"kind": "timed", "seconds": [self._seconds(run, chunk, flush=False) for _ in range(-(-count // chunk))], "graphs": graphs}

    def _seconds(self, run: Callable[[], object], count: int, flush: bool) -> float:
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        if flush:
            if self._flush is None:
                self._flush = torch.empty(_FLUSH_BYTES, dtype=torch.uint8, device=_CARD)
            self._flush.fill_(1)
        begin.record()
        for _ in range(count):
            run()
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end) / 1e3 / count

    def _prepare(self, how: str, precision: str, set: int) -> tuple[Callable[[], Any], int]:
        """What evaluates a set, ready to be called."""
        inputs = self._inputs[set]
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        if how in searches:
            return self._placed(how, set).run, 0
        if how == "schnetpack":
            self._schnetpack = self._schnetpack or schnetpack_model(self._model, _CARD)
            return self._schnetpack(inputs, self._molecules), 0
        if how == "eager":
            single = replace(inputs, positions=inputs.positions.float())
            return (lambda: self._judge().eager(inputs)) if precision == "f64" else (lambda: self._single.eager(single)), 0
        runner = self._runners.get((how, precision))
        if runner is None:
            before = count_graphs(self._single)
            into = replace(inputs, positions=inputs.positions.float(), senders=inputs.senders.clone(), receivers=inputs.receivers.clone())
            way = {"graph": self._single.eager, "compiled": self._single.compiled}[how]
            run = self._recorded(lambda: way(into))
            runner = self._runners[how, precision] = _Runner(run, into, count_graphs(self._single) - before)
        if runner.inputs is not None:
            runner.inputs.positions.copy_(inputs.positions)
            runner.inputs.senders.copy_(inputs.senders)
            runner.inputs.receivers.copy_(inputs.receivers)
        return runner.run, runner.graphs

    def _judge(self) -> Baseline:
        self._double = self._double or Baseline(self._model, torch.float64, device=_CARD)
        return self._double

    def _recorded(self, run: Callable[[], tuple[Tensor, Tensor]]) -> Callable[[], tuple[Tensor, Tensor]]:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            energies, forces = run()

        def replay() -> tuple[Tensor, Tensor]:
            graph.replay()
            return energies, forces

        return replay

    def _placed(self, how: str, set: int) -> Search:
        """A search that is to read this set."""
        if how not in self._searches:
            self._searches[how] = searches[how](self._inputs, self._molecules, self._model.config.cutoff, self._box)
        self._searches[how].place(set)
        return self._searches[how]
