"""PaiNN force fields: an ASE calculator, model files, the wire to the engine, and a reference in plain PyTorch.

Importing this loads neither torch nor ase.
"""

from typing import TYPE_CHECKING, Any

from painnless.errors import PainnlessError

if TYPE_CHECKING:
    from painnless.calculator import PainnlessCalculator

__all__ = ["PainnlessCalculator", "PainnlessError"]


def __getattr__(name: str) -> Any:
    """The calculator is loaded, and ase with it, when it is first asked for."""
    if name == "PainnlessCalculator":
        from painnless.calculator import PainnlessCalculator  # noqa: PLC0415

        return PainnlessCalculator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
