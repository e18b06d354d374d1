"""The end of the interpreter, which daemon threads may meet within a call."""

import atexit
import threading

__all__ = ["leave_if_ending", "watch_for_end"]

_ending = False
_watched = False


def watch_for_end() -> None:
    """To be called when something with a finalizer of weakref's has been made: what is registered after that runs before these do."""
    global _watched  # noqa: PLW0603
    if not _watched:
        _watched = True
        atexit.register(_begin)


def leave_if_ending() -> None:
    """Ends a thread, without a word, that would start anew what is just being ended; the main thread may still do so."""
    if _ending and threading.current_thread() is not threading.main_thread():
        raise SystemExit


def _begin() -> None:
    global _ending  # noqa: PLW0603
    _ending = True
