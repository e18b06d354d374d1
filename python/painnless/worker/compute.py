"""The one thread that computes, so that the loop that talks is never kept waiting."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from painnless.batch import Evaluation
from painnless.errors import PainnlessError
from painnless.structure import Structure, assert_computable
from painnless.wire import Property
from painnless.worker.distinct import assert_distinct
from painnless.worker.side import Side

__all__ = ["Compute", "Job"]

_ATOMS_AT_ONCE = 256
"""Small structures are evaluated together up to this many atoms; between such groups a withdrawn job is noticed."""


@dataclass(eq=False)
class Job:
    """One request. `answer` is set once, by the compute thread; `withdrawn` by the loop."""

    client: bytes
    epoch: int
    id: int
    structures: list[Structure]
    want: list[Property]
    answer: list[Evaluation] | PainnlessError | None = None
    withdrawn: threading.Event = field(default_factory=threading.Event)
    arrived: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    """of computing"""


class Compute(threading.Thread):
    """Makes the side, then takes jobs in order. After each it calls `notify`; the loop looks at `side`, `failure` and `finished`."""

    def __init__(self, make_side: Callable[[], Side], notify: Callable[[], None]) -> None:
        super().__init__(name="compute", daemon=True)
        self._make_side = make_side
        self._notify = notify
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self.finished: deque[Job] = deque()
        self.side: Side | None = None
        self.failure: PainnlessError | None = None

    def submit(self, job: Job) -> None:
        with self._changed:
            self._waiting.append(job)
            self._changed.notify()

    def withdraw(self, job: Job) -> None:
        """The job is dropped if it waits, and left at the next opportunity if it is being computed; it is not answered."""
        job.withdrawn.set()
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)

    def run(self) -> None:
        try:
            self.side = self._make_side()
        except Exception as exc:
            self.failure = _ours(exc, "start")
        self._notify()
        while True:
            with self._changed:
                while not self._waiting:
                    self._changed.wait()
                job = self._waiting.popleft()
            start = time.monotonic()
            job.answer = self._answer(job)
            job.seconds = time.monotonic() - start
            self.finished.append(job)
            self._notify()

    def _answer(self, job: Job) -> list[Evaluation] | PainnlessError:
        if self.side is None:
            return self.failure or PainnlessError("INTERNAL", "there is neither a side nor a reason why not")
        try:
            return _evaluate(self.side, job)
        except Exception as exc:
            return _ours(exc, self.side.name)


def _evaluate(side: Side, job: Job) -> list[Evaluation]:
    for want in job.want:
        if want not in side.provides:
            raise PainnlessError("UNSUPPORTED", f"{side.name} does not provide {want}; it provides {', '.join(side.provides)}", "want")
    for structure in job.structures:
        assert_computable(structure, side.domain)
        assert_distinct(structure)
    evaluations: list[Evaluation] = []
    for group in _groups(job.structures):
        if job.withdrawn.is_set():
            raise PainnlessError("CANCELLED", "the request was withdrawn")
        evaluations += side.evaluate(group, job.want)
    for structure, evaluation in zip(job.structures, evaluations, strict=True):
        _assert_finite(side.name, structure, evaluation)
    return evaluations


def _groups(structures: list[Structure]) -> list[list[Structure]]:
    groups: list[list[Structure]] = []
    atoms = _ATOMS_AT_ONCE
    for structure in structures:
        atoms += len(structure.numbers)
        if atoms > _ATOMS_AT_ONCE:
            groups.append([])
            atoms = len(structure.numbers)
        groups[-1].append(structure)
    return groups


def _assert_finite(side: str, structure: Structure, evaluation: Evaluation) -> None:
    for name in ("energy", "net_energy", "forces", "stress", "energies"):
        value = getattr(evaluation, name)
        if value is not None and not np.all(np.isfinite(value)):
            raise PainnlessError("NOT_FINITE", f'{side}: {name} of structure "{structure.name}" is not finite', name)


def _ours(exc: Exception, where: str) -> PainnlessError:
    """A calculator may raise anything; what is not ours goes to the client as WORKER_FAILED, and the worker lives on."""
    if isinstance(exc, PainnlessError):
        return exc
    return PainnlessError("WORKER_FAILED", f"{where}: {type(exc).__name__}: {exc}")
