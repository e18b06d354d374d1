"""Runs inside the engine as messages, and their frames back. `src/wire/motion.ts` is the same in TypeScript."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painnless.codec import ArrayWriter, Decoded, FrameBytes, encode_message
from painnless.errors import PainnlessError
from painnless.structure import Structure
from painnless.wire import Dynamics, Frame

__all__ = ["Snapshot", "decode_frame", "encode_dynamics"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Snapshot:
    """One step of all replicas, r of them."""

    step: int
    time: float  # fs since step 0
    energy: Floats  # (r) eV, potential
    kinetic: Floats  # (r) eV
    positions: Floats  # (r, n, 3) Å, not wrapped into the cell
    velocities: Floats  # (r, n, 3) Å/fs
    forces: Floats  # (r, n, 3) eV/Å


def encode_dynamics(epoch: int, request: int, structure: Structure, options: dict[str, Any], velocities: Floats | None) -> list[FrameBytes]:
    """The frames that ask for a run. options: SimulationRequest of src/dynamics/options.ts. velocities: (r, n, 3) Å/fs; drawn without."""
    writer = ArrayWriter()
    message = Dynamics(
        epoch=epoch,
        id=request,
        name=structure.name,
        options=options,
        numbers=writer.add("i32", structure.numbers),
        positions=writer.add("f64", structure.positions),
        cells=writer.add("f64", np.zeros((3, 3)) if structure.cell is None else structure.cell),
        pbc=writer.add("u8", np.array(structure.pbc, dtype=np.uint8)),
        velocities=None if velocities is None else writer.add("f64", velocities),
    )
    return encode_message(message, writer.frames)


def decode_frame(decoded: Decoded, atoms: int) -> Snapshot:
    """The step that a frame tells of. atoms: of one replica. Raises BAD_MESSAGE where its extents disagree."""
    message = decoded.message
    assert isinstance(message, Frame)
    arrays = {field: decoded.array(field) for field in ("energy", "kinetic", "positions", "velocities", "forces")}
    replicas = len(arrays["energy"])
    for field, array in arrays.items():
        rows = replicas if array.ndim == 1 else replicas * atoms
        if len(array) != rows:
            raise PainnlessError("BAD_MESSAGE", f"{field}: {len(array)} rows, expected {rows}", field)
    shape = replicas, atoms, 3
    return Snapshot(
        step=int(message.step),
        time=message.time,
        energy=arrays["energy"],
        kinetic=arrays["kinetic"],
        positions=arrays["positions"].reshape(shape),
        velocities=arrays["velocities"].reshape(shape),
        forces=arrays["forces"].reshape(shape),
    )
