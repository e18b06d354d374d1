"""The metadata of a model file: everything about the force field but its weights (docs/formats.md)."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from painnless.errors import PainnlessError
from painnless.units import energy_units_in_ev

__all__ = ["ModelConfig", "expected_tensors"]

Check = tuple[str, Callable[[Any], bool]]


def _integer(low: int, high: int) -> Check:
    return f"an integer from {low} to {high}", lambda x: type(x) is int and low <= x <= high


def _number(what: str, accept: Callable[[float], bool]) -> Check:
    return f"a {what} number", lambda x: type(x) in (int, float) and math.isfinite(x) and accept(x)


def _one_of(*allowed: str | int | None) -> Check:
    return "one of " + ", ".join(map(repr, allowed)), lambda x: any(type(x) is type(a) and x == a for a in allowed)


def _list_of(item: Check, at_least: int) -> Check:
    return (
        f"a list of {at_least} or more, each {item[0]}",
        lambda x: isinstance(x, (list, tuple)) and len(x) >= at_least and all(map(item[1], x)),
    )


def _or_none(check: Check) -> Check:
    return f"{check[0]} or null", lambda x: x is None or check[1](x)


_text: Check = ("a string", lambda x: isinstance(x, str))
_flag: Check = ("true or false", lambda x: isinstance(x, bool))
_decimal: Check = (
    "a finite decimal number in a string",
    lambda x: (
        isinstance(x, str) and re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", x) is not None and math.isfinite(float(x))
    ),
)

_checks: dict[str, Check] = {
    "format": _one_of("painnless.model"),
    "format_version": _one_of(1),
    "arch": _one_of("painn-schnetpack", "painn-distiller"),
    "n_features": _integer(1, 4096),
    "n_layers": _integer(1, 64),
    "n_rbf": _integer(1, 1024),
    "max_z": _integer(1, 118),
    "elements": _or_none(_list_of(_integer(1, 118), 1)),
    "cutoff": _number("positive", lambda x: x > 0),
    "cutoff_fn": _one_of("cosine"),
    "cutoff_applies_to": _one_of("filter", "rbf_input"),
    "rbf": _one_of("gaussian", "bessel"),
    "rbf_gamma_convention": _one_of("half_inv_w2", "inv_w2", None),
    "activation": _one_of("silu"),
    "norm_eps": _number("non-negative", lambda x: x >= 0),
    "dir_eps": _number("non-negative", lambda x: x >= 0),
    "edge_rule": _one_of("lt", "le"),
    "shared_layers": _flag,
    "shared_filters": _flag,
    "readout_widths": _list_of(_integer(1, 4096), 1),
    "aggregation": _one_of("sum"),
    "energy_unit": _one_of(*energy_units_in_ev),
    "length_unit": _one_of("Å"),
    "energy_unit_in_ev": _number("positive", lambda x: x > 0),
    "energy_offset": _decimal,
    "energy_offset_per_atom": _flag,
    "atom_refs": _or_none(_list_of(_number("finite", lambda _: True), 0)),
    "pbc_supported": _flag,
    "equivariant": _flag,
    "continuous_at_cutoff": _flag,
    "weight_dtype": _one_of("float32", "float64"),
    "source_format": _text,
    "source_sha256": _text,
    "source_version": _or_none(_text),
    "units_origin": _one_of("file", "user", "assumed"),
}


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The fields of `src/model/config.ts`, checked when made. Lengths in Å, energies in `energy_unit`.

    Raises PainnlessError BAD_MODEL naming the field, what was found and what was expected.
    """

    format: str = "painnless.model"
    format_version: int = 1
    arch: str
    n_features: int
    n_layers: int
    n_rbf: int
    max_z: int
    elements: tuple[int, ...] | None
    cutoff: float
    cutoff_fn: str = "cosine"
    cutoff_applies_to: str
    rbf: str
    rbf_gamma_convention: str | None
    activation: str = "silu"
    norm_eps: float
    dir_eps: float
    edge_rule: str
    shared_layers: bool
    shared_filters: bool
    readout_widths: tuple[int, ...]
    aggregation: str = "sum"
    energy_unit: str
    length_unit: str = "Å"
    energy_unit_in_ev: float
    energy_offset: str
    energy_offset_per_atom: bool
    atom_refs: tuple[float, ...] | None
    pbc_supported: bool
    equivariant: bool
    continuous_at_cutoff: bool
    weight_dtype: str
    source_format: str
    source_sha256: str
    source_version: str | None
    units_origin: str

    def __post_init__(self) -> None:
        for name, (expected, accept) in _checks.items():
            value: Any = getattr(self, name)
            if not accept(value):
                raise PainnlessError("BAD_MODEL", f"model field {name} is {_shown(value)}, expected {expected}", name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(cast("list[Any]", value)))
            if name in ("cutoff", "norm_eps", "dir_eps", "energy_unit_in_ev"):
                object.__setattr__(self, name, float(cast("float", value)))  # JSON may spell 5.0 as 5
        self._assert_consistent()

    def _assert_consistent(self) -> None:
        """Fields that depend on each other; the same rules as `assertConsistent` of src/model/model-file.ts."""

        def require(field: str, *allowed: object) -> None:
            value = getattr(self, field)
            if value not in allowed:
                wanted = " or ".join(map(repr, allowed))
                raise PainnlessError(
                    "BAD_MODEL", f"model field {field} is {value!r}, expected {wanted} for arch {self.arch}, rbf {self.rbf}", field
                )

        if self.arch == "painn-schnetpack":
            require("cutoff_applies_to", "filter")
            require("rbf_gamma_convention", "half_inv_w2" if self.rbf == "gaussian" else None)
            require("dir_eps", 0)
        else:
            require("cutoff_applies_to", "rbf_input")
            require("rbf", "gaussian")
            require("rbf_gamma_convention", "inv_w2")
            require("shared_layers", False)
            require("shared_filters", False)
            require("pbc_supported", False)
        factor = energy_units_in_ev[self.energy_unit]
        if self.energy_unit_in_ev != factor:
            raise PainnlessError(
                "BAD_MODEL",
                f"model field energy_unit_in_ev is {self.energy_unit_in_ev!r}, expected {factor!r} for {self.energy_unit}",
                "energy_unit_in_ev",
            )
        if self.readout_widths[-1] != 1:
            raise PainnlessError(
                "BAD_MODEL",
                f"model field readout_widths ends in {self.readout_widths[-1]}, expected 1: one energy per atom",
                "readout_widths",
            )
        if self.atom_refs is not None and len(self.atom_refs) != self.max_z + 1:
            raise PainnlessError(
                "BAD_MODEL", f"model field atom_refs has {len(self.atom_refs)} entries, expected {self.max_z + 1} = max_z + 1", "atom_refs"
            )

    @property
    def offset(self) -> float:
        """`energy_offset` as a number, in `energy_unit`."""
        return float(self.energy_offset)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> "ModelConfig":
        try:
            data = json.loads(text, object_pairs_hook=_no_duplicates)
        except (ValueError, RecursionError) as exc:
            raise PainnlessError("BAD_MODEL", f"the model's metadata is not JSON: {exc}") from exc
        if not isinstance(data, dict):
            raise PainnlessError("BAD_MODEL", f"the model's metadata is a JSON {type(data).__name__}, expected an object")
        known = {f.name for f in fields(ModelConfig)}
        for name in sorted(data.keys() - known):
            raise PainnlessError("BAD_MODEL", f"model field {name} is unknown to this version of painnless", name)
        for name in sorted(known - data.keys()):
            raise PainnlessError("BAD_MODEL", f"model field {name} is missing", name)
        return ModelConfig(**data)


def expected_tensors(config: ModelConfig) -> tuple[dict[str, tuple[int, ...]], set[str]]:
    """Shape of each tensor by name, and the names of those that may be absent. Layers and filters that are shared are stored once."""
    f, r = config.n_features, config.n_rbf
    shapes: dict[str, tuple[int, ...]] = {}
    optional: set[str] = set()

    def dense(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs)
        shapes[f"{name}.bias"] = (outputs,)

    if config.arch == "painn-schnetpack":
        layers = 1 if config.shared_layers else config.n_layers
        filters = 1 if config.shared_filters else config.n_layers
        shapes["representation.embedding.weight"] = (config.max_z + 1, f)
        for name in ("offsets", "widths") if config.rbf == "gaussian" else ("freqs",):
            shapes[f"representation.radial_basis.{name}"] = (r,)
        dense("representation.filter_net", r, 3 * f * filters)
        for t in range(layers):
            dense(f"representation.interactions.{t}.interatomic_context_net.0", f, f)
            dense(f"representation.interactions.{t}.interatomic_context_net.1", f, 3 * f)
            shapes[f"representation.mixing.{t}.mu_channel_mix.weight"] = (2 * f, f)
            dense(f"representation.mixing.{t}.intraatomic_context_net.0", 2 * f, f)
            dense(f"representation.mixing.{t}.intraatomic_context_net.1", f, 3 * f)
        head, stride = "output_modules.0.outnet", 1
    else:
        shapes["embedding.weight"] = (config.max_z + 1, f)
        shapes["rbf.centers"] = shapes["rbf.widths"] = (r,)
        for t in range(config.n_layers):
            dense(f"interactions.{t}.message.rbf_to_scalar.0", r, f)
            dense(f"interactions.{t}.message.rbf_to_scalar.2", f, 3 * f)
            dense(f"interactions.{t}.update.update_mlp.0", 2 * f, f)
            dense(f"interactions.{t}.update.update_mlp.2", f, 3 * f)
            shapes[f"interactions.{t}.update.mixing_matrix"] = (3, 3)
        optional.add(f"interactions.{config.n_layers - 1}.update.mixing_matrix")
        head, stride = "energy_head", 2
    width = f
    for k, out in enumerate(config.readout_widths):
        dense(f"{head}.{k * stride}", width, out)
        width = out
    return shapes, optional


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} occurs twice")
    return dict(pairs)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
