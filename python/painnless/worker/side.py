"""What a worker answers for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from painnless.batch import Evaluation
from painnless.structure import Domain, Structure
from painnless.wire import Property

__all__ = ["Side"]


class Side(Protocol):
    """A potential in this process; eV, Å."""

    @property
    def name(self) -> str: ...
    @property
    def provides(self) -> Collection[Property]: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def model(self) -> str | None:
        """sha256 of the file behind it, where there is one."""
        ...

    @property
    def cutoff(self) -> float | None:
        """Å, where there is one."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """What computes, e.g. {"python": "3.11.9", "torch": "2.15.0"}."""
        ...

    def evaluate(self, structures: Sequence[Structure], want: Collection[Property]) -> list[Evaluation]:
        """One evaluation for each structure, all of them computable. Raises PainnlessError; anything else becomes WORKER_FAILED."""
        ...
