"""ZeroMQ's context: one for all lines of the process, as each takes two threads and several descriptors."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack

import zmq

__all__ = ["join_context"]

Context = zmq.Context[zmq.Socket[bytes]]

_DESCRIPTORS = 20
"""A line takes four, the context five, and pyzmq's account of large frames eight, each of them when it is first needed."""

_turn = threading.RLock()  # a line that is garbage may end, and leave, within join_context
_shared: "_Shared | None" = None


class _Shared:
    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.lines = 0
        self.zmq = Context()
        self.zmq.set(zmq.MAX_SOCKETS, self.zmq.get(zmq.SOCKET_LIMIT))  # by default three a line are too many for 342 lines
        self.zmq.socket(zmq.PAIR).close()  # with the first, its threads begin


def join_context() -> tuple[Context, Callable[[], None]]:
    """The context, and what leaves it: to be called once, after all sockets of whoever joined are closed.

    The last to leave ends the context, and waits until what lingers is sent. A fork has one of its own. Raises OSError (EMFILE) where
    descriptors run short: ZeroMQ would end the process, or connect in silence to nobody.
    """
    global _shared  # noqa: PLW0603
    with _turn:
        _require_descriptors(_DESCRIPTORS)
        owner = os.getpid()
        shared = _shared  # behind every call before the count: in each of them the last line may leave, and take the context along
        if shared is None or shared.owner != owner:
            shared = _shared = _Shared(owner)
        shared.lines += 1

    def leave() -> None:
        global _shared  # noqa: PLW0603
        with _turn:
            shared.lines -= 1
            if shared.lines > 0:
                return
            if _shared is shared:
                _shared = None
        shared.zmq.destroy()  # what an interruption left open too

    return shared.zmq, leave


def _require_descriptors(count: int) -> None:
    with ExitStack() as opened:
        for _ in range(count // 2):
            for descriptor in os.pipe():
                opened.callback(os.close, descriptor)


def _after_fork() -> None:
    global _turn  # noqa: PLW0603
    _turn = threading.RLock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_after_fork)
