"""A potential that another process answers for, called and waited for: the Python end of the wire."""

import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from painnless.batch import Evaluation, decode_result, encode_evaluate
from painnless.codec import Decoded, FrameBytes, decode_message, other_protocol
from painnless.codec import encode_message as encode
from painnless.destination import read_destination
from painnless.errors import PainnlessError
from painnless.line import Line
from painnless.motion import Snapshot, decode_frame, encode_dynamics
from painnless.structure import Structure
from painnless.wire import PROTOCOL, Bye, Cancel, Done, Error, Frame, Hello, Message, Ping, Pong, Property, Result, Welcome

__all__ = ["RemotePotential"]

Floats = NDArray[np.float64]


class RemotePotential:
    """The potential served at `endpoint` (ipc://PATH or tcp://HOST:PORT?key=FILE&server=FILE), used by one thread at a time.

    silence: seconds without any sign of life after which an answer is given up. model: sha256 of the model that the server must have; any
    without it. ended: says why the server's process is gone, None while it is there, where that can be known.
    Raises TIMEOUT when nobody says welcome, WORKER_DIED where the process is gone, UNSUPPORTED for another protocol or model, or keys that
    the server does not list.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        silence: float = 10.0,
        model: str | None = None,
        ended: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._silence = silence
        self._epoch = secrets.randbits(32)
        self._last_id = 0
        self._line = Line(read_destination(endpoint), silence, ended, encode(Bye(epoch=self._epoch)))
        try:
            self.welcome = self._greet(model)
        except BaseException:
            self.close()
            raise
        self.name = self.welcome.side

    def evaluate(
        self,
        structures: Sequence[Structure],
        want: Collection[Property] = ("energy", "forces"),
        *,
        deadline: float = float("inf"),
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[Evaluation]:
        """One evaluation per structure, in order. Raises what the server answers, TIMEOUT or WORKER_DIED.

        deadline: seconds. meanwhile: done while the server computes.
        """
        if not structures:
            return []
        answer = self._ask(lambda request: encode_evaluate(self._epoch, request, structures, want), deadline, meanwhile)
        if not isinstance(answer.message, Result):
            raise _unexpected("evaluate", answer.message)
        return decode_result(answer, structures)

    def move(self, structure: Structure, options: dict[str, Any], velocities: Floats | None) -> Iterator[Snapshot]:
        """The frames of a run, as it goes on; who stops taking them ends it. Nothing else may be asked meanwhile.

        options: SimulationRequest of src/dynamics/options.ts. velocities: (replicas, n, 3) Å/fs, drawn without. Raises what the server
        answers, UNSTABLE where the run could not go on, TIMEOUT or WORKER_DIED.
        """
        self._last_id += 1
        request = self._last_id
        self._line.send(encode_dynamics(self._epoch, request, structure, options, velocities))
        is_over = False
        try:
            while True:
                answer = decode_message(self._line.receive(float("inf")))
                message = answer.message
                if not self._is_answer(message, request):
                    continue
                is_over = not isinstance(message, Frame)
                if not is_over:
                    yield decode_frame(answer, len(structure.numbers))
                elif not isinstance(message, Done):
                    raise _unexpected("dynamics", message)
                elif message.stop is not None:
                    raise PainnlessError("UNSTABLE", f"the run stopped after step {message.step:.0f}: {message.stop.get('message')}")
                else:
                    return
        finally:
            if not is_over:
                self._withdraw(request)

    def ping(self) -> float:
        """Seconds to the server and back."""
        start = time.perf_counter()
        answer = self._ask(lambda request: encode(Ping(epoch=self._epoch, id=request)), self._silence)
        if not isinstance(answer.message, Pong):
            raise _unexpected("ping", answer.message)
        return time.perf_counter() - start

    def lost(self) -> PainnlessError | None:
        """Why it cannot answer any more, as far as is known; None while it can."""
        return self._line.lost()

    def close(self) -> None:
        """Says bye; may be called twice."""
        self._line.close()

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

    def _ask(
        self, make_frames: Callable[[int], Sequence[FrameBytes]], deadline: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Decoded:
        """The answer to the request; it is withdrawn when given up, so that the server does not work for nobody."""
        self._last_id += 1
        request = self._last_id
        end = time.monotonic() + deadline
        self._line.send(make_frames(request))
        try:
            meanwhile()
            while True:
                answer = decode_message(self._line.receive(end))
                if self._is_answer(answer.message, request):
                    return answer
        except PainnlessError as error:
            if error.code == "TIMEOUT":
                self._withdraw(request)
            raise
        except BaseException:  # an interruption: whoever asked has gone
            self._withdraw(request)
            raise

    def _withdraw(self, request: int) -> None:
        self._line.say(encode(Cancel(epoch=self._epoch, id=request)))

    def _is_answer(self, message: Message, request: int) -> bool:
        """Raises the error where the message is one that concerns the request, or that names nobody."""
        match message:
            case Error() if message.id is None or (message.epoch, message.id) == (self._epoch, request):
                raise PainnlessError(message.code, message.message, message.field)
            case Bye():
                raise PainnlessError("WORKER_DIED", f"the server at {self._line.endpoint} stopped")
            case Welcome() | Result() | Frame() | Done() | Pong():
                return (message.epoch, message.id) == (self._epoch, request)
            case _:
                return False


def _unexpected(request: str, found: Message) -> PainnlessError:
    return PainnlessError("BAD_MESSAGE", f"{request} was answered by {type(found).__name__.lower()}")
