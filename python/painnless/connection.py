"""A way to a server that answers: a private one, started when needed and again after it failed, or one that runs already."""

import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from painnless.batch import Evaluation
from painnless.client import RemotePotential
from painnless.ending import leave_if_ending
from painnless.errors import PainnlessError
from painnless.launch import PrivateServer, ServerSpec, private_server
from painnless.motion import Snapshot
from painnless.structure import Structure
from painnless.wire import Property, Welcome

__all__ = ["Connection"]

T = TypeVar("T")
Floats = NDArray[np.float64]

_LOST = ("TIMEOUT", "WORKER_DIED")
"""What is raised where the server itself, and not the request, is at fault."""
_DYING_SECONDS = 0.25
"""A process that was killed is there until its threads have had a core once more, and for _LOOK_MS of line.py until somebody looks."""


class Connection:
    """Made by one process for itself; its threads may share it, one call after the other.

    target: what a private server is to serve, or the endpoint of one that runs. silence: s without a sign of life after which a call is
    given up. model: sha256 that the server must have; if None, that of the first that answers: no later one has another.
    """

    def __init__(self, target: ServerSpec | str, *, silence: float, model: str | None = None) -> None:
        self._target = target
        self._silence = silence
        self._model = model
        self._owner = os.getpid()
        self._turn = threading.Lock()
        self._server: PrivateServer | None = None
        self._potential: RemotePotential | None = None

    @property
    def welcome(self) -> Welcome:
        """What the server says of itself; connects if need be."""
        return self._call(lambda potential: potential.welcome)

    @property
    def model(self) -> str | None:
        """sha256 of the model of the first answer, or that the server must have; None before."""
        return self._model

    @property
    def server_pid(self) -> int | None:
        """The process of a private server that runs; None without one."""
        return None if self._server is None else self._server.pid

    @property
    def note(self) -> str | None:
        """Why a private server computes with what it does, where it chose."""
        return None if self._server is None else self._server.note

    def evaluate(
        self, structures: Sequence[Structure], want: Collection[Property], meanwhile: Callable[[], None] = lambda: None
    ) -> list[Evaluation]:
        """As RemotePotential. A server that does not answer is given up with TIMEOUT or WORKER_DIED, and the next call has a new one.

        Where a private one is gone as soon as it is asked, and may have been so before, another one is asked, with a RuntimeWarning.
        """
        return self._call(lambda potential: potential.evaluate(structures, want, meanwhile=meanwhile))

    def move(self, structure: Structure, options: dict[str, Any], velocities: Floats | None) -> Iterator[Snapshot]:
        """As RemotePotential, over a line of its own: other calls may be made while the run goes on, and share the engine with it."""
        if not self.welcome.dynamics:
            raise PainnlessError("UNSUPPORTED", f"{self.welcome.side} moves no atoms; use ASE's dynamics, which need forces only")
        with self._turn:
            potential = self._open_line()
        with potential:
            yield from potential.move(structure, options, velocities)

    def batches(self, structures: Sequence[Structure]) -> Iterator[Sequence[Structure]]:
        """The structures in order, in groups that the server takes at once."""
        limits = self.welcome.limits
        first, atoms = 0, 0
        for k, structure in enumerate(structures):
            n = len(structure.numbers)
            if k > first and (k - first == limits.structures or atoms + n > limits.atoms):
                yield structures[first:k]
                first, atoms = k, 0
            atoms += n
        if structures:
            yield structures[first:]

    def close(self) -> None:
        """Frees the server; a later call connects again."""
        if os.getpid() == self._owner:
            with self._turn:
                self._drop()

    def _call(self, work: Callable[[RemotePotential], T]) -> T:
        if os.getpid() != self._owner:
            raise PainnlessError(
                "UNSUPPORTED",
                f"this calculator belongs to process {self._owner}, of which this one ({os.getpid()}) is a fork: its connection cannot be "
                "used here. Make the calculator after the fork, or hand it over by pickle (multiprocessing does so with spawn)",
            )
        with self._turn:
            asked = time.monotonic()
            try:
                return self._ask(work)
            except PainnlessError as error:
                leave_if_ending()
                is_ours = isinstance(self._target, ServerSpec)
                if not (is_ours and error.code == "WORKER_DIED" and time.monotonic() - asked < _DYING_SECONDS):
                    raise
                # It may have been killed before it was asked, which is nobody's fault; what kills every server is raised below.
                warnings.warn(f"{error}; asking another one", RuntimeWarning, stacklevel=3)
            return self._ask(work)

    def _ask(self, work: Callable[[RemotePotential], T]) -> T:
        try:
            return work(self._connected())
        except PainnlessError as error:
            if error.code in _LOST:
                self._drop(kill=True)
            raise

    def _connected(self) -> RemotePotential:
        leave_if_ending()
        lost = None if self._potential is None else self._potential.lost()
        if lost is not None:  # nobody waited for an answer then, and another server gives the same ones
            warnings.warn(f"{lost}, between two calls; connecting again", RuntimeWarning, stacklevel=2)
            self._drop()
        if self._potential is None:
            self._connect()
        assert self._potential is not None
        return self._potential

    def _connect(self) -> None:
        # Ours alone, and in no variable: an error keeps the variables of its calls, and would keep the server running.
        if isinstance(self._target, ServerSpec):
            self._server = private_server(self._target)
        try:
            self._potential = self._open_line()
        except BaseException:
            self._server = None  # which ends it
            raise

    def _open_line(self) -> RemotePotential:
        if isinstance(self._target, str):
            potential = RemotePotential(self._target, silence=self._silence, model=self._model)
        else:
            assert self._server is not None
            ended = _watch(weakref.ref(self._server))
            potential = RemotePotential(self._server.endpoint, silence=self._silence, model=self._model, ended=ended)
        # Whoever holds us may keep results, and be half way through a relaxation: another model's would be taken for the same energy.
        self._model = potential.welcome.model
        return potential

    def _drop(self, kill: bool = False) -> None:
        if self._potential is not None:
            self._potential.close()
        if kill and self._server is not None:
            self._server.kill()
        self._potential = self._server = None


def _watch(server: "weakref.ref[PrivateServer]") -> Callable[[], str | None]:
    def ended() -> str | None:
        there = server()
        return "the server was closed" if there is None else there.ended()

    return ended
