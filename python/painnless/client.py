"""A potential that another process answers for, called and waited for: the Python end of the wire."""

import os
import secrets
import time
import weakref
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from types import TracebackType
from typing import cast

import zmq

from painnless.batch import Evaluation, decode_result, encode_evaluate
from painnless.errors import PainnlessError
from painnless.structure import Structure
from painnless.wire import (
    PROTOCOL,
    Bye,
    Cancel,
    Decoded,
    Error,
    Hello,
    Message,
    Ping,
    Pong,
    Property,
    Result,
    Welcome,
    decode_message,
    other_protocol,
)
from painnless.wire import encode_message as encode

__all__ = ["RemotePotential"]

_BYE_LINGER_MS = 50
_LOOK_MS = 50
"""How often one who waits asks whether the server is still there."""
_EAGER_SECONDS = 300e-6
"""An answer that comes within this is met awake: to be woken by the kernel takes longer than most small answers."""

Socket = zmq.Socket[bytes]


class RemotePotential:
    """One DEALER socket to `endpoint` (ipc://PATH), used by one thread at a time.

    silence: seconds without any sign of life after which an answer is given up. model: sha256 of the model that the server must have; any
    without it. ended: says why the server's process is gone, None while it is there, where that can be known. Raises TIMEOUT when nobody
    says welcome, WORKER_DIED where the process is gone, UNSUPPORTED for another protocol or model.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        silence: float = 10.0,
        model: str | None = None,
        ended: Callable[[], str | None] = lambda: None,
    ) -> None:
        if not endpoint.startswith("ipc://"):
            raise PainnlessError("UNSUPPORTED", f"endpoint {endpoint}: expected ipc://PATH; there is no plaintext TCP", "endpoint")
        self._endpoint = endpoint
        self._silence = silence
        self._ended = ended
        self._epoch = secrets.randbits(32)
        self._last_id = 0
        context: zmq.Context[Socket] = zmq.Context()
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVTIMEO, _LOOK_MS)
        self._socket.setsockopt(zmq.SNDTIMEO, int(silence * 1000))
        self._socket.connect(endpoint)
        self._leave = weakref.finalize(self, _say_bye, context, self._socket, self._epoch, os.getpid())
        try:
            self.welcome = self._greet(model)
        except BaseException:
            self.close()
            raise
        self.name = self.welcome.side

    def evaluate(
        self, structures: Sequence[Structure], want: Collection[Property] = ("energy", "forces"), *, deadline: float = float("inf")
    ) -> list[Evaluation]:
        """One evaluation per structure, in order. deadline: seconds. Raises what the server answers, TIMEOUT or WORKER_DIED."""
        if not structures:
            return []
        answer = self._ask(lambda request: encode_evaluate(self._epoch, request, structures, want), deadline)
        if not isinstance(answer.message, Result):
            raise _unexpected("evaluate", answer.message)
        return decode_result(answer, structures)

    def ping(self) -> float:
        """Seconds to the server and back."""
        start = time.perf_counter()
        answer = self._ask(lambda request: encode(Ping(epoch=self._epoch, id=request)), self._silence)
        if not isinstance(answer.message, Pong):
            raise _unexpected("ping", answer.message)
        return time.perf_counter() - start

    @property
    def closed(self) -> bool:
        return not self._leave.alive

    def close(self) -> None:
        """Says bye; may be called twice."""
        self._leave()

    def __enter__(self) -> "RemotePotential":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _greet(self, model: str | None) -> Welcome:
        client = f"painnless python {os.getpid()}"
        answer = self._ask(
            lambda request: encode(Hello(epoch=self._epoch, id=request, protocol=PROTOCOL, model=model, client=client)), float("inf")
        ).message
        if not isinstance(answer, Welcome):
            raise _unexpected("hello", answer)
        if answer.protocol != PROTOCOL:
            raise other_protocol(answer.protocol)
        return answer

    def _ask(self, make_frames: Callable[[int], list[bytes]], deadline: float) -> Decoded:
        """The answer to the request; it is withdrawn when given up, so that the server does not work for nobody."""
        self._last_id += 1
        request = self._last_id
        end = time.monotonic() + deadline
        self._send(make_frames(request))
        try:
            while True:
                answer = decode_message(self._receive(end))
                if self._is_answer(answer.message, request):
                    return answer
        except PainnlessError as error:
            if error.code == "TIMEOUT":
                self._withdraw(request)
            raise
        except BaseException:  # an interruption: whoever asked has gone
            self._withdraw(request)
            raise

    def _send(self, frames: list[bytes]) -> None:
        try:
            self._socket.send_multipart(frames)
        except zmq.Again as exc:
            raise PainnlessError("TIMEOUT", f"{self._endpoint}: nobody takes what is sent for {self._silence} s") from exc
        except BaseException:
            self.close()  # what comes next would be taken for the rest of this message
            raise

    def _receive(self, end: float) -> list[bytes]:
        """The next message from the server. Raises TIMEOUT at `end` or after silence, WORKER_DIED."""
        start = time.monotonic()
        while time.monotonic() - start < _EAGER_SECONDS:
            if cast("int", self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                return self._socket.recv_multipart()
        looked, silent = start, 0.0
        while True:
            try:
                return self._socket.recv_multipart()
            except zmq.Again:
                now = time.monotonic()
                silent += min(now - looked, 4 * _LOOK_MS / 1000)  # where this process stood still, what was said meanwhile is not read yet
                looked = now
            ended = self._ended()
            if ended is not None:
                raise PainnlessError("WORKER_DIED", ended)
            if now >= end:
                raise PainnlessError("TIMEOUT", f"{self._endpoint}: no answer in time")
            if silent >= self._silence:
                raise PainnlessError("TIMEOUT", f"{self._endpoint}: no sign of life for {silent:.1f} s")

    def _withdraw(self, request: int) -> None:
        with suppress(zmq.Again):  # nobody is there to work for nobody
            self._socket.send_multipart(encode(Cancel(epoch=self._epoch, id=request)), zmq.NOBLOCK)

    def _is_answer(self, message: Message, request: int) -> bool:
        """Raises the error where the message is one that concerns the request, or that names nobody."""
        match message:
            case Error() if message.id is None or (message.epoch, message.id) == (self._epoch, request):
                raise PainnlessError(message.code, message.message, message.field)
            case Bye():
                raise PainnlessError("WORKER_DIED", f"the server at {self._endpoint} stopped")
            case Welcome() | Result() | Pong():
                return (message.epoch, message.id) == (self._epoch, request)
            case _:
                return False


def _say_bye(context: "zmq.Context[Socket]", socket: Socket, epoch: int, owner: int) -> None:
    if os.getpid() != owner:  # in a fork both are the parent's
        return
    socket.setsockopt(zmq.LINGER, _BYE_LINGER_MS)
    with suppress(zmq.Again):  # nobody is there to hear it
        socket.send_multipart(encode(Bye(epoch=epoch)), zmq.NOBLOCK)
    socket.close()
    context.term()


def _unexpected(request: str, found: Message) -> PainnlessError:
    return PainnlessError("BAD_MESSAGE", f"{request} was answered by {type(found).__name__.lower()}")
