"""The neighbour builder against ASE's, and the rules it must keep by itself."""

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from painnless.errors import PainnlessError
from painnless.reference.neighbors import Edges, find_edges

MOLECULE = (False, False, False)


def as_set(edges: Edges) -> set[tuple[int, ...]]:
    return {(int(i), int(j), *map(int, s)) for i, j, s in zip(edges.receivers, edges.senders, edges.shifts, strict=True)}


@st.composite
def crystals(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, tuple[bool, bool, bool], float]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pbc = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    lengths = random.uniform(1.5, 9.0, size=3)
    cell = np.diag(lengths) + random.uniform(-0.6, 0.6, size=(3, 3)) * lengths.min()
    positions = random.uniform(-1.5, 2.5, size=(draw(st.integers(1, 8)), 3)) @ cell  # many lie outside the cell
    return positions, cell, pbc, draw(st.sampled_from([1.0, 3.0, 5.0]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(crystals())
def test_same_edges_as_ase(crystal: tuple[np.ndarray, np.ndarray, tuple[bool, bool, bool], float]) -> None:
    positions, cell, pbc, cutoff = crystal
    atoms = Atoms(numbers=np.ones(len(positions)), positions=positions, cell=cell, pbc=pbc)
    i, j, shifts = neighbor_list("ijS", atoms, cutoff)
    expected = {(int(a), int(b), *map(int, s)) for a, b, s in zip(i, j, shifts, strict=True)}
    edges = find_edges(positions, cell, pbc, cutoff)
    assert as_set(edges) == expected
    assert len(edges.receivers) == len(expected)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(crystals())
def test_every_edge_has_its_reverse(crystal: tuple[np.ndarray, np.ndarray, tuple[bool, bool, bool], float]) -> None:
    edges = as_set(find_edges(*crystal))
    assert {(j, i, -a, -b, -c) for i, j, a, b, c in edges} == edges


def test_sorted_by_receiver_then_sender() -> None:
    random = np.random.default_rng(5)
    edges = find_edges(random.uniform(0, 4, size=(6, 3)), 4 * np.eye(3), (True, True, True), 4.5)
    rows = list(zip(edges.receivers, edges.senders, map(tuple, edges.shifts), strict=True))
    assert len(rows) > 100
    assert rows == sorted(rows)


@pytest.mark.parametrize(("rule", "count"), [("lt", 0), ("le", 2)])
def test_pair_at_the_cutoff(rule: str, count: int) -> None:
    assert len(find_edges(np.array([[0.0, 0, 0], [0, 5.0, 0]]), None, MOLECULE, 5.0, rule).receivers) == count


def test_one_atom_sees_its_own_images() -> None:
    assert len(find_edges(np.zeros((1, 3)), None, MOLECULE, 5.0).receivers) == 0
    cubic = find_edges(np.zeros((1, 3)), 3.0 * np.eye(3), (True, True, True), 3.1)
    assert as_set(cubic) == {(0, 0, *s) for s in [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]}


def test_more_atoms_than_a_chunk_of_rows() -> None:
    grid = 2.0 * np.array(list(np.ndindex(8, 8, 8)), dtype=np.float64)
    edges = find_edges(grid, 16.0 * np.eye(3), (True, True, True), 2.1)
    assert np.array_equal(np.bincount(edges.receivers), np.full(512, 6))


@pytest.mark.parametrize(
    ("positions", "cell", "pbc"),
    [
        (np.array([[1.0, 2, 3], [4, 5, 6], [1, 2, 3]]), None, MOLECULE),
        (np.array([[0.0, 0, 0], [3, 0, 0]]), 3.0 * np.eye(3), (True, False, False)),
    ],
    ids=["same place", "same place as an image"],
)
def test_coincident_atoms_are_refused(positions: np.ndarray, cell: np.ndarray | None, pbc: tuple[bool, bool, bool]) -> None:
    with pytest.raises(PainnlessError, match="same place") as caught:
        find_edges(positions, cell, pbc, 5.0)
    assert (caught.value.code, caught.value.field) == ("BAD_STRUCTURE", "positions")
