"""What we ask of nvalchemi-toolkit-ops 0.5, on a processor, by every distance."""

from typing import Any

import torch


def prepare_neighbor_list(
    positions: torch.Tensor,
    cutoff: float,
    cell: torch.Tensor,
    pbc: torch.Tensor,
    batch_ptr: torch.Tensor | None,
    *,
    method: str,
    strategy: str,
    max_neighbors: int,
    fixed_cell: bool,
) -> dict[str, Any]:
    if strategy in ("tile", "pair_centric"):
        raise ValueError(f"strategy='{strategy}' requires CUDA")
    if method == "cluster_tile":
        raise ValueError("cluster-tile preparation requires CUDA float32 positions")
    assert fixed_cell and cell.dtype == positions.dtype == torch.float32
    structures = 1 if batch_ptr is None else len(batch_ptr) - 1
    assert cell.shape == (structures, 3, 3) and pbc.shape == (structures, 3)
    return {"cutoff": cutoff, "cell": cell, "pbc": pbc, "structures": structures, "max_neighbors": max_neighbors, "shape": positions.shape}


def neighbor_list(positions: torch.Tensor, *, state: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    assert positions.shape == state["shape"]
    x = positions.reshape(state["structures"], -1, 3)
    lengths = state["cell"].diagonal(dim1=1, dim2=2)[:, None]
    if not state["pbc"].any():  # atoms outside the cell would share a bin with others
        assert bool(((x > 0) & (x < lengths)).all())
    between = x[:, :, None] - x[:, None]
    shifts = -(between / lengths[:, None]).round() * state["pbc"][:, None, None]
    near = (between + shifts * lengths[:, None]).norm(dim=-1) < state["cutoff"]
    near.diagonal(0, 1, 2).fill_(False)
    counts = near.sum(-1).flatten()
    assert int(counts.max()) <= state["max_neighbors"]
    matrix = torch.full((len(positions), state["max_neighbors"]), len(positions))
    return matrix, counts, shifts
