"""Names, weights and scalar constants of an ONNX file, without the onnx package: a reader of protobuf for the few fields we need.

Field numbers are those of onnx.proto (IR version 7). The graph is not interpreted: the exported student graphs do not compute the model.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from painnless.errors import PainnlessError

__all__ = ["OnnxFile", "OnnxNode", "read_onnx"]

MAX_NODES = 1 << 16
_DTYPES = {1: np.dtype("<f4"), 7: np.dtype("<i8"), 11: np.dtype("<f8")}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class OnnxNode:
    operator: str
    inputs: list[str]
    outputs: list[str]


@dataclass(frozen=True)
class OnnxFile:
    """initializers: the named weights; constants: outputs of Constant nodes by value name."""

    producer: str
    initializers: dict[str, np.ndarray]
    constants: dict[str, np.ndarray]
    nodes: list[OnnxNode]


def read_onnx(data: bytes) -> OnnxFile:
    """Raises PainnlessError BAD_MODEL for anything that is not a complete ONNX model with its weights inside."""
    view = memoryview(data)
    producer: dict[int, str] = {2: "", 3: ""}
    graphs: list[memoryview] = []
    for number, value in _fields(view):
        if number in producer:
            producer[number] = _text(value)
        elif number == 7:
            graphs.append(_message(value))
        elif number == 25:
            raise _bad("the ONNX file defines functions of its own, expected plain weights")
    if len(graphs) != 1:
        raise _bad(f"the ONNX file holds {len(graphs)} graphs, expected 1")
    initializers: dict[str, np.ndarray] = {}
    constants: dict[str, np.ndarray] = {}
    nodes: list[OnnxNode] = []
    for number, value in _fields(graphs[0]):
        if number == 1:
            node, constant = _node(_message(value))
            nodes.append(node)
            if constant is not None and node.outputs:
                constants[node.outputs[0]] = constant
            if len(nodes) > MAX_NODES:
                raise _bad(f"the ONNX graph has more than {MAX_NODES} nodes")
        elif number == 5:
            name, array = _tensor(_message(value))
            if name in initializers:
                raise _bad(f"the ONNX weight {name} occurs twice", name)
            initializers[name] = array
        elif number == 15:
            raise _bad("the ONNX file holds sparse weights, expected dense ones")
    return OnnxFile(f"{producer[2]} {producer[3]}".strip(), initializers, constants, nodes)


def _node(view: memoryview) -> tuple[OnnxNode, np.ndarray | None]:
    operator, inputs, outputs, constant = "", [], [], None
    for number, value in _fields(view):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            operator = _text(value)
        elif number == 5:
            for key, part in _fields(_message(value)):
                if key == 5:  # the attribute is a tensor; Constant nodes have one
                    constant = _tensor(_message(part))[1]
    return OnnxNode(operator, inputs, outputs), constant if operator == "Constant" else None


def _tensor(view: memoryview) -> tuple[str, np.ndarray]:
    shape: list[int] = []
    kind, name = 0, ""
    raw: memoryview | None = None
    typed: list[bytes] = []
    for number, value in _fields(view):
        if number == 1:
            shape += [value] if isinstance(value, int) else _packed(_message(value))
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number in (4, 10):  # float_data, double_data: packed, or one value a field
            typed.append(bytes(_message(value)))
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = _message(value)
        elif number in (13, 14) and value != 0:
            raise _bad(f"the ONNX weight {name} lies in another file, expected it inside", name)
    dtype = _DTYPES.get(kind)
    if dtype is None:  # some other kind of constant, e.g. a boolean: of no use to us
        return name, np.zeros(0)
    content = b"".join(typed) if raw is None else raw
    if len(shape) > 8 or any(n > 1 << 31 for n in shape) or math.prod(shape) * dtype.itemsize != len(content):
        raise _bad(
            f"the ONNX weight {name} of shape {tuple(shape[:8])} has {len(content)} bytes, expected {dtype.itemsize} per element", name
        )
    return name, np.frombuffer(content, dtype).reshape(shape).copy()


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position = 0
    while position < len(view):
        key, position = _varint(view, position)
        wire = key & 7
        if wire == _VARINT:
            value, position = _varint(view, position)
            yield key >> 3, value
            continue
        if wire == _BYTES:
            size, position = _varint(view, position)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise _bad(f"the ONNX file has wire type {wire} at byte {position}, expected 0, 1, 2 or 5")
        if position + size > len(view):
            raise _bad(f"the ONNX file is truncated: a field needs {size} bytes, {len(view) - position} are left")
        yield key >> 3, view[position : position + size]
        position += size


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise _bad("the ONNX file is truncated inside a number")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _bad("the ONNX file has a number of more than 10 bytes")


def _packed(view: memoryview) -> list[int]:
    numbers, position = [], 0
    while position < len(view) and len(numbers) <= 8:
        value, position = _varint(view, position)
        numbers.append(value)
    return numbers


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _bad("the ONNX file has a number where a message belongs")
    return value


def _text(value: int | memoryview) -> str:
    try:
        return str(bytes(_message(value)), "utf-8")
    except UnicodeDecodeError as exc:
        raise _bad("the ONNX file has a name that is not UTF-8") from exc


def _bad(message: str, field: str | None = None) -> PainnlessError:
    return PainnlessError("BAD_MODEL", message, field)
