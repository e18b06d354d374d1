"""Foreign force fields turned into model files. Nothing in a file is executed, and neither torch nor the file's own package is needed."""

import os
from dataclasses import asdict
from typing import Any

from painnless.errors import PainnlessError
from painnless.importers.checkpoint import Source, open_checkpoint, read_source
from painnless.importers.distiller import read_distiller_checkpoint, read_distiller_onnx
from painnless.importers.foreign import Foreign
from painnless.importers.modules import shown
from painnless.importers.onnx_weights import read_onnx
from painnless.importers.pickle_data import Instance
from painnless.importers.schnetpack import ROOT, read_schnetpack
from painnless.model_file import ModelConfig, write_model
from painnless.units import energy_units_in_ev

__all__ = ["convert", "read_foreign"]


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str], energy_unit: str | None = None) -> dict[str, Any]:
    """Writes `source` as a model file to `target`; a summary that JSON can hold: target, sha256, config, warnings.

    energy_unit: what the weights are in; without it the unit is assumed, and the summary says so in its warnings.
    Raises PainnlessError NOT_FOUND, USAGE (unit), BAD_MODEL (damage), UNSUPPORTED (a class, tensor or flag by name).
    """
    if energy_unit is not None and energy_unit not in energy_units_in_ev:
        raise PainnlessError(
            "USAGE", f"energy unit {energy_unit!r} is unknown, expected one of {', '.join(energy_units_in_ev)}", "energy_unit"
        )
    file = read_source(source)
    foreign = read_foreign(file)
    warnings = list(foreign.warnings)
    unit = energy_unit or foreign.unit_guess
    if energy_unit is None:
        warnings.insert(0, f"the energy unit was assumed to be {unit}: {foreign.unit_reason}. Say --energy-unit to be sure")
    config = ModelConfig(
        **foreign.fields,
        energy_unit=unit,
        energy_unit_in_ev=energy_units_in_ev[unit],
        units_origin="assumed" if energy_unit is None else "user",
        source_sha256=file.sha256,
    )
    sha256 = write_model(target, config, foreign.tensors)
    return {"target": os.fspath(target), "sha256": sha256, "config": asdict(config), "warnings": warnings}


def read_foreign(file: Source) -> Foreign:
    """The force field in a file of a foreign format, which is recognised by content."""
    if file.data[:2] == b"PK":
        checkpoint = open_checkpoint(file)
        root = checkpoint.root
        if isinstance(root, dict) and "model_state_dict" in root:
            return read_distiller_checkpoint(checkpoint)
        if isinstance(root, Instance) and root.cls.name == ROOT:
            return read_schnetpack(checkpoint)
        raise PainnlessError("UNSUPPORTED", f"{file.path} holds {shown(root)}, expected a {ROOT} or a dict with model_state_dict")
    if file.data[:1] == b"\x08":  # the first field of an ONNX model is its IR version
        return read_distiller_onnx(read_onnx(file.data))
    if file.data[8:9] == b"{":
        raise PainnlessError(
            "UNSUPPORTED", f"{file.path} is a safetensors file already; painnless reads its own model files without import"
        )
    if file.data[:2] == b"\x80\x02":
        raise PainnlessError(
            "UNSUPPORTED", f"{file.path} is a PyTorch file from before 1.6 (not a zip); save it again with a newer torch.save"
        )
    raise PainnlessError(
        "BAD_MODEL", f"{file.path} is not a checkpoint painnless knows: SchNetPack 2 model, MLFF-Distiller checkpoint or ONNX file"
    )
