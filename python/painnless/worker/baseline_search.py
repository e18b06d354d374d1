"""Searches for neighbours beside ours, for `painnless bench gpu`: all distances in plain PyTorch, and nvalchemi-toolkit-ops.

Each finds the pairs nearer than the cutoff within a molecule, both directions, from positions in float32.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from painnless.worker.baseline_model import Inputs, nearest
from painnless.worker.opponents import import_opponent

__all__ = ["Search", "all_distances", "nvalchemi", "searches", "torch_search"]

_WARM_UPS = 3
_PROBES = 5
_RECORDED = (("naive", "scalar"), ("naive", "tile"), ("cell_list", "atom_centric"), ("cell_list", "pair_centric"))
"""methods, with their strategies, that can be recorded"""
_METHODS = (*_RECORDED, ("cluster_tile", "auto"))


@dataclass(frozen=True)
class Search:
    """run finds the pairs of the set that was placed last; edges says how many it has found."""

    places: list[Tensor]
    """(N, 3) float32, of each set"""
    positions: Tensor
    """where it reads: one place for all sets, as what is recorded needs"""
    run: Callable[[], Any]
    edges: Callable[[Any], int]
    behind: Any = None
    """what a recorded one writes to, too"""

    def place(self, set: int) -> None:
        self.positions.copy_(self.places[set])


def torch_search(inputs: list[Inputs], molecules: Tensor, cutoff: float, box: Tensor | None) -> Search:
    """What needs no other package."""
    places = [x.positions.float() for x in inputs]
    positions, lengths = places[0].clone(), None if box is None else box.float()
    x = positions.reshape(int(molecules[-1]) + 1, -1, 3)
    return Search(places, positions, lambda: all_distances(x, cutoff, lengths), len)


def all_distances(x: Tensor, cutoff: float, box: Tensor | None = None, rows: int = 1024) -> Tensor:
    """(molecule, receiver, sender) of pairs nearer than the cutoff, in molecules of one size, x (M, N, 3), so many receivers at a time."""
    found: list[Tensor] = []
    for first in range(0, x.shape[1], rows):
        near = nearest(x[:, first : first + rows, None] - x[:, None], box).square_().sum(-1) < cutoff**2
        near.diagonal(first, 1, 2).fill_(False)
        pairs = near.nonzero()
        pairs[:, 1] += first
        found.append(pairs)
    return torch.cat(found)


def nvalchemi(
    inputs: list[Inputs], molecules: Tensor, cutoff: float, box: Tensor | None, methods: Sequence[tuple[str, str]] = _METHODS
) -> Search:
    """nvalchemi-toolkit-ops by its prepared states: cells and outputs are laid out before, and rows are no longer than they must be.

    The fastest of its methods on the first set. It gives a matrix of neighbours, their shifts, and how many each atom has.
    Raises PainnlessError MISSING where it cannot be imported.
    """
    (package,) = import_opponent("nvalchemi-toolkit-ops", "nvalchemiops.torch.neighbors")
    structures = int(molecules[-1]) + 1
    sets = torch.stack([x.positions.float() for x in inputs]).reshape(len(inputs), structures, -1, 3)
    size = sets.shape[2]
    if box is None:
        # It bins open structures in a box, too, which begins at the origin and here holds a structure in every set.
        margin = 0.05 * cutoff
        low = sets.amin((0, 2)) - margin
        lengths = sets.amax((0, 2)) + margin - low
        sets = sets - low[:, None]
    else:
        lengths = box.float().expand(structures, 3)
    places = list(sets.reshape(len(inputs), -1, 3))
    positions = places[0].clone()
    given = {
        "cell": torch.diag_embed(lengths),
        "pbc": torch.full((structures, 3), box is not None, device=sets.device),
        "batch_ptr": torch.arange(0, structures * size + 1, size, dtype=torch.int32, device=sets.device) if structures > 1 else None,
        "max_neighbors": _longest(inputs),
        "fixed_cell": True,
    }

    def by(method: str, strategy: str) -> Callable[[], Any]:
        state = package.prepare_neighbor_list(positions, cutoff, method=method, strategy=strategy, **given)
        return lambda: package.neighbor_list(positions, state=state)

    timed: list[tuple[float, Callable[[], Any]]] = []
    refused: Exception | None = None
    for method in methods:
        try:
            run = by(*method)
            timed.append((_seconds(run), run))
        except (NotImplementedError, RuntimeError, ValueError) as exc:  # some are for cards, others for periodic boxes alone
            refused = exc
    if not timed and refused is not None:
        raise refused
    _, fastest = min(timed, key=lambda one: one[0])
    return Search(places, positions, fastest, lambda found: int(found[1].sum()))


def _recorded(search: Search) -> Search:
    """The same as a CUDA graph. Recorded by Warp, as its scans ask for memory, which PyTorch does not let them while it records."""
    (warp,) = import_opponent("warp-lang", "warp")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side), warp.ScopedStream(warp.stream_from_torch(side)):
        for _ in range(_WARM_UPS):
            search.run()
        side.synchronize()
        with warp.ScopedCapture() as capture:
            found = search.run()
    stream = warp.stream_from_torch(torch.cuda.current_stream())

    def replay() -> Any:
        warp.capture_launch(capture.graph, stream=stream)
        return found

    return replace(search, run=replay, behind=search)


def _longest(inputs: list[Inputs]) -> int:
    """Neighbours of any atom, rounded up; a pair at the cutoff may be one more in float32."""
    most = max(int(torch.bincount(x.receivers, minlength=1).max()) for x in inputs)
    return 8 * (most // 8 + 1)


def _seconds(run: Callable[[], object]) -> float:
    for _ in range(_WARM_UPS):
        run()
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    synchronize()
    start = time.perf_counter()
    for _ in range(_PROBES):
        run()
    synchronize()
    return time.perf_counter() - start


searches: Mapping[str, Callable[[list[Inputs], Tensor, float, Tensor | None], Search]] = {
    "torch-search": torch_search,
    "nvalchemi-eager": nvalchemi,
    "nvalchemi-graph": lambda *about: _recorded(nvalchemi(*about, methods=_RECORDED)),
}
"""Of sets of positions, the molecule of each atom, a cutoff, and a periodic box: what searches, by its name."""
