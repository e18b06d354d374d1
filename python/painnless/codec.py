"""Messages as frames, and back. `src/wire/codec.ts` is the same in TypeScript."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from painnless.errors import PainnlessError
from painnless.wire import PROTOCOL, Layout, Message, Packed, Positive, Uint32, layouts

__all__ = [
    "LARGE_BYTES",
    "ArrayWriter",
    "Decoded",
    "FrameBytes",
    "address_of",
    "decode_message",
    "encode_message",
    "encode_unchecked",
    "other_protocol",
]

FrameBytes = bytes | memoryview

MAX_HEADER_BYTES = 1 << 22
LARGE_BYTES = 1 << 16
"""Of an array, from which on it has a frame of its own, and a copy costs more than to do without."""

_dtypes: dict[str, np.dtype[Any]] = {"f64": np.dtype("<f8"), "i32": np.dtype("<i4"), "u8": np.dtype("u1")}


class _Array(NamedTuple):
    """What a field of a message is read as, and the bytes of a row of it."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    row_bytes: int


def _array(layout: Layout) -> _Array:
    dtype = _dtypes[layout.dtype]
    return _Array(dtype, (-1, *layout.columns), math.prod(layout.columns, start=dtype.itemsize))


_arrays = {kind: {field: _array(layout) for field, layout in fields.items()} for kind, fields in layouts.items()}

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


class ArrayWriter:
    """The arrays of a message in the making."""

    def __init__(self) -> None:
        self.frames: list[FrameBytes] = []
        """those that the header does not hold"""

    def add(self, dtype: Literal["f64", "i32", "u8"], values: NDArray[Any]) -> Packed:
        """What the message says of an array, which must not change until it is sent: a large one is not copied where it lies as the wire
        has it."""
        array = np.ascontiguousarray(values, dtype=_dtypes[dtype])
        if array.nbytes < LARGE_BYTES:
            return array.tobytes()
        self.frames.append(array.data.cast("B"))
        return len(self.frames)


class Decoded:
    """A message whose frames have been checked against its header."""

    def __init__(self, message: Message, frames: Sequence[FrameBytes]) -> None:
        self.message = message
        self._frames = frames

    def array(self, field: str) -> NDArray[Any]:
        """(rows, *columns) of a field that the message has, which may be changed: the frame itself where that can be, else a copy."""
        array = self.view(field)
        return array if array.flags.writeable and array.flags.aligned else array.copy()

    def view(self, field: str) -> NDArray[Any]:
        """As `array`, where the message has it: to be read only."""
        dtype, shape, _ = _arrays[type(self.message)][field]
        packed: Packed = getattr(self.message, field)
        return np.frombuffer(self._frames[packed] if isinstance(packed, int) else packed, dtype).reshape(shape)


def encode_message(message: Message, frames: Sequence[FrameBytes] = ()) -> list[FrameBytes]:
    """The frames of a message. Raises BAD_MESSAGE where it does not follow its own schema."""
    decode_message(made := encode_unchecked(message, frames))
    return made


def encode_unchecked(message: Message, frames: Sequence[FrameBytes] = ()) -> list[FrameBytes]:
    """As encode_message, for the way of every request: the message was made by types that hold, the frames by its ArrayWriter."""
    return [_encoder.encode(message), *frames]


def decode_message(frames: Sequence[FrameBytes]) -> Decoded:
    """A message and its arrays, checked: schema, number of frames, extents. Raises BAD_MESSAGE naming the field."""
    if not frames:
        raise PainnlessError("BAD_MESSAGE", "a message without frames, expected a header")
    if len(frames[0]) > MAX_HEADER_BYTES:
        raise PainnlessError("BAD_MESSAGE", f"the header has {len(frames[0])} bytes, expected at most {MAX_HEADER_BYTES}")
    try:
        message = _decoder.decode(frames[0])
    except msgspec.ValidationError as exc:
        _assert_protocol(frames[0])
        at = re.search(r" - at `\$\.?([^`]*)`$", str(exc))
        raise PainnlessError("BAD_MESSAGE", f"the header does not follow the protocol: {exc}", at[1] if at else None) from exc
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise PainnlessError("BAD_MESSAGE", f"the header is not msgpack: {exc}") from exc
    _check_arrays(message, frames)
    return Decoded(message, frames)


def address_of(frames: Sequence[FrameBytes]) -> tuple[int | None, int | None]:
    """Epoch and id of a message, as far as can be told of one that may be damaged."""
    try:
        header = msgspec.msgpack.decode(frames[0], type=Mapping[str, Any])
        address = msgspec.convert((header.get("epoch"), header.get("id")), tuple[Uint32, Uint32])
    except (IndexError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None, None
    return address


def other_protocol(found: int) -> PainnlessError:
    return PainnlessError("UNSUPPORTED", f"protocol {found}, this end speaks {PROTOCOL}; use the same release on both ends", "protocol")


def _assert_protocol(header: FrameBytes) -> None:
    """A greeting of another version may have other fields: that is why it is not understood, and what its sender must hear."""
    try:
        greeting = msgspec.msgpack.decode(header, type=_Greeting)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return
    if greeting.protocol != PROTOCOL:
        raise other_protocol(greeting.protocol)


class _Greeting(Struct):
    """What every version has."""

    kind: Literal["hello", "welcome"]
    protocol: Positive


def _check_arrays(message: Message, frames: Sequence[FrameBytes]) -> None:
    owners: dict[int, str] = {}
    for field, (_, _, row) in _arrays[type(message)].items():
        packed: Packed | None = getattr(message, field)
        if packed is None:
            continue
        if isinstance(packed, int):
            if packed >= len(frames):
                raise PainnlessError("BAD_MESSAGE", f"{field}: frame {packed} is not there", field)
            if packed in owners:
                raise PainnlessError("BAD_MESSAGE", f"{field} and {owners[packed]} share frame {packed}, expected one each", field)
            owners[packed] = field
            size = len(frames[packed])
        else:
            size = len(packed)
        if size % row != 0:
            raise PainnlessError("BAD_MESSAGE", f"{field} has {size} bytes, expected whole rows of {row}", field)
    if len(frames) != len(owners) + 1:
        kind = type(message).__name__.lower()
        raise PainnlessError("BAD_MESSAGE", f"{kind}: {len(frames) - 1} frames behind the header, expected {len(owners)}")
