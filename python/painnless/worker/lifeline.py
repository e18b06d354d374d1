"""A child that dies with its parent, whatever ends the parent."""

import ctypes
import os
import signal
import sys

from painnless.errors import PainnlessError

__all__ = ["assert_parent", "die_with_parent", "has_parent"]

_PR_SET_PDEATHSIG = 1


def die_with_parent(with_signal: signal.Signals) -> None:
    """On Linux the kernel sends us this signal when the parent ends. Elsewhere `has_parent` has to be asked now and then."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def has_parent(parent: int) -> bool:
    return os.getppid() == parent


def assert_parent(parent: int) -> None:
    """Raises WORKER_DIED where the parent ended before we began to watch it."""
    if not has_parent(parent):
        raise PainnlessError("WORKER_DIED", f"the parent process {parent} is gone; a worker does not outlive it")
