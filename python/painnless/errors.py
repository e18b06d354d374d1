"""The one error of the Python side; the same codes as `src/errors.ts`, so that it crosses the wire unchanged."""

from typing import Literal, get_args

__all__ = ["ErrorCode", "PainnlessError", "error_codes"]

ErrorCode = Literal[
    "USAGE",
    "BAD_STRUCTURE",
    "BAD_MODEL",
    "BAD_CHECKPOINT",
    "BAD_MESSAGE",
    "UNSUPPORTED",
    "NOT_FOUND",
    "MISSING",
    "NOT_FINITE",
    "UNSTABLE",
    "WRITE_FAILED",
    "WORKER_DIED",
    "WORKER_FAILED",
    "TIMEOUT",
    "OVERLOADED",
    "CANCELLED",
    "INTERNAL",
]

error_codes: tuple[str, ...] = get_args(ErrorCode)


class PainnlessError(Exception):
    """An error a caller can act on. The message says: thing, found, expected, remedy.

    code: one of `error_codes`. field: the field of the input at fault, e.g. "positions", where there is one.
    """

    def __init__(self, code: ErrorCode, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[type["PainnlessError"], tuple[ErrorCode, str, str | None]]:
        return PainnlessError, (self.code, self.message, self.field)
