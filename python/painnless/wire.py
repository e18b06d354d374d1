"""The wire, version 2: its messages. Mirrors `src/wire/messages.ts`, where each field is explained; codec.py makes frames of them."""

from typing import Annotated, Any, Literal, NamedTuple, get_args

from msgspec import Meta, Struct, inspect

from painnless.errors import ErrorCode

__all__ = [
    "PROTOCOL",
    "Busy",
    "Bye",
    "Cancel",
    "Done",
    "Dynamics",
    "Error",
    "Evaluate",
    "Frame",
    "Hello",
    "Latency",
    "Layout",
    "Limits",
    "Message",
    "Packed",
    "Ping",
    "Pong",
    "Positive",
    "Property",
    "Result",
    "Statistics",
    "Status",
    "Uint32",
    "Welcome",
    "layouts",
    "properties",
]

PROTOCOL = 2

Property = Literal["energy", "forces", "stress", "energies"]
properties: tuple[Property, ...] = ("energy", "forces", "stress", "energies")

Uint32 = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Count = Annotated[float, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Element = Annotated[int, Meta(ge=1, le=118)]
Packed = bytes | Annotated[int, Meta(ge=1, le=64)]
"""Whole rows of an array, row-major and little-endian: its bytes, or the number of the frame that is them; the header is frame 0."""


class Layout(NamedTuple):
    """How the bytes of an array are read: rows of `columns` numbers."""

    dtype: Literal["f64", "i32", "u8"]
    columns: tuple[int, ...]


def _rows(dtype: Literal["f64", "i32", "u8"], *columns: int) -> Meta:
    return Meta(extra_json_schema={"dtype": dtype, "columns": list(columns)}, extra={"layout": Layout(dtype, columns)})


I32 = Annotated[Packed, _rows("i32")]
U8x3 = Annotated[Packed, _rows("u8", 3)]
F64 = Annotated[Packed, _rows("f64")]
F64x3 = Annotated[Packed, _rows("f64", 3)]
F64x6 = Annotated[Packed, _rows("f64", 6)]
F64x3x3 = Annotated[Packed, _rows("f64", 3, 3)]


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
    counts: I32
    numbers: I32
    positions: F64x3
    cells: F64x3x3
    pbc: U8x3


class Dynamics(_Request, frozen=True):
    name: str
    options: dict[str, Any]
    numbers: I32
    positions: F64x3
    cells: F64x3x3
    pbc: U8x3
    velocities: F64x3 | None


class Frame(_Request, frozen=True):
    step: float
    time: float
    energy: F64
    net: F64
    kinetic: F64
    positions: F64x3
    velocities: F64x3
    forces: F64x3


class Done(_Request, frozen=True):
    step: float
    stop: dict[str, Any] | None
    seconds: Annotated[float, Meta(ge=0)]


class Result(_Request, frozen=True):
    energy: F64
    net: F64
    forces: F64x3 | None
    stress: F64x6 | None
    stressed: list[Annotated[int, Meta(ge=0)]]
    energies: F64 | None


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


def _layouts(kind: type) -> dict[str, Layout]:
    fields = inspect.type_info(kind).fields  # pyright: ignore[reportAttributeAccessIssue] (of a Struct)
    options = {field.name: getattr(field.type, "types", (field.type,)) for field in fields}
    extras = {name: option.extra for name, types in options.items() for option in types if isinstance(option, inspect.Metadata)}
    return {name: extra["layout"] for name, extra in extras.items() if extra is not None}


layouts: dict[type, dict[str, Layout]] = {kind: _layouts(kind) for kind in get_args(Message)}
"""The arrays of each kind of message, by field."""
