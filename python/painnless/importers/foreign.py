"""What every importer returns: a foreign force field in our terms, all but the energy unit."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from painnless.errors import PainnlessError

__all__ = ["Foreign", "common_dtype"]


@dataclass(frozen=True)
class Foreign:
    """fields: those of ModelConfig but energy_unit, energy_unit_in_ev, units_origin and source_sha256. unit_reason: why this guess."""

    fields: dict[str, Any]
    tensors: dict[str, np.ndarray]
    unit_guess: str
    unit_reason: str
    warnings: list[str] = field(default_factory=list)


def common_dtype(tensors: dict[str, np.ndarray]) -> tuple[str, dict[str, np.ndarray]]:
    """The tensors in one dtype: float64 if any of them is (which changes no value), else float32."""
    for name, array in tensors.items():
        if array.dtype not in (np.float32, np.float64):
            raise PainnlessError("UNSUPPORTED", f"tensor {name} has dtype {array.dtype}, expected float32 or float64", name)
    dtype = "float64" if any(array.dtype == np.float64 for array in tensors.values()) else "float32"
    return dtype, {name: array.astype(dtype) for name, array in tensors.items()}
