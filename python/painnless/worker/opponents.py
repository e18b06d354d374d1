"""Packages that are timed beside ours where a user has them; none is needed for anything else."""

import sys
from importlib import import_module
from typing import Any

from painnless.errors import PainnlessError

__all__ = ["import_opponent"]


def import_opponent(package: str, *modules: str) -> list[Any]:
    """The modules of a package, by the name it is installed under. Raises PainnlessError MISSING with the reason if it cannot be timed."""
    try:
        return [import_module(name) for name in modules]
    except ImportError as exc:
        top = modules[0].partition(".")[0]
        if isinstance(exc, ModuleNotFoundError) and exc.name == top:
            found = f"{package} is not installed in {sys.executable}"
        else:
            found = f"{package} cannot be imported by {sys.executable}: {exc}"
        raise PainnlessError("MISSING", found) from exc
