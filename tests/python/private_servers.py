"""The process behind a calculator, as tests look at it."""

from pathlib import Path

from painnless import PainnlessCalculator


def pid_of(calc: PainnlessCalculator) -> int:
    pid = calc._connection.server_pid
    assert pid is not None
    return pid


def socket_of(calc: PainnlessCalculator) -> Path:
    server = calc._connection._server
    assert server is not None
    return Path(server.endpoint.removeprefix("ipc://"))
