"""ZeroMQ's context: one for all lines of the process, as each takes two threads and several descriptors."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack

import zmq

__all__ = ["Context", "join_context", "require_descriptors"]

Context = zmq.Context[zmq.Socket[bytes]]

_turn = threading.RLock()  # a line's end may come at any allocation, of joining too
_shared: "_Shared | None" = None


class _Shared:
    def __init__(self) -> None:
        self.zmq = Context()
        self.owner = os.getpid()
        self.lines = 0


def join_context() -> tuple[Context, Callable[[], None]]:
    """The context, and what leaves it: to be called once, after all sockets of whoever joined are closed.

    The last to leave ends the context, and waits until what lingers is sent. A fork has one of its own.
    """
    global _shared  # noqa: PLW0603
    with _turn:
        if _shared is None or _shared.owner != os.getpid():
            _shared = _Shared()
        shared = _shared
        shared.lines += 1

    def leave() -> None:
        global _shared  # noqa: PLW0603
        with _turn:
            shared.lines -= 1
            if shared.lines > 0:
                return
            if _shared is shared:
                _shared = None
        shared.zmq.term()

    return shared.zmq, leave


def require_descriptors(count: int) -> None:
    """Raises OSError (EMFILE) unless so many can be had: ZeroMQ ends the process, or says nothing, where it has none."""
    with ExitStack() as opened:
        for _ in range(count):
            opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def _after_fork() -> None:
    global _turn  # noqa: PLW0603
    _turn = threading.RLock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_after_fork)
