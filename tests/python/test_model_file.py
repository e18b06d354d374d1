"""Model files: what is written is read back, and each field, name, shape and value is checked. Shares its tables with tests/model."""

import dataclasses
import importlib.util
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import GOLDEN

from painnless.errors import PainnlessError
from painnless.model_file import ModelConfig, expected_tensors, read_model, write_model

FOLDER = GOLDEN / "model-file"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())


def changed(case: dict[str, Any]) -> dict[str, Any]:
    fields = EXPECTED["configs"][case["config"]] | case["change"]
    return {key: value for key, value in fields.items() if value != "DELETE"}


@pytest.mark.parametrize("case", EXPECTED["cases"], ids=lambda case: f"{case['config']} {json.dumps(case['change'])[:50]}")
def test_configurations(case: dict[str, Any]) -> None:
    text = json.dumps(changed(case))
    if case["valid"]:
        config = ModelConfig.from_json(text)
        assert ModelConfig.from_json(config.to_json()) == config
    else:
        with pytest.raises(PainnlessError) as caught:
            ModelConfig.from_json(text)
        assert caught.value.code == "BAD_MODEL"
        assert caught.value.field is not None


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"a": 1, "a": 2}', "[" * 100_000], ids=lambda text: text[:8])
def test_metadata_that_is_no_object(text: str) -> None:
    with pytest.raises(PainnlessError) as caught:
        ModelConfig.from_json(text)
    assert caught.value.code == "BAD_MODEL"


def test_a_field_twice() -> None:
    text = json.dumps(EXPECTED["configs"]["painn"])
    with pytest.raises(PainnlessError, match="cutoff occurs twice"):
        ModelConfig.from_json(text[:-1] + ', "cutoff": 6.0}')


def test_not_finite_numbers_in_json() -> None:
    for value in ("NaN", "Infinity", "-Infinity", "1e999"):
        text = json.dumps(EXPECTED["configs"]["painn"] | {"cutoff": 123.25}).replace("123.25", value)
        with pytest.raises(PainnlessError, match="cutoff"):
            ModelConfig.from_json(text)


def test_the_golden_tables_are_those_of_today() -> None:
    spec = importlib.util.spec_from_file_location("make_model_files", GOLDEN / "make_model_files.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tables = json.loads(json.dumps(module.tables()))
    assert {key: EXPECTED[key] for key in tables} == tables, "run tests/golden/make_model_files.py"


@pytest.mark.parametrize("name", ["painn", "student"])
def test_golden_files(name: str) -> None:
    model = read_model(FOLDER / f"{name}.safetensors")
    assert json.loads(model.config.to_json()) == EXPECTED["configs"][name]
    assert model.sha256 == EXPECTED["files"][name]["sha256"]
    values = EXPECTED["files"][name]["values"]
    assert model.tensors.keys() == values.keys()
    for key, array in model.tensors.items():
        assert array.dtype == model.config.weight_dtype
        assert array.ravel().tolist() == values[key]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    model = read_model(FOLDER / "student.safetensors")
    without = {key: array for key, array in model.tensors.items() if key != "interactions.1.update.mixing_matrix"}
    sha256 = write_model(tmp_path / "m", model.config, without)
    again = read_model(tmp_path / "m")
    assert (again.config, again.sha256) == (model.config, sha256)
    assert all(np.array_equal(again.tensors[key], without[key]) for key in without)
    assert again.tensors.keys() == without.keys()
    assert write_model(tmp_path / "n", model.config, without) == sha256  # the same bytes each time


def test_offset_keeps_every_digit() -> None:
    assert read_model(FOLDER / "painn.safetensors").config.offset == -10786.226809289834


Tensors = dict[str, np.ndarray]
FIRST = "representation.filter_net.weight"
BAD_TENSORS: dict[str, tuple[Callable[[Tensors], object], str]] = {
    "missing": (lambda t: t.pop(FIRST), rf"tensor {FIRST} of shape \(24, 3\) is missing"),
    "surplus": (lambda t: t.update(extra=t[FIRST]), "tensor extra in .* has no place"),
    "shape": (lambda t: t.update({FIRST: t[FIRST].T.copy()}), r"has shape \(3, 24\), expected \(24, 3\)"),
    "dtype": (lambda t: t.update({FIRST: t[FIRST].astype("f8")}), "dtype float64, expected float32"),
    "NaN": (lambda t: t[FIRST].__setitem__((0, 0), np.nan), "holds NaN or infinity"),
    "infinity": (lambda t: t[FIRST].__setitem__((0, 0), np.inf), "holds NaN or infinity"),
}


@pytest.mark.parametrize(("edit", "message"), BAD_TENSORS.values(), ids=BAD_TENSORS.keys())
def test_bad_tensors_are_not_written(edit: Callable[[Tensors], object], message: str, tmp_path: Path) -> None:
    model = read_model(FOLDER / "painn.safetensors")
    tensors = {key: array.copy() for key, array in model.tensors.items()}
    edit(tensors)
    with pytest.raises(PainnlessError, match=message) as caught:
        write_model(tmp_path / "m", model.config, tensors)
    assert caught.value.code == "BAD_MODEL"
    assert list(tmp_path.iterdir()) == []


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def with_header(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def files() -> dict[str, tuple[bytes, str]]:
    data = (FOLDER / "painn.safetensors").read_bytes()
    header, body = header_of(data)
    renamed = {("other" if key == FIRST else key): value for key, value in header.items()}
    half = header | {FIRST: header[FIRST] | {"dtype": "F16", "shape": [24, 6]}}
    nan = bytearray(data)
    nan[-4:] = struct.pack("<f", float("nan"))
    return {
        "empty": (b"", "not a model file"),
        "truncated": (data[:-1], "not a model file"),
        "trailing": (data + b"x", "not a model file"),
        "zip": (b"PK\x03\x04" + data, "run painnless import"),
        "no metadata": (with_header({k: v for k, v in header.items() if k != "__metadata__"}, body), "metadata keys: none"),
        "other metadata": (with_header(header | {"__metadata__": {"format": "pt"}}, body), "metadata keys: format"),
        "a second key": (with_header(header | {"__metadata__": header["__metadata__"] | {"x": "y"}}, body), "metadata keys: painnless, x"),
        "renamed": (with_header(renamed, body), "tensor other in .* has no place"),
        "half": (with_header(half, body), "dtype F16"),
        "NaN": (bytes(nan), "holds NaN or infinity"),
    }


@pytest.mark.parametrize("name", files().keys())
def test_bad_files(name: str, tmp_path: Path) -> None:
    data, message = files()[name]
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(PainnlessError, match=message) as caught:
        read_model(tmp_path / "m")
    assert caught.value.code == "BAD_MODEL"


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    model = read_model(FOLDER / "painn.safetensors")
    for action in (lambda: read_model(tmp_path), lambda: write_model(tmp_path / "no" / "m", model.config, model.tensors)):
        with pytest.raises(PainnlessError) as caught:
            action()
        assert caught.value.code == "NOT_FOUND"


def test_configuration_is_frozen() -> None:
    config = read_model(FOLDER / "painn.safetensors").config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.cutoff = 3.0  # pyright: ignore[reportAttributeAccessIssue]
    assert expected_tensors(config)[0]["representation.embedding.weight"] == (3, 4)


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    model = read_model(FOLDER / "painn.safetensors")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(PainnlessError, match="not a file") as caught:
            write_model(path, model.config, model.tensors)
        assert caught.value.code == "NOT_FOUND"
    assert pipe.is_fifo()
