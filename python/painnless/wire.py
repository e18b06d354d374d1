"""The wire, version 1: messages and their frames. Mirrors `src/wire/messages.ts`, where each field is explained, and `codec.ts`."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from painnless.errors import ErrorCode, PainnlessError

__all__ = [
    "PROTOCOL",
    "Array",
    "ArrayWriter",
    "Busy",
    "Bye",
    "Cancel",
    "Decoded",
    "Done",
    "Dynamics",
    "Error",
    "Evaluate",
    "Frame",
    "Hello",
    "Latency",
    "Limits",
    "Message",
    "Ping",
    "Pong",
    "Property",
    "Result",
    "Statistics",
    "Status",
    "Welcome",
    "address_of",
    "decode_message",
    "encode_message",
    "encode_unchecked",
    "other_protocol",
    "properties",
]

PROTOCOL = 1
MAX_HEADER_BYTES = 1 << 22

Property = Literal["energy", "forces", "stress", "energies"]
properties: tuple[Property, ...] = ("energy", "forces", "stress", "energies")

Uint32 = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Count = Annotated[float, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Element = Annotated[int, Meta(ge=1, le=118)]
Rows = Annotated[int, Meta(ge=0, le=0x7FFFFFFF)]

PerRow = tuple[Rows]
PerRow3 = tuple[Rows, Literal[3]]
PerRow6 = tuple[Rows, Literal[6]]
PerRow3x3 = tuple[Rows, Literal[3], Literal[3]]

D = TypeVar("D", bound=str)
S = TypeVar("S", bound=tuple[int, ...])

_dtypes: dict[str, np.dtype[Any]] = {"f64": np.dtype("<f8"), "i32": np.dtype("<i4"), "u8": np.dtype("u1")}


class Array(Struct, Generic[D, S], frozen=True, forbid_unknown_fields=True):
    """An array beside the header, whole in frame number `frame`; the header is frame 0."""

    dtype: D
    shape: S
    frame: Annotated[int, Meta(ge=1, le=64)]


class _Message(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    epoch: Uint32


class _Request(_Message, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    id: Uint32


class Hello(_Request, frozen=True):
    protocol: Positive
    model: str | None
    client: Annotated[str, Meta(max_length=200)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    atoms: Positive
    structures: Positive
    bytes: Positive
    queue: Positive
    clients: Positive


class Welcome(_Request, frozen=True):
    protocol: Positive
    side: Annotated[str, Meta(min_length=1)]
    provides: list[Property]
    model: str | None
    elements: list[Element] | None
    cutoff: Annotated[float, Meta(gt=0)] | None
    periodic: bool
    dynamics: bool
    limits: Limits
    pid: Positive
    versions: dict[str, str]


class Evaluate(_Request, frozen=True):
    want: Annotated[list[Property], Meta(min_length=1, max_length=4)]
    names: Annotated[list[str], Meta(min_length=1)]
    counts: Array[Literal["i32"], PerRow]
    numbers: Array[Literal["i32"], PerRow]
    positions: Array[Literal["f64"], PerRow3]
    cells: Array[Literal["f64"], PerRow3x3]
    pbc: Array[Literal["u8"], PerRow3]


class Dynamics(_Request, frozen=True):
    name: str
    options: dict[str, Any]
    numbers: Array[Literal["i32"], PerRow]
    positions: Array[Literal["f64"], PerRow3]
    cells: Array[Literal["f64"], PerRow3x3]
    pbc: Array[Literal["u8"], PerRow3]
    velocities: Array[Literal["f64"], PerRow3] | None


class Frame(_Request, frozen=True):
    step: float
    time: float
    energy: Array[Literal["f64"], PerRow]
    net: Array[Literal["f64"], PerRow]
    kinetic: Array[Literal["f64"], PerRow]
    positions: Array[Literal["f64"], PerRow3]
    velocities: Array[Literal["f64"], PerRow3]
    forces: Array[Literal["f64"], PerRow3]


class Done(_Request, frozen=True):
    step: float
    stop: dict[str, Any] | None
    seconds: Annotated[float, Meta(ge=0)]


class Result(_Request, frozen=True):
    energy: Array[Literal["f64"], PerRow]
    net: Array[Literal["f64"], PerRow]
    forces: Array[Literal["f64"], PerRow3] | None
    stress: Array[Literal["f64"], PerRow6] | None
    stressed: list[Annotated[int, Meta(ge=0)]]
    energies: Array[Literal["f64"], PerRow] | None


class Ping(_Request, frozen=True):
    pass


class Pong(_Request, frozen=True):
    pass


class Status(_Request, frozen=True):
    pass


class Latency(Struct, frozen=True, forbid_unknown_fields=True):
    p50: float
    p90: float
    p99: float
    max: float


class Statistics(_Request, frozen=True):
    uptime: Annotated[float, Meta(ge=0)]
    clients: Count
    waiting: Count
    answered: Count
    refused: Count
    cancelled: Count
    malformed: Count
    batches: Count
    structures: Count
    atoms: Count
    latency: Latency | None
    compute: Latency | None
    memory: Count


class Busy(_Request, frozen=True):
    ahead: Annotated[int, Meta(ge=0)]


class Cancel(_Request, frozen=True):
    pass


class Error(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="error"):
    epoch: Uint32 | None
    id: Uint32 | None
    code: ErrorCode
    message: str
    field: str | None


class Bye(_Message, frozen=True):
    pass


Message = Hello | Welcome | Evaluate | Result | Dynamics | Frame | Done | Ping | Pong | Status | Statistics | Busy | Cancel | Error | Bye

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)


class ArrayWriter:
    """The arrays of a message in the making. `add` gives what the header says of each."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def add(self, dtype: Any, values: NDArray[Any], *columns: Any) -> Any:
        """values: (rows, *columns), copied. The header's type is checked when the message is encoded."""
        array = np.ascontiguousarray(values, dtype=_dtypes[dtype])
        self.frames.append(array.tobytes())
        return Array(dtype=dtype, shape=(array.size // math.prod(columns), *columns), frame=len(self.frames))


class Decoded:
    """A message whose frames have been checked against its header."""

    def __init__(self, message: Message, frames: Sequence[bytes | memoryview]) -> None:
        self.message = message
        self._frames = frames

    def array(self, ref: Array[Any, Any]) -> NDArray[Any]:
        """The array that `ref` describes, a copy."""
        return np.frombuffer(self._frames[ref.frame], dtype=_dtypes[ref.dtype]).reshape(ref.shape).copy()


def encode_message(message: Message, frames: Sequence[bytes] = ()) -> list[bytes]:
    """The frames of a message. Raises BAD_MESSAGE where it does not follow its own schema."""
    decode_message(made := encode_unchecked(message, frames))
    return made


def encode_unchecked(message: Message, frames: Sequence[bytes] = ()) -> list[bytes]:
    """As encode_message, for the way of every request: the message was made by types that hold, the frames by its ArrayWriter."""
    return [_encoder.encode(message), *frames]


def decode_message(frames: Sequence[bytes | memoryview]) -> Decoded:
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
    _check_arrays(message, [len(frame) for frame in frames[1:]])
    return Decoded(message, frames)


def address_of(frames: Sequence[bytes | memoryview]) -> tuple[int | None, int | None]:
    """Epoch and id of a message, as far as can be told of one that may be damaged."""
    try:
        header = msgspec.msgpack.decode(frames[0], type=Mapping[str, Any])
        address = msgspec.convert((header.get("epoch"), header.get("id")), tuple[Uint32, Uint32])
    except (IndexError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None, None
    return address


def other_protocol(found: int) -> PainnlessError:
    return PainnlessError("UNSUPPORTED", f"protocol {found}, this end speaks {PROTOCOL}; use the same release on both ends", "protocol")


def _assert_protocol(header: bytes | memoryview) -> None:
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


def _check_arrays(message: Message, sizes: Sequence[int]) -> None:
    values = [(name, getattr(message, name)) for name in message.__struct_fields__]
    refs = [(name, value) for name, value in values if type(value) is Array]  # isinstance is slow for a generic
    if len(refs) != len(sizes):
        kind = type(message).__name__.lower()
        raise PainnlessError("BAD_MESSAGE", f"{kind}: {len(sizes)} array frames, expected {len(refs)}")
    owners: dict[int, str] = {}
    for field, ref in refs:
        expected = math.prod(ref.shape, start=_dtypes[ref.dtype].itemsize)
        found = sizes[ref.frame - 1] if ref.frame <= len(sizes) else None
        if found != expected:
            raise PainnlessError(
                "BAD_MESSAGE",
                f"{field}: frame {ref.frame} has {found} bytes, expected {expected} for {ref.dtype} of shape {ref.shape}",
                field,
            )
        if ref.frame in owners:
            raise PainnlessError("BAD_MESSAGE", f"{field} and {owners[ref.frame]} share frame {ref.frame}, expected one each", field)
        owners[ref.frame] = field
