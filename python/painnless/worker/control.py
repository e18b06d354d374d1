"""What Node asks of Python as a library, through pythonia: one JSON request, one JSON answer, never an array in a loop."""

import base64
import json
import signal
import traceback
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from painnless.errors import PainnlessError
from painnless.worker.lifeline import assert_parent, die_with_parent

__all__ = ["answer"]


class Attach(msgspec.Struct, tag_field="do", tag="attach", forbid_unknown_fields=True):
    parent: int


class Import(msgspec.Struct, tag_field="do", tag="import", forbid_unknown_fields=True):
    source: str
    target: str
    energyUnit: str | None


class Read(msgspec.Struct, tag_field="do", tag="read", forbid_unknown_fields=True):
    sources: list[str]
    moved: bool


class PackedStructure(msgspec.Struct, forbid_unknown_fields=True):
    """Arrays as base64 of their little-endian float64."""

    name: str
    numbers: list[int]
    positions: str
    cell: str | None
    pbc: tuple[bool, bool, bool]


class PackedEvaluation(msgspec.Struct, forbid_unknown_fields=True):
    energy: float
    forces: str | None
    stress: str | None
    energies: str | None


class Write(msgspec.Struct, tag_field="do", tag="write", forbid_unknown_fields=True):
    path: str
    structures: list[PackedStructure]
    evaluations: list[PackedEvaluation] | None = None


class Convert(msgspec.Struct, tag_field="do", tag="convert", forbid_unknown_fields=True):
    source: str
    target: str


def answer(request: str) -> str:
    """{"ok": ...} or {"error": {"code", "message", "field"}}."""
    try:
        reply: dict[str, Any] = {"ok": _do(msgspec.json.decode(request, type=Attach | Import | Read | Write | Convert))}
    except PainnlessError as error:
        reply = {"error": {"code": error.code, "message": error.message, "field": error.field}}
    except Exception:  # the traceback is for us: what a caller can act on is a PainnlessError
        reply = {"error": {"code": "INTERNAL", "message": traceback.format_exc(), "field": None}}
    return json.dumps(reply)


def _do(request: Attach | Import | Read | Write | Convert) -> Any:
    # What is asked decides what is imported: ase costs half a second, and an import needs none of it.
    match request:
        case Attach():
            die_with_parent(signal.SIGKILL)
            assert_parent(request.parent)
            return None
        case Import():
            from painnless.importers import convert  # noqa: PLC0415

            return convert(request.source, request.target, request.energyUnit)
        case Read():
            from painnless.worker.files import read_structures  # noqa: PLC0415

            return [
                {
                    "name": s.name,
                    "numbers": s.numbers.tolist(),
                    "positions": _pack(s.positions),
                    "cell": None if s.cell is None else _pack(s.cell),
                    "pbc": s.pbc,
                }
                for source in request.sources
                for s in read_structures(source, moved=request.moved)
            ]
        case Convert():
            from painnless.worker.files import convert_trajectory  # noqa: PLC0415

            return convert_trajectory(request.source, request.target)
        case Write():
            from painnless.batch import Evaluation  # noqa: PLC0415
            from painnless.structure import Structure  # noqa: PLC0415
            from painnless.worker.files import write_structures  # noqa: PLC0415

            structures = [
                Structure(
                    name=s.name,
                    numbers=np.array(s.numbers, dtype=np.int64),
                    positions=_unpack(s.positions, 3),
                    cell=None if s.cell is None else _unpack(s.cell, 3),
                    pbc=s.pbc,
                )
                for s in request.structures
            ]
            evaluations = [
                Evaluation(
                    energy=e.energy,
                    net_energy=e.energy,
                    forces=None if e.forces is None else _unpack(e.forces, 3),
                    stress=None if e.stress is None else _unpack(e.stress),
                    energies=None if e.energies is None else _unpack(e.energies),
                )
                for e in request.evaluations or ()
            ]
            return write_structures(request.path, structures, None if request.evaluations is None else evaluations)


def _pack(array: NDArray[np.float64]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f8").tobytes()).decode()


def _unpack(text: str, *columns: int) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), dtype="<f8").reshape((-1, *columns)).copy()
