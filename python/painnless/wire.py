"""The wire, version 1: its messages. Mirrors `src/wire/messages.ts`, where each field is explained; codec.py makes frames of them."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from painnless.errors import ErrorCode

__all__ = [
    "PROTOCOL",
    "Array",
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
    "Limits",
    "Message",
    "Ping",
    "Pong",
    "Positive",
    "Property",
    "Result",
    "Statistics",
    "Status",
    "Uint32",
    "Welcome",
    "properties",
]

PROTOCOL = 1

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
