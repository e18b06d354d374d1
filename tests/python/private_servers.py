"""The process behind a calculator, as tests look at it."""

import time
from collections.abc import Callable
from pathlib import Path

from painnless import PainnlessCalculator


def pid_of(calc: PainnlessCalculator) -> int:
    pid = calc._connection.server_pid
    assert pid is not None
    return pid


def is_alive(pid: int) -> bool:
    """A zombie is dead: it waits only to be noticed."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def socket_of(calc: PainnlessCalculator) -> Path:
    server = calc._connection._server
    assert server is not None
    return Path(server.endpoint.removeprefix("ipc://"))
