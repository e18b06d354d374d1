"""A potential that another process answers for, called and waited for: the Python end of the wire."""

import os
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType

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


class RemotePotential:
    """One DEALER socket to `endpoint` (ipc://PATH), used by one thread.

    silence: seconds without any sign of life after which an answer is given up. model: sha256 of the model that the server must have; any
    without it. Raises TIMEOUT when nobody says welcome, UNSUPPORTED for another protocol or model.
    """

    def __init__(self, endpoint: str, *, silence: float = 10.0, model: str | None = None) -> None:
        if not endpoint.startswith("ipc://"):
            raise PainnlessError("UNSUPPORTED", f"endpoint {endpoint}: expected ipc://PATH; there is no plaintext TCP", "endpoint")
        self._endpoint = endpoint
        self._silence = silence
        self._epoch = secrets.randbits(32)
        self._last_id = 0
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(endpoint)
        try:
            self.welcome = self._greet(model)
        except PainnlessError:
            self.close()
            raise
        self.name = self.welcome.side

    def evaluate(
        self, structures: Sequence[Structure], want: Collection[Property] = ("energy", "forces"), *, deadline: float = float("inf")
    ) -> list[Evaluation]:
        """One evaluation per structure, in order. deadline: seconds. Raises what the server answers, or TIMEOUT."""
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

    def close(self) -> None:
        """Says bye; may be called twice."""
        if not self._socket.closed:
            self._socket.setsockopt(zmq.LINGER, _BYE_LINGER_MS)
            self._socket.send_multipart(encode(Bye(epoch=self._epoch)))
            self._socket.close()
            self._context.term()

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
        self._socket.send_multipart(make_frames(request))
        end = time.monotonic() + deadline
        heard = time.monotonic()
        while True:
            now = time.monotonic()
            left = min(end, heard + self._silence) - now
            if left <= 0:
                self._socket.send_multipart(encode(Cancel(epoch=self._epoch, id=request)))
                why = "no answer in time" if now >= end else f"no sign of life for {now - heard:.1f} s"
                raise PainnlessError("TIMEOUT", f"{self._endpoint}: {why}")
            if not self._socket.poll(max(1, int(left * 1000))):
                continue
            answer = decode_message(self._socket.recv_multipart())
            heard = time.monotonic()
            if self._is_answer(answer.message, request):
                return answer

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


def _unexpected(request: str, found: Message) -> PainnlessError:
    return PainnlessError("BAD_MESSAGE", f"{request} was answered by {type(found).__name__.lower()}")
