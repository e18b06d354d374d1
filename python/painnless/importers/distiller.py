"""MLFF-Distiller students: the weights of an ONNX export, or the package's own PyTorch checkpoint."""

import math
import re
from typing import Any

import numpy as np

from painnless.errors import PainnlessError
from painnless.importers.checkpoint import Checkpoint
from painnless.importers.foreign import Foreign, common_dtype
from painnless.importers.modules import shown
from painnless.importers.onnx_weights import OnnxFile

__all__ = ["read_distiller_checkpoint", "read_distiller_onnx"]

# What of the checkpoint's config describes the network, and so must agree with the weights.
_SIZES = {"hidden_dim": "n_features", "num_interactions": "n_layers", "num_rbf": "n_rbf", "max_z": "max_z"}
_UNIT_REASON = "the file states no unit; the package's documentation says eV"


def read_distiller_checkpoint(checkpoint: Checkpoint) -> Foreign:
    """Reads the dict with `model_state_dict` and `config`. Raises PainnlessError UNSUPPORTED or BAD_MODEL naming the entry."""
    root = checkpoint.root
    state = root.get("model_state_dict") if isinstance(root, dict) else None
    if not isinstance(root, dict) or not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise _bad(f"the checkpoint's model_state_dict is {shown(state)}, expected a table of tensors by name", "model_state_dict")
    config: Any = root.get("config", {})
    if not isinstance(config, dict):
        raise _bad(f"the checkpoint's config is {shown(config)}, expected a dict", "config")
    dtype, tensors = common_dtype({name: checkpoint.array(value, name) for name, value in state.items()})
    fields = _fields(tensors)
    for key, field in _SIZES.items():
        if key in config and (type(config[key]) is not int or config[key] != fields[field]):
            raise _bad(f"config.{key} is {shown(config[key])}, but the weights have {fields[field]}", key)
    warnings: list[str] = []
    if "cutoff" in config:
        cutoff = config["cutoff"]
        if type(cutoff) not in (int, float) or not 0 < cutoff < math.inf:
            raise _bad(f"config.cutoff is {shown(cutoff)}, expected a positive number of Å", "cutoff")
    else:
        cutoff = _untrained_cutoff(tensors)
        warnings.append(f"the checkpoint's config has no cutoff; {cutoff} Å was taken from the untrained radial functions")
    unread = sorted(str(key)[:40] for key in config.keys() - _SIZES.keys() - {"cutoff", "use_torch_cluster"})
    if unread:
        warnings.append("entries of config that do not describe the network were ignored: " + ", ".join(unread)[:400])
    return _foreign(fields, tensors, float(cutoff), dtype, "mlff-distiller checkpoint", None, warnings)


def read_distiller_onnx(file: OnnxFile) -> Foreign:
    """Takes the weights by name, and the cutoff from the constants that the graph compares distances with."""
    tensors = {name: array for name, array in file.initializers.items() if not name.startswith("onnx::")}
    dtype, tensors = common_dtype(tensors)
    fields = _fields(tensors)
    compared = [
        (node.operator, float(constant.item()))
        for node in file.nodes
        if node.operator in ("Less", "LessOrEqual") and len(node.inputs) == 2
        for constant in [file.constants.get(node.inputs[1])]
        if constant is not None and constant.size == 1
    ]
    cutoffs = {value for _, value in compared}
    if len(cutoffs) != 1 or "LessOrEqual" not in {operator for operator, _ in compared}:
        found = ", ".join(f"{operator} {value}" for operator, value in compared[:8]) or "none"
        raise _bad(f"the ONNX graph compares distances with: {found}; expected LessOrEqual and Less with one cutoff", "cutoff")
    cutoff = cutoffs.pop()
    warnings = ["only the weights of the ONNX file are used: exported graphs keep one message per atom and do not compute the model"]
    last = float(tensors["rbf.centers"][-1])
    if not abs(last - cutoff) <= 1e-5 * cutoff:
        warnings.append(f"the last radial function sits at {last} Å, not at the cutoff of {cutoff} Å: the radial functions were trained")
    return _foreign(fields, tensors, cutoff, dtype, "mlff-distiller onnx", file.producer or None, warnings)


def _fields(tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Sizes from shapes; that every tensor is there and fits is checked against them when the model file is written."""

    def shape(name: str, rank: int) -> tuple[int, ...]:
        if name not in tensors or tensors[name].ndim != rank:
            raise _bad(f"tensor {name} is missing or not of rank {rank}, expected as in an MLFF-Distiller student", name)
        return tensors[name].shape

    rows, features = shape("embedding.weight", 2)
    layers = {int(match[1]) for name in tensors if (match := re.match(r"interactions\.(\d{1,4})\.", name))}
    head = {int(match[1]) for name in tensors if (match := re.match(r"energy_head\.(\d{1,4})\.weight$", name))}
    if layers != set(range(len(layers))) or head != set(range(0, 2 * len(head), 2)) or not layers or not head:
        raise _bad(f"the student has layers {sorted(layers)} and head layers {sorted(head)}, expected 0, 1, ... and 0, 2, ...")
    used = [tensors.get(f"interactions.{t}.update.mixing_matrix") for t in range(len(layers) - 1)]
    return {
        "n_features": features,
        "n_layers": len(layers),
        "n_rbf": shape("rbf.centers", 1)[0],
        "max_z": rows - 1,
        "readout_widths": [shape(f"energy_head.{k}.weight", 2)[0] for k in sorted(head)],
        "equivariant": all(m is not None and m.shape == (3, 3) and np.array_equal(m, m[0, 0] * np.eye(3, dtype=m.dtype)) for m in used),
    }


def _untrained_cutoff(tensors: dict[str, np.ndarray]) -> float:
    centers, widths = tensors["rbf.centers"].astype(np.float64), tensors.get("rbf.widths", np.zeros(0)).astype(np.float64)
    cutoff = float(centers[-1]) if centers.size else 0.0
    untrained = (
        cutoff > 0
        and widths.shape == centers.shape
        and bool(np.allclose(centers, np.linspace(0, cutoff, len(centers)), rtol=0, atol=1e-5 * cutoff))
        and bool(np.allclose(widths, cutoff / len(centers), rtol=1e-5, atol=0))
    )
    if not untrained:
        raise _bad(
            "the checkpoint's config has no cutoff, and it cannot be read off radial functions that were trained; add config.cutoff",
            "cutoff",
        )
    return cutoff


def _foreign(
    fields: dict[str, Any], tensors: dict[str, np.ndarray], cutoff: float, dtype: str, source: str, version: str | None, warnings: list[str]
) -> Foreign:
    fields = fields | {
        "arch": "painn-distiller",
        "elements": None,
        "cutoff": cutoff,
        "cutoff_applies_to": "rbf_input",
        "rbf": "gaussian",
        "rbf_gamma_convention": "inv_w2",
        "norm_eps": 0.0,
        "dir_eps": 1e-8,
        "edge_rule": "le",
        "shared_layers": False,
        "shared_filters": False,
        "energy_offset": "0.0",
        "energy_offset_per_atom": True,
        "atom_refs": None,
        "pbc_supported": False,
        "continuous_at_cutoff": False,
        "weight_dtype": dtype,
        "source_format": source,
        "source_version": version,
    }
    return Foreign(fields, tensors, "eV", _UNIT_REASON, warnings)


def _bad(message: str, field: str | None = None) -> PainnlessError:
    return PainnlessError("BAD_MODEL", message, field)
