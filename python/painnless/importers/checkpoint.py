"""PyTorch's zip container, read without PyTorch: the pickle as inert data, tensors as numpy arrays (docs/formats.md)."""

import hashlib
import io
import math
import os
import struct
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from painnless.errors import PainnlessError
from painnless.importers.pickle_data import Global, Instance, Persistent, read_pickle
from painnless.regular_file import open_regular

__all__ = ["Checkpoint", "Source", "open_checkpoint", "read_source"]

MAX_BYTES = 2 << 30
MAX_ENTRIES = 1 << 16

_DTYPES = {
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.DoubleStorage": np.dtype("<f8"),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.IntStorage": np.dtype("<i4"),
    "torch.BoolStorage": np.dtype("?"),
}
_NAMES = {
    "collections.OrderedDict",
    "__builtin__.set",
    "builtins.set",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.float32",
    "torch.float64",
    *_DTYPES,
}
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,  # encrypted; NotImplementedError is one too
    OverflowError,
    struct.error,
    IndexError,
)


def _allowed(name: str) -> bool:
    """Names a checkpoint may mention. They stay names; what is not understood later is refused then."""
    return name in _NAMES or name.startswith(("torch.nn.", "schnetpack."))


@dataclass(frozen=True)
class Source:
    """A file, read once: what is parsed is what is hashed."""

    path: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def read_source(path: str | os.PathLike[str]) -> Source:
    path = os.fspath(path)
    with open_regular(path, "checkpoint") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise PainnlessError("BAD_MODEL", f"checkpoint {path} is larger than {MAX_BYTES} bytes, the largest this program reads")
    return Source(path, data)


class Checkpoint:
    """The object a torch.save file holds, as inert data, and access to its tensors."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, root: object) -> None:
        self._archive = archive
        self._folder = folder
        self._storages: dict[str, tuple[np.dtype[Any], np.ndarray]] = {}
        self.root = root

    def array(self, value: object, name: str) -> np.ndarray:
        """A copy of the tensor or parameter that `value` describes. `name` is for error messages."""
        if isinstance(value, Instance) and value.cls.name == "torch._utils._rebuild_parameter":
            if len(value.args) != 3 or value.args[2] not in ({}, None):
                raise _bad(f"parameter {name} carries backward hooks, expected none", name)
            value = value.args[0]
        if not isinstance(value, Instance) or value.cls.name != "torch._utils._rebuild_tensor_v2" or len(value.args) not in (6, 7):
            raise _bad(f"{name} is a {type(value).__name__}, expected a tensor", name)
        storage, offset, size, stride = value.args[:4]
        data = self._storage(storage, name)
        for what, numbers in ("size", size), ("stride", stride):
            if not isinstance(numbers, tuple) or len(numbers) > 8 or any(type(n) is not int or not 0 <= n <= MAX_BYTES for n in numbers):
                raise _bad(f"tensor {name} has an impossible {what}, expected up to 8 non-negative integers", name)
        if len(size) != len(stride) or type(offset) is not int or offset < 0:
            raise _bad(f"tensor {name} has {len(size)} sizes, {len(stride)} strides and offset {str(offset)[:20]}", name)
        count = math.prod(size)
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if count else offset
        if count > data.size or (count and last >= data.size) or offset > data.size:
            raise _bad(f"tensor {name} of shape {size} reaches element {last} of a storage that holds {data.size}", name)
        strides = tuple(s * data.itemsize for s in stride)
        return np.lib.stride_tricks.as_strided(data[offset:], size, strides, writeable=False).copy()

    def _storage(self, reference: object, name: str) -> np.ndarray:
        parts = reference.id if isinstance(reference, Persistent) else None
        if not (isinstance(parts, tuple) and len(parts) == 5 and parts[0] == "storage" and isinstance(parts[1], Global)):
            raise _bad(f"tensor {name} does not refer to a storage", name)
        kind, key, count = parts[1].name, parts[2], parts[4]
        dtype = _DTYPES.get(kind)
        if dtype is None:
            raise _bad(f"tensor {name} is stored as {kind}, expected one of {', '.join(_DTYPES)}", name)
        if not isinstance(key, str) or type(count) is not int:
            raise _bad(f"tensor {name} refers to a storage without a name or size", name)
        if key not in self._storages:
            data = _entry(self._archive, f"{self._folder}/data/{key}")
            if len(data) != count * dtype.itemsize:
                raise _bad(f"storage {key} of tensor {name} has {len(data)} bytes, expected {count} x {dtype.itemsize}", name)
            self._storages[key] = dtype, np.frombuffer(data, dtype)
        stored, array = self._storages[key]
        if stored != dtype:
            raise _bad(f"storage {key} of tensor {name} is used both as {stored} and as {dtype}", name)
        return array


def open_checkpoint(source: Source) -> Checkpoint:
    """What torch.save wrote. Raises PainnlessError BAD_MODEL naming what is wrong with the container."""
    if source.data[:4] != b"PK\x03\x04":
        raise _bad(f"{source.path} is not a zip file, the container of PyTorch since 1.6; save an older file again with a newer torch.save")
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.data))
    except _ZIP_ERRORS as exc:
        raise _bad(f"{source.path} is a damaged or truncated zip file: {exc}") from exc
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    if len(entries) > MAX_ENTRIES or len(names) != len(entries):
        raise _bad(f"{source.path} has {len(entries)} entries with {len(names)} names, expected at most {MAX_ENTRIES}, each with its own")
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size or entry.file_size > len(source.data):
            message = (
                f"entry {entry.filename!r} of {source.path} is compressed or declares {entry.file_size} bytes for "
                f"{entry.compress_size} stored; PyTorch stores entries as they are: unpack it and pack it again with zip -0"
            )
            raise _bad(message)
    pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise _bad(f"{source.path} has {len(pickles)} entries */data.pkl, expected 1 as PyTorch writes it")
    folder = pickles[0].removesuffix("/data.pkl")
    if f"{folder}/constants.pkl" in names:
        raise _bad(f"{source.path} is a TorchScript archive; export the eager model with torch.save")
    if f"{folder}/byteorder" in names:
        order = _entry(archive, f"{folder}/byteorder")
        if order != b"little":
            raise _bad(f"{source.path} was written with byte order {order[:20]!r}, expected b'little'", "byteorder")
    return Checkpoint(archive, folder, read_pickle(_entry(archive, pickles[0]), _allowed))


def _entry(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        data = archive.read(name)
        expected = archive.getinfo(name).file_size
    except KeyError as exc:
        raise _bad(f"the checkpoint has no entry {name[:200]!r}") from exc
    except _ZIP_ERRORS as exc:
        raise _bad(f"entry {name!r} of the checkpoint is damaged: {exc}") from exc
    if len(data) != expected:
        raise _bad(f"entry {name!r} of the checkpoint has {len(data)} bytes, expected {expected}")
    return data


def _bad(message: str, field: str | None = None) -> PainnlessError:
    return PainnlessError("BAD_MODEL", message, field)
