"""The socket to a server: what is said goes out whole, and whoever waits learns it when nobody can answer any more."""

import errno
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import cast

import zmq

from painnless.codec import LARGE_BYTES, FrameBytes
from painnless.context import join_context
from painnless.destination import Destination
from painnless.ending import watch_for_end
from painnless.errors import PainnlessError

__all__ = ["Line"]

_BYE_LINGER_MS = 50
_LOOK_MS = 50
"""How often one who waits looks whether the server is still there."""
_LONGEST_SECONDS = 2e6
"""ZeroMQ counts ms in 32 bits."""
_EAGER_SECONDS = 2e-3
"""Where the last answer came within this, the next is met awake: to be woken takes some 0.1 ms."""
_AWAY_SECONDS = 100e-6
"""Threads that carry an answer keep a core for some 10 µs. Where others had ours for longer than this, they need it, as the engine may."""
_LOST = zmq.EVENT_DISCONNECTED
_REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL

Socket = zmq.Socket[bytes]


class Line:
    """One DEALER socket, used by one thread at a time; broken once and for all when its connection is.

    silence: seconds without any sign of life after which waiting ends. ended: says why the server's process is gone, None while it is
    there or where that cannot be known. bye: what is said at the end.
    """

    def __init__(self, destination: Destination, silence: float, ended: Callable[[], str | None], bye: Sequence[FrameBytes]) -> None:
        self.endpoint = destination.endpoint
        self._silence = silence
        self._ended = ended
        self._waited = 0.0
        self._copies = True
        self._using = threading.RLock()  # by the thread that uses the sockets
        try:
            with ExitStack() as opened:
                self._connect(opened, destination)
                self._finalizer = weakref.finalize(self, _hang_up, opened.pop_all(), self._socket, bye, os.getpid(), self._using)
                watch_for_end()
        except (zmq.ZMQError, OSError) as exc:
            if exc.errno in (errno.EMFILE, errno.ENFILE):
                why = "let several atoms share a calculator, as each holds four, or raise the limit (ulimit -n)"
                raise PainnlessError("MISSING", f"{self.endpoint}: too many open files: {why}") from exc
            raise PainnlessError("USAGE", f"{self.endpoint} is no endpoint: {exc.strerror}", "server") from exc

    def _connect(self, opened: ExitStack, destination: Destination) -> None:
        context, leave = join_context()
        opened.callback(leave)
        self._socket = opened.enter_context(context.socket(zmq.DEALER))
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVTIMEO, _LOOK_MS)
        self._socket.setsockopt(zmq.SNDTIMEO, int(1000 * min(self._silence, _LONGEST_SECONDS)))
        if destination.curve is not None:
            self._socket.setsockopt(zmq.CURVE_PUBLICKEY, destination.curve.public)
            self._socket.setsockopt(zmq.CURVE_SECRETKEY, destination.curve.secret)
            self._socket.setsockopt(zmq.CURVE_SERVERKEY, destination.curve.server)
        self._monitor = opened.enter_context(self._socket.get_monitor_socket(_LOST | _REFUSED))
        opened.callback(self._socket.disable_monitor)
        self._socket.connect(self.endpoint)

    @property
    def closed(self) -> bool:
        return not self._finalizer.alive

    def close(self) -> None:
        """Says bye, which is on its way when this returns; may be called twice."""
        self._finalizer()

    def send(self, frames: Sequence[FrameBytes]) -> None:
        """Raises TIMEOUT where nobody takes it."""
        self._copies = max(map(len, frames)) < LARGE_BYTES  # ZeroMQ copies small frames faster than it keeps account of them
        with self._using:
            try:
                if len(frames) == 1:
                    self._socket.send(frames[0], copy=self._copies)
                else:
                    self._socket.send_multipart(frames, copy=self._copies)
            except zmq.Again as exc:
                raise PainnlessError("TIMEOUT", f"{self.endpoint}: nobody takes what is sent for {self._silence} s") from exc
            except BaseException:
                self.close()  # what comes next would be taken for the rest of this message
                raise

    def say(self, frames: Sequence[FrameBytes]) -> None:
        """As send, but waits for nothing, and lets it be where nobody is there."""
        with self._using, suppress(zmq.Again, zmq.ZMQError):
            self._socket.send_multipart(frames, zmq.NOBLOCK)

    def receive(self, end: float) -> Sequence[FrameBytes]:
        """The next message. end: on time.monotonic's clock. Raises TIMEOUT then or after silence, WORKER_DIED, UNSUPPORTED (keys)."""
        with self._using:
            return self._receive(end)

    def _receive(self, end: float) -> Sequence[FrameBytes]:
        start = looked = time.monotonic()
        if self._waited < _EAGER_SECONDS and self._comes_soon(start):
            self._waited = time.monotonic() - start
            return self._take()
        silent = 0.0
        while True:
            try:
                message = self._take()
                self._waited = time.monotonic() - start
                return message
            except zmq.Again:
                now = time.monotonic()
            lost = self.lost()
            if lost is not None:
                raise lost
            # Where this process itself stood still for a while, what was said meanwhile is not read yet.
            silent += min(now - looked, 4 * _LOOK_MS / 1000)
            looked = now
            if now >= end:
                raise PainnlessError("TIMEOUT", f"{self.endpoint}: no answer in time")
            if silent >= self._silence:
                raise PainnlessError("TIMEOUT", f"{self.endpoint}: no sign of life for {silent:.1f} s")

    def _comes_soon(self, start: float) -> bool:
        """Looks out for a message without sleep, for a moment and as long as nobody else needs the core."""
        now = start
        while now - start < _EAGER_SECONDS:
            if cast("int", self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return True
            looked = now
            os.sched_yield()
            now = time.monotonic()
            if now - looked > _AWAY_SECONDS:
                return False
        return False

    def _take(self) -> Sequence[FrameBytes]:
        try:
            if self._copies:
                return self._socket.recv_multipart()
            return [frame.buffer for frame in self._socket.recv_multipart(copy=False)]  # a large question has a large answer
        except zmq.Again:
            raise
        except BaseException:
            if self._socket.getsockopt(zmq.RCVMORE):
                self.close()  # interrupted within a message: what is left of it would be taken for the next
            raise

    def lost(self) -> PainnlessError | None:
        """Why no answer can come any more, as far as is known: WORKER_DIED, UNSUPPORTED (keys); None while one can."""
        ended = self._ended()
        if ended is not None:
            return PainnlessError("WORKER_DIED", ended)
        if self.closed:
            return PainnlessError("WORKER_DIED", f"the connection to {self.endpoint} was closed")
        with self._using:
            if not cast("int", self._monitor.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return None
            event = int.from_bytes(self._monitor.recv_multipart()[0][:2], sys.byteorder)
            self.close()
        if event & _REFUSED:
            why = "the server does not take our key; it lists those of its clients"
            return PainnlessError("UNSUPPORTED", f"{self.endpoint}: {why}", "server")
        return PainnlessError("WORKER_DIED", self._ended() or f"the connection to the server at {self.endpoint} is lost")


def _hang_up(opened: ExitStack, socket: Socket, bye: Sequence[FrameBytes], owner: int, using: threading.RLock) -> None:
    if os.getpid() != owner:  # in a fork they are the parent's
        return
    if not using.acquire(blocking=False):  # the interpreter ends while a thread waits: ZeroMQ would end it, or wait for that thread
        opened.pop_all()
        return
    try:
        with opened:
            socket.setsockopt(zmq.LINGER, _BYE_LINGER_MS)
            with suppress(zmq.Again):  # nobody is there to hear it
                socket.send_multipart(bye, zmq.NOBLOCK)
    finally:
        using.release()
