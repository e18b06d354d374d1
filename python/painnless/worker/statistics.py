"""What a worker has done, for whoever asks with `status`. `src/wire/statistics.ts` is the same in TypeScript."""

import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from painnless.structure import Structure
from painnless.wire import Latency, Statistics, Status

__all__ = ["Recent", "Tally"]

_REMEMBERED = 4096


class Recent:
    """The latest few thousand durations."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def percentiles(self) -> Latency | None:
        """In ms; None before the first."""
        if not self._seconds:
            return None
        p50, p90, p99, largest = np.percentile(np.array(self._seconds) * 1e3, [50, 90, 99, 100], method="inverted_cdf")
        return Latency(p50=float(p50), p90=float(p90), p99=float(p99), max=float(largest))


class Tally:
    """Counts since the start; one thread."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.answered = self.refused = self.cancelled = self.malformed = 0
        self.batches = self.structures = self.atoms = 0
        self.latency = Recent()
        self.compute = Recent()

    def count(self, structures: Sequence[Structure], seconds: float, since_arrival: float, answered: bool) -> None:
        """A request that has been computed, or refused by the side."""
        self.batches += 1
        self.structures += len(structures)
        self.atoms += sum(len(s.numbers) for s in structures)
        self.compute.add(seconds)
        if answered:
            self.answered += 1
            self.latency.add(since_arrival)
        else:
            self.refused += 1

    def report(self, request: Status, clients: int, waiting: int) -> Statistics:
        return Statistics(
            epoch=request.epoch,
            id=request.id,
            uptime=time.monotonic() - self._start,
            clients=clients,
            waiting=waiting,
            answered=self.answered,
            refused=self.refused,
            cancelled=self.cancelled,
            malformed=self.malformed,
            batches=self.batches,
            structures=self.structures,
            atoms=self.atoms,
            latency=self.latency.percentiles(),
            compute=self.compute.percentiles(),
            memory=_resident(),
        )


def _resident() -> int:
    """Bytes of memory that this process has now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
