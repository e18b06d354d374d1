"""What a user says of a calculator: checked, and told apart into what is served and where."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from painnless.errors import PainnlessError
from painnless.units import energy_units_in_ev

__all__ = ["Device", "Options", "Precision", "refuse_unknown"]

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "f64", "f32", "mixed"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The keywords of PainnlessCalculator, which explains them. Raises USAGE naming the keyword, what was found and what there is."""

    model: str | None = None
    energy_unit: str | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    server: str | None = None
    timeout: float = 10.0

    def __post_init__(self) -> None:
        self._expect("energy_unit", self.energy_unit is None or self.energy_unit in energy_units_in_ev, ", ".join(energy_units_in_ev))
        self._expect("device", self.device in get_args(Device), ", ".join(get_args(Device)))
        self._expect("precision", self.precision in get_args(Precision), ", ".join(get_args(Precision)))
        count = self.threads is None or (type(self.threads) is int and 1 <= self.threads <= 1024)
        self._expect("threads", count, "a whole number from 1 to 1024, or None")
        self._expect("timeout", _is_number(self.timeout) and 0 < self.timeout < math.inf, "a positive number of seconds")
        if self.server is None:
            self._expect("model", self.model is not None, "a model file or a checkpoint, unless a server is named")
            self._expect("precision", self.precision != "mixed" or self.device != "cpu", "f64 or f32: mixed is for device cuda")
            return
        self._expect(
            "server",
            str(self.server).startswith(("ipc://", "tcp://")),
            "an endpoint that painnless serve announced: ipc://PATH or tcp://HOST:PORT",
        )
        for name in ("device", "precision", "threads"):
            default = next(field.default for field in fields(self) if field.name == name)
            self._expect(name, getattr(self, name) == default, f"none: the server at {self.server} computes as it was started")

    @property
    def side(self) -> str:
        """What a private server is to compute with, as `painnless serve --side` takes it."""
        if self.precision == "mixed":
            return "native:cuda:mixed"  # there is no other, and nothing takes its place
        if self.device == "auto":
            return "auto" if self.precision == "auto" else f"auto:{self.precision}"
        precision = {"cpu": "f64", "cuda": "f32"}[self.device] if self.precision == "auto" else self.precision
        return f"native:{self.device}:{precision}"

    def _expect(self, name: str, is_so: bool, expected: str) -> None:
        if not is_so:
            raise PainnlessError("USAGE", f"{name} is {getattr(self, name)!r}, expected {expected}", name)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def refuse_unknown(keywords: dict[str, Any]) -> None:
    """Raises USAGE for the first keyword that is none of `Options`."""
    for name in keywords:
        known = ", ".join(field.name for field in fields(Options))
        raise PainnlessError(
            "USAGE",
            f"PainnlessCalculator has no keyword {name!r}; it has {known} (coming from SpkCalculator? docs/usage.md has a table)",
            name,
        )
