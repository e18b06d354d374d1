"""One ZeroMQ context for all lines of a process: whatever happens between a line's beginning and its end, others are none the wiser."""

import os
import resource
import time
from collections.abc import Iterator

import pytest
import zmq
from calculations import MODEL

from painnless import PainnlessCalculator
from painnless.client import RemotePotential
from painnless.context import join_context


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with PainnlessCalculator(MODEL) as calculator:
        server = calculator._connection._server
        assert server is not None
        yield server.endpoint


def test_the_last_to_leave_may_do_so_while_another_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    first, leave = join_context()
    leaves = [leave]

    def collected() -> int:
        while leaves:
            leaves.pop()()
        return pid

    pid = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr("os.getpid", collected)
        second, leave_second = join_context()
    assert not second.closed
    leave_second()
    assert first.closed and second.closed


def test_an_interruption_in_the_making_of_a_line_hangs_nobody(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_monitor = zmq.Socket.get_monitor_socket

    def interrupted(socket: "zmq.Socket[bytes]", events: int | None = None) -> "zmq.Socket[bytes]":
        open_monitor(socket, events)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(zmq.Socket, "get_monitor_socket", interrupted)
        RemotePotential(endpoint)
    with RemotePotential(endpoint) as remote:
        assert remote.ping() > 0


def test_as_many_lines_as_there_are_descriptors_and_all_are_given_back(endpoint: str) -> None:
    count = 400  # more than ZeroMQ gives a context unasked
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * count + 200:
        pytest.skip(f"skipped: {hard} file descriptors are allowed")
    before = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * count + 200), hard))
    lines: list[RemotePotential] = []
    try:
        for _ in range(count):
            lines.append(RemotePotential(endpoint))
        assert lines[-1].ping() > 0
    finally:
        for line in lines:
            line.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with RemotePotential(endpoint) as remote:
        assert remote.ping() > 0
    # Where lines of others keep the context open, its own thread closes sockets when it comes to it.
    deadline = time.monotonic() + 20
    while (held := len(os.listdir("/proc/self/fd"))) > before + 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held <= before + 8
