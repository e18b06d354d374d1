"""The loop that talks: a ROUTER in the main thread. It answers hello, ping and cancel at once and says busy while others compute."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType

import zmq

from painnless.batch import decode_evaluate, encode_result
from painnless.codec import Decoded, FrameBytes, address_of, decode_message, encode_message, other_protocol
from painnless.errors import PainnlessError
from painnless.wire import PROTOCOL, Busy, Bye, Cancel, Dynamics, Error, Evaluate, Hello, Limits, Message, Ping, Pong, Status, Welcome
from painnless.worker.compute import Compute, Job
from painnless.worker.lifeline import assert_parent, die_with_parent, has_parent
from painnless.worker.side import Side
from painnless.worker.statistics import Tally

__all__ = ["Loop"]

_BUSY_MS = 250
_MAX_STRUCTURES = 65_536
_MAX_BYTES = 256 << 20
_MAX_QUEUE = 4096
_MAX_CLIENTS = 256


class Loop:
    """Serves `make_side()` at `endpoint` (ipc://PATH) until the parent ends or SIGTERM arrives.

    own_folder: the socket's folder is ours, and is removed when we end before a client has come.
    """

    def __init__(self, endpoint: str, make_side: Callable[[], Side], parent: int | None, own_folder: bool) -> None:
        self._endpoint = endpoint
        self._parent = parent
        self._own_folder = own_folder
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._compute = Compute(make_side, self._wake)
        self._greetings: list[tuple[bytes, Hello]] = []  # hellos that wait for the side to be made
        self._jobs: dict[tuple[bytes, int, int], Job] = {}  # owed, oldest first
        self._clients: dict[bytes, int] = {}  # epoch of each that said hello
        self._tally = Tally()
        self._stopping = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to us too; when to end is the parent's decision
        try:
            if self._parent is not None:
                die_with_parent(signal.SIGTERM)
                assert_parent(self._parent)
            self._open_and_serve()
        finally:
            self._remove_socket()

    def _open_and_serve(self) -> None:
        context = zmq.Context()
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 200)
        self._socket.setsockopt(zmq.SNDHWM, 0)  # a ROUTER drops what is beyond its mark; an answer must never be
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # and says who is gone
        self._socket.setsockopt(zmq.MAXMSGSIZE, 2 * _MAX_BYTES)
        self._socket.bind(self._endpoint)
        self._compute.start()
        self._serve()
        for client, epoch in list(self._clients.items()):
            self._send(client, Bye(epoch=epoch))
        self._socket.close()
        context.term()

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._wake_read, zmq.POLLIN)
        next_busy = 0.0
        while not self._stopping and (self._parent is None or has_parent(self._parent)):
            ready = dict(poller.poll(_BUSY_MS))
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
                self._welcome_who_waits()
                self._answer_finished()
            if self._socket in ready:
                self._receive()
            if time.monotonic() >= next_busy:
                next_busy = time.monotonic() + _BUSY_MS / 1000
                self._say_busy()

    def _receive(self) -> None:
        client, *frames = self._socket.recv_multipart()
        try:
            size = sum(map(len, frames))
            if size > _MAX_BYTES:
                raise PainnlessError("BAD_MESSAGE", f"a message of {size} bytes, expected at most {_MAX_BYTES}")
            self._handle(client, decode_message(frames))
        except PainnlessError as error:
            self._tally.malformed += error.code == "BAD_MESSAGE"
            self._send_error(client, *address_of(frames), error)

    def _handle(self, client: bytes, decoded: Decoded) -> None:
        match decoded.message:
            case Hello() as hello:
                self._greetings.append((client, hello))
                self._welcome_who_waits()
            case Evaluate() as request:
                self._accept(client, request, decoded)
            case Dynamics():
                raise PainnlessError("UNSUPPORTED", "this worker moves no atoms; ask it for forces, or a server of our engine for dynamics")
            case Ping() as ping:
                self._send(client, Pong(epoch=ping.epoch, id=ping.id))
            case Status() as status:
                self._send(client, self._tally.report(status, len(self._clients), len(self._jobs)))
            case Cancel() as cancel:
                job = self._jobs.pop((client, cancel.epoch, cancel.id), None)
                if job is not None:  # else it has been answered, and the two crossed
                    self._tally.cancelled += 1
                    self._compute.withdraw(job)
                    self._send_error(client, cancel.epoch, cancel.id, PainnlessError("CANCELLED", "the request was withdrawn"))
            case Bye():
                self._forget(client)
            case other:
                raise PainnlessError("BAD_MESSAGE", f"{type(other).__name__.lower()} is for servers to send, not for clients", "kind")

    def _accept(self, client: bytes, request: Evaluate, decoded: Decoded) -> None:
        key = client, request.epoch, request.id
        if key in self._jobs:
            raise PainnlessError("BAD_MESSAGE", f"request {request.id} is being worked on already; expected a new id", "id")
        if len(request.names) > _MAX_STRUCTURES:
            raise PainnlessError("BAD_STRUCTURE", f"a batch of {len(request.names)} structures, the limit is {_MAX_STRUCTURES}", "names")
        if len(self._jobs) >= _MAX_QUEUE:
            raise PainnlessError("OVERLOADED", f"{_MAX_QUEUE} requests wait already, which is the limit; try again later")
        job = Job(client, request.epoch, request.id, decode_evaluate(decoded), request.want)
        self._jobs[key] = job
        self._compute.submit(job)

    def _welcome_who_waits(self) -> None:
        side, failure = self._compute.side, self._compute.failure
        if side is None and failure is None:
            return
        for client, hello in self._greetings:
            if hello.protocol != PROTOCOL:
                self._send_error(client, hello.epoch, hello.id, other_protocol(hello.protocol))
            elif side is None:
                self._send_error(client, hello.epoch, hello.id, failure or PainnlessError("INTERNAL", "no reason"))
            elif hello.model not in (None, side.model):
                wrong = f"model {hello.model} was asked for, this worker has {side.model or 'none'}"
                self._send_error(client, hello.epoch, hello.id, PainnlessError("UNSUPPORTED", wrong, "model"))
            elif client not in self._clients and self._is_full():
                many = f"{_MAX_CLIENTS} clients are connected already, which is the limit"
                self._send_error(client, hello.epoch, hello.id, PainnlessError("OVERLOADED", many))
            else:
                self._clients[client] = hello.epoch
                self._send(client, _welcome(hello, side))
                if self._parent is not None and self._own_folder:
                    die_with_parent(signal.SIGKILL)  # the parent removes the folder now, so there is nothing left for us to do
        self._greetings.clear()

    def _answer_finished(self) -> None:
        while self._compute.finished:
            job = self._compute.finished.popleft()
            key = job.client, job.epoch, job.id
            if self._jobs.get(key) is not job:
                continue  # withdrawn, and answered or unwanted since
            del self._jobs[key]
            self._tally.count(job.structures, job.seconds, time.monotonic() - job.arrived, isinstance(job.answer, list))
            if isinstance(job.answer, list):
                self._deliver(job.client, encode_result(job.epoch, job.id, job.answer))
            else:
                self._send_error(job.client, job.epoch, job.id, job.answer or PainnlessError("INTERNAL", "finished without an answer"))

    def _is_full(self) -> bool:
        """Who has gone without a word is noticed here: nothing can be sent there."""
        if len(self._clients) >= _MAX_CLIENTS:
            for client, epoch in list(self._clients.items()):
                self._send(client, Pong(epoch=epoch, id=0))
        return len(self._clients) >= _MAX_CLIENTS

    def _forget(self, client: bytes) -> None:
        self._clients.pop(client, None)
        for key in [key for key in self._jobs if key[0] == client]:
            self._tally.cancelled += 1
            self._compute.withdraw(self._jobs.pop(key))

    def _say_busy(self) -> None:
        """To each client that waits, once, for the oldest thing it waits for."""
        for client, hello in self._greetings:
            self._send(client, Busy(epoch=hello.epoch, id=hello.id, ahead=0))
        told = Counter(client for client, _ in self._greetings)
        for ahead, (client, epoch, request) in enumerate(list(self._jobs)):
            if client not in told:
                told[client] += 1
                self._send(client, Busy(epoch=epoch, id=request, ahead=ahead))

    def _send(self, client: bytes, message: Message) -> None:
        self._deliver(client, encode_message(message))

    def _deliver(self, client: bytes, frames: Sequence[FrameBytes]) -> None:
        try:
            self._socket.send_multipart([client, *frames], zmq.NOBLOCK)
        except zmq.ZMQError as exc:
            if exc.errno != zmq.EHOSTUNREACH:
                raise
            self._forget(client)

    def _send_error(self, client: bytes, epoch: int | None, request: int | None, error: PainnlessError) -> None:
        self._send(client, Error(epoch=epoch, id=request, code=error.code, message=error.message, field=error.field))

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._wake_write, b"!")

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._wake()

    def _remove_socket(self) -> None:
        path = self._endpoint.removeprefix("ipc://")
        with suppress(FileNotFoundError):  # the parent was there first
            os.unlink(path)
        with suppress(FileNotFoundError):
            if self._own_folder:
                os.rmdir(os.path.dirname(path))


def _welcome(hello: Hello, side: Side) -> Welcome:
    return Welcome(
        epoch=hello.epoch,
        id=hello.id,
        protocol=PROTOCOL,
        side=side.name,
        provides=list(side.provides),
        model=side.model,
        elements=None if side.domain.elements is None else list(side.domain.elements),
        cutoff=side.cutoff,
        periodic=side.domain.periodic,
        dynamics=False,
        limits=Limits(atoms=side.domain.max_atoms, structures=_MAX_STRUCTURES, bytes=_MAX_BYTES, queue=_MAX_QUEUE, clients=_MAX_CLIENTS),
        pid=os.getpid(),
        versions=dict(side.versions),
    )
