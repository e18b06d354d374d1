"""The golden tensors of tests/golden/layers are what make_layers.py makes today: values within rounding, everything else exactly."""

import json
from typing import Any

import numpy as np
import pytest
from make_layers import FOLDER, tables

from painnless.model_file import read_model

TABLES = tables()


@pytest.mark.parametrize("name", TABLES)
def test_layer_rows_are_not_stale(name: str) -> None:
    kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    made = TABLES[name].rows
    assert kept["model"] == f"{name}.safetensors"
    assert [without_numbers(row) for row in kept["rows"]] == [without_numbers(row) for row in made]
    for row, again in zip(kept["rows"], made, strict=True):
        for group in ("inputs", "outputs", "outputBars", "inputBars"):
            for key, stored in row[group].items():
                old, new = np.array(stored["data"], float), np.array(again[group][key]["data"], float)
                exact = group in ("inputs", "outputBars")  # drawn, not computed: the last bit of what is computed is the library's
                tolerance = 0 if exact else 1e-13 * max(1, np.abs(old).max(initial=0))
                assert np.all(np.abs(old - new) <= tolerance), f"{row['layer']} {row['case']}: {group} {key}"


@pytest.mark.parametrize("name", TABLES)
def test_layer_models_are_not_stale(name: str) -> None:
    kept = read_model(FOLDER / f"{name}.safetensors")
    assert kept.config == TABLES[name].config
    assert kept.tensors.keys() == TABLES[name].arrays.keys()
    assert all(np.array_equal(tensor, TABLES[name].arrays[key]) for key, tensor in kept.tensors.items())


def without_numbers(row: dict[str, Any]) -> dict[str, Any]:
    def shapes(value: Any) -> Any:
        return {key: a["shape"] for key, a in value.items()} if isinstance(value, dict) else value

    return {key: shapes(value) for key, value in row.items()}
