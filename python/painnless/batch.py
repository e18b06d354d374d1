"""Structures and evaluations as messages, and back. `src/wire/batch.ts` is the same in TypeScript."""

import struct
from collections.abc import Collection, Sequence, Sized
from itertools import accumulate, chain
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from painnless.codec import ArrayWriter, Decoded, FrameBytes, encode_message, encode_unchecked
from painnless.errors import PainnlessError
from painnless.structure import Structure
from painnless.wire import Evaluate, Property, Result

__all__ = ["Evaluation", "decode_evaluate", "decode_result", "encode_evaluate", "encode_result"]

Floats = NDArray[np.float64]

_NO_CELL = np.zeros((3, 3))
_NO_CELL_BYTES = _NO_CELL.tobytes()
_f64 = np.dtype("<f8")
_unpack = struct.Struct("<dd").unpack


class Evaluation(Struct, frozen=True, eq=False):  # as a dataclass it would take ten times as long to make
    """What a potential says of one structure; None where it was not asked for or there is none."""

    energy: float  # eV, everything included
    net_energy: float  # eV, without constants
    forces: Floats | None  # (n, 3) eV/Å
    stress: Floats | None  # (6) Voigt xx yy zz yz xz xy, eV/Å^3, positive is tension
    energies: Floats | None  # (n) eV


def encode_evaluate(epoch: int, request: int, structures: Sequence[Structure], want: Collection[Property]) -> list[FrameBytes]:
    """The frames that ask for `want` of each structure; their shapes have been checked."""
    if len(structures) == 1:
        return _encode_single(epoch, request, structures[0], want)
    writer = ArrayWriter()
    message = Evaluate(
        epoch=epoch,
        id=request,
        want=list(want),
        names=[s.name for s in structures],
        counts=b"".join(len(s.numbers).to_bytes(4, "little") for s in structures),
        numbers=writer.add("i32", np.concatenate([s.numbers for s in structures])),
        positions=writer.add("f64", np.concatenate([s.positions for s in structures])),
        cells=writer.add("f64", np.concatenate([_NO_CELL if s.cell is None else s.cell for s in structures])),
        pbc=bytes(chain.from_iterable(s.pbc for s in structures)),
    )
    return encode_unchecked(message, writer.frames)


def _encode_single(epoch: int, request: int, structure: Structure, want: Collection[Property]) -> list[FrameBytes]:
    """The same of one, as each step of a trajectory asks: in half the time, as nothing is joined."""
    writer = ArrayWriter()
    message = Evaluate(
        epoch=epoch,
        id=request,
        want=list(want),
        names=[structure.name],
        counts=len(structure.numbers).to_bytes(4, "little"),
        numbers=writer.add("i32", structure.numbers),
        positions=writer.add("f64", structure.positions),
        cells=_NO_CELL_BYTES if structure.cell is None else writer.add("f64", structure.cell),
        pbc=bytes(structure.pbc),
    )
    return encode_unchecked(message, writer.frames)


def decode_evaluate(decoded: Decoded) -> list[Structure]:
    """The structures that are asked about; whether they can be computed is for the side to say.

    Raises BAD_MESSAGE where the extents of the arrays disagree.
    """
    message = decoded.message
    assert isinstance(message, Evaluate)
    counts, numbers, cells, pbc = map(decoded.view, ("counts", "numbers", "cells", "pbc"))
    positions = decoded.array("positions")
    if np.any(counts < 0):
        raise PainnlessError("BAD_MESSAGE", f"counts: {counts.min()}, expected 0 or more", "counts")
    total = int(counts.sum(dtype=np.int64))
    _expect_rows("counts", counts, len(message.names))
    _expect_rows("numbers", numbers, total)
    _expect_rows("positions", positions, total)
    _expect_rows("cells", cells, len(message.names))
    _expect_rows("pbc", pbc, len(message.names))
    ends = np.cumsum(counts)[:-1]
    numbers, positions = np.split(numbers.astype(np.int64), ends), np.split(positions, ends)
    return [
        Structure(
            name=name,
            numbers=numbers[s],
            positions=positions[s],
            cell=cells[s].copy() if np.any(cells[s] != 0) else None,
            pbc=(bool(pbc[s, 0]), bool(pbc[s, 1]), bool(pbc[s, 2])),
        )
        for s, name in enumerate(message.names)
    ]


def encode_result(epoch: int, request: int, evaluations: Sequence[Evaluation]) -> list[FrameBytes]:
    """The frames that answer with `evaluations`; a property is sent when every evaluation has it (stress: those that have it)."""
    writer = ArrayWriter()
    forces = [e.forces for e in evaluations if e.forces is not None]
    energies = [e.energies for e in evaluations if e.energies is not None]
    stress = [e.stress for e in evaluations if e.stress is not None]
    message = Result(
        epoch=epoch,
        id=request,
        energy=writer.add("f64", np.array([e.energy for e in evaluations])),
        net=writer.add("f64", np.array([e.net_energy for e in evaluations])),
        forces=writer.add("f64", np.concatenate(forces)) if len(forces) == len(evaluations) else None,
        stress=writer.add("f64", np.stack(stress)) if stress else None,
        stressed=[s for s, e in enumerate(evaluations) if e.stress is not None],
        energies=writer.add("f64", np.concatenate(energies)) if len(energies) == len(evaluations) else None,
    )
    return encode_message(message, writer.frames)


def decode_result(decoded: Decoded, structures: Sequence[Structure]) -> list[Evaluation]:
    """One evaluation for each structure that was asked about. Raises BAD_MESSAGE where the answer does not fit the question."""
    message = decoded.message
    assert isinstance(message, Result)
    if len(structures) == 1 and (evaluation := _decode_single(message, len(structures[0].numbers))) is not None:
        return [evaluation]
    counts = [len(s.numbers) for s in structures]
    atoms = sum(counts)
    energy, net = decoded.view("energy"), decoded.view("net")
    forces = None if message.forces is None else decoded.array("forces")
    stress = () if message.stress is None else decoded.array("stress")
    energies = None if message.energies is None else decoded.array("energies")
    _expect_rows("energy", energy, len(counts))
    _expect_rows("net", net, len(counts))
    _expect_rows("stress", stress, len(message.stressed))
    if forces is not None:
        _expect_rows("forces", forces, atoms)
    if energies is not None:
        _expect_rows("energies", energies, atoms)
    stresses = dict(zip(message.stressed, stress, strict=True))
    columns = zip(energy.tolist(), net.tolist(), _parts(forces, counts), _parts(energies, counts), strict=True)
    return [
        Evaluation(energy=energy, net_energy=net, forces=forces, stress=stresses.get(s), energies=energies)
        for s, (energy, net, forces, energies) in enumerate(columns)
    ]


def _decode_single(message: Result, atoms: int) -> Evaluation | None:
    """The same of one with nothing but energy and perhaps small forces, as each step of a trajectory is answered, in a quarter of the time;
    None for whatever is not exactly that."""
    energy, net, forces = message.energy, message.net, message.forces
    if not (message.stress is message.energies is None and isinstance(energy, bytes) and isinstance(net, bytes) and not message.stressed):
        return None
    if not (len(energy) == len(net) == 8 and (forces is None or (isinstance(forces, bytes) and len(forces) == 24 * atoms))):
        return None
    own = None if forces is None else np.ndarray((atoms, 3), _f64, bytearray(forces))  # which, unlike bytes, may be changed
    total, net_energy = _unpack(energy + net)
    return Evaluation(total, net_energy, own, None, None)


def _parts(array: NDArray[Any] | None, counts: Sequence[int]) -> Sequence[NDArray[Any] | None]:
    if array is None:
        return [None] * len(counts)
    return [array] if len(counts) == 1 else [array[end - count : end] for count, end in zip(counts, accumulate(counts), strict=True)]


def _expect_rows(field: str, array: Sized, expected: int) -> None:
    if len(array) != expected:
        raise PainnlessError("BAD_MESSAGE", f"{field}: {len(array)} rows, expected {expected}", field)
