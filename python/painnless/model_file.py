"""Model files: safetensors with one metadata string, "painnless", that holds the configuration as JSON (docs/formats.md). numpy only."""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import safetensors
import safetensors.numpy

from painnless.errors import PainnlessError
from painnless.model_config import ModelConfig, expected_tensors
from painnless.regular_file import open_regular

__all__ = ["Model", "ModelConfig", "expected_tensors", "read_model", "write_model"]

MAX_BYTES = 2 << 30
METADATA_KEY = "painnless"


@dataclass(frozen=True)
class Model:
    """A force field: what it is, its weights by name (dtype `config.weight_dtype`), and the hash of the file it came from."""

    config: ModelConfig
    tensors: dict[str, np.ndarray]
    sha256: str


def read_model(path: str | os.PathLike[str]) -> Model:
    """The model in a file; each field, name, shape and value checked.

    Raises PainnlessError NOT_FOUND, or BAD_MODEL naming what is wrong with the file.
    """
    path = os.fspath(path)
    with open_regular(path, "model file") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise PainnlessError("BAD_MODEL", f"model file {path} is larger than {MAX_BYTES} bytes, the largest this program reads")
    if data[:4] == b"PK\x03\x04":
        raise PainnlessError("BAD_MODEL", f"{path} is a foreign checkpoint (a zip file): run painnless import {path} -o MODEL")
    try:
        entries = _deserialize(data)
    except (safetensors.SafetensorError, ValueError) as exc:
        message = f"{path} is not a model file ({exc}); for a checkpoint of another program run painnless import {path} -o MODEL"
        raise PainnlessError("BAD_MODEL", message) from exc
    header: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata: dict[str, str] = header.get("__metadata__") or {}
    if set(metadata) != {METADATA_KEY}:
        found = ", ".join(sorted(metadata)) or "none"
        raise PainnlessError(
            "BAD_MODEL", f'{path} has metadata keys: {found}; expected exactly "{METADATA_KEY}", as written by painnless import'
        )
    config = ModelConfig.from_json(metadata[METADATA_KEY])
    dtypes = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
    tensors: dict[str, np.ndarray] = {}
    for name, entry in entries:
        if entry["dtype"] not in dtypes:
            raise PainnlessError("BAD_MODEL", f"tensor {name} in {path} has dtype {entry['dtype']}, expected F32 or F64", name)
        tensors[name] = np.ndarray(tuple(entry["shape"]), dtypes[entry["dtype"]], bytearray(entry["data"]))
    _assert_tensors(config, tensors, path)
    return Model(config, tensors, hashlib.sha256(data).hexdigest())


def write_model(path: str | os.PathLike[str], config: ModelConfig, tensors: Mapping[str, np.ndarray]) -> str:
    """Writes the file whole or not at all; its SHA-256. Raises NOT_FOUND where it cannot, also for a device, which would be replaced."""
    path = os.fspath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise PainnlessError("NOT_FOUND", f"cannot write model file {path}: something is there that is not a file")
    _assert_tensors(config, tensors, path)
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    data = safetensors.numpy.save(arrays, {METADATA_KEY: config.to_json()})
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or ".", prefix=".painnless-", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as exc:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        raise PainnlessError("NOT_FOUND", f"cannot write model file {path}: {exc.strerror}") from exc
    return hashlib.sha256(data).hexdigest()


def _deserialize(data: bytes) -> list[tuple[str, dict[str, Any]]]:
    """safetensors checks the header's length, extents and overlaps; its own types are loose."""
    return cast("list[tuple[str, dict[str, Any]]]", safetensors.deserialize(data))  # pyright: ignore[reportUnknownMemberType]


def _assert_tensors(config: ModelConfig, tensors: Mapping[str, np.ndarray], where: str) -> None:
    shapes, optional = expected_tensors(config)
    for name in sorted(tensors.keys() - shapes.keys()):
        raise PainnlessError("BAD_MODEL", f"tensor {name} in {where} has no place in {config.arch}", name)
    for name, shape in shapes.items():
        array = tensors.get(name)
        if array is None:
            if name in optional:
                continue
            raise PainnlessError("BAD_MODEL", f"tensor {name} of shape {shape} is missing in {where}", name)
        if array.shape != shape:
            raise PainnlessError("BAD_MODEL", f"tensor {name} in {where} has shape {array.shape}, expected {shape}", name)
        if array.dtype != np.dtype(config.weight_dtype):
            raise PainnlessError("BAD_MODEL", f"tensor {name} in {where} has dtype {array.dtype}, expected {config.weight_dtype}", name)
        if not np.isfinite(array).all():
            raise PainnlessError("BAD_MODEL", f"tensor {name} in {where} holds NaN or infinity", name)
