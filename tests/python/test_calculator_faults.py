"""What a calculator does when its server is killed, stopped or interrupted, and over many calls."""

import gc
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zmq
from ase import Atoms
from calculations import MODEL, ethanol, refusal
from private_servers import pid_of, socket_of
from processes import is_alive, within

from painnless import PainnlessCalculator, PainnlessError

MOMENTS = int(os.environ.get("PAINNLESS_FAULT_MOMENTS", "4"))  # as tests/moments.ts


@pytest.fixture
def steady() -> Iterator[PainnlessCalculator]:
    with PainnlessCalculator(MODEL) as calc:
        yield calc


@pytest.mark.filterwarnings("ignore:the server.*SIGKILL:RuntimeWarning")
def test_kill_9_of_the_server_at_random_moments(steady: PainnlessCalculator) -> None:
    """An answer or a typed error within 2 s; the next call works; nothing is left."""
    chance = random.Random(5)
    atoms = Atoms("H200", np.random.default_rng(1).uniform(0, 40, (200, 3)))
    expected = steady.get_forces(atoms)
    for _ in range(MOMENTS):
        pid, socket = pid_of(steady), socket_of(steady)
        delay = chance.uniform(0, 0.02)
        killer = threading.Timer(delay, os.kill, (pid, signal.SIGKILL))
        killer.start()
        start = time.monotonic()
        try:
            while time.monotonic() - start < delay + 0.01:
                steady.reset()
                assert np.array_equal(steady.get_forces(atoms), expected)
        except PainnlessError as error:
            assert error.code == "WORKER_DIED" and "SIGKILL" in str(error)
            assert steady.results == {}
            assert time.monotonic() - start < 2
        killer.join()
        steady.reset()
        assert np.array_equal(steady.get_forces(atoms), expected)
        assert pid_of(steady) != pid and not is_alive(pid) and not socket.exists()


def test_kill_9_in_the_middle_of_a_long_evaluation(steady: PainnlessCalculator) -> None:
    atoms = Atoms("H20000", np.random.default_rng(1).uniform(0, 60, (20000, 3)))
    pid = pid_of(steady)
    killer = threading.Timer(0.4, os.kill, (pid, signal.SIGKILL))
    killer.start()
    start = time.monotonic()
    with pytest.raises(PainnlessError, match="SIGKILL") as caught:
        steady.get_forces(atoms)
    assert (caught.value.code, steady.results, time.monotonic() - start < 2) == ("WORKER_DIED", {}, True)
    assert steady.get_forces(ethanol()).shape == (9, 3) and pid_of(steady) != pid and not is_alive(pid)


def test_a_server_that_dies_as_it_is_asked_is_replaced(steady: PainnlessCalculator, monkeypatch: pytest.MonkeyPatch) -> None:
    forces = steady.get_forces(ethanol())
    pid = pid_of(steady)
    os.kill(pid, signal.SIGKILL)
    assert within(2, lambda: not is_alive(pid))
    # A process that was killed a moment ago still counts as running.
    monkeypatch.setattr(steady._connection._potential, "lost", lambda: None)
    steady.reset()
    with pytest.warns(RuntimeWarning, match="SIGKILL; asking another one"):
        assert np.array_equal(steady.get_forces(ethanol()), forces)
    assert pid_of(steady) != pid


def test_a_stopped_server_is_given_up_and_replaced() -> None:
    with PainnlessCalculator(MODEL, timeout=0.5) as calc:
        forces = calc.get_forces(ethanol())
        pid = pid_of(calc)
        os.kill(pid, signal.SIGSTOP)
        start = time.monotonic()
        with pytest.raises(PainnlessError) as caught:
            calc.get_forces(ethanol(1))
        assert (caught.value.code, time.monotonic() - start < 2) == ("TIMEOUT", True)
        assert not is_alive(pid)
        assert np.array_equal(calc.get_forces(ethanol()), forces)


@pytest.mark.filterwarnings("ignore:the connection.*was closed, between two calls:RuntimeWarning")  # where it fell within an answer
def test_an_interruption_leaves_a_calculator_that_works(steady: PainnlessCalculator) -> None:
    atoms = Atoms("H3000", np.random.default_rng(1).uniform(0, 100, (3000, 3)))
    small = steady.get_forces(ethanol())
    for delay in (0.0, 0.005, 0.05):
        with suppress(KeyboardInterrupt):
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
            while True:
                steady.reset()
                steady.get_forces(atoms)
        assert steady.results == {} or set(steady.results) >= {"forces"}
        assert np.array_equal(steady.get_forces(ethanol()), small)


@pytest.mark.filterwarnings("ignore:the connection.*was closed, between two calls:RuntimeWarning")
def test_an_interruption_within_an_answer_leaves_nothing_of_it(steady: PainnlessCalculator, monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = Atoms("H3000", np.random.default_rng(1).uniform(0, 100, (3000, 3)))  # whose forces are a frame of their own
    forces = steady.get_forces(atoms)

    def torn(socket: zmq.Socket[bytes], flags: int = 0, copy: bool = True) -> list[zmq.Frame | bytes]:
        part = socket.recv(flags, copy=copy)
        if socket.getsockopt(zmq.RCVMORE):
            raise KeyboardInterrupt
        return [part]

    steady.reset()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(zmq.Socket, "recv_multipart", torn)
        steady.get_forces(atoms)
    assert steady.results == {} and np.array_equal(steady.get_forces(atoms), forces)


def test_too_many_calculators_are_refused_at_once_and_do_no_harm() -> None:
    with PainnlessCalculator(MODEL) as first:
        pid = pid_of(first)
        assert first._connection.welcome.limits.clients > 1 << 16
        others: list[PainnlessCalculator] = []
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = [os.open(os.devnull, os.O_RDONLY) for _ in range(40)]
        for descriptor in free:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(free) + 1, hard))
        try:
            with refusal("MISSING", None, "too many open files", "ulimit"):
                while len(others) < 10:
                    others.append(PainnlessCalculator(MODEL))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert others and first.get_forces(ethanol()).shape == (9, 3) and pid_of(first) == pid
        for calc in others:
            calc.close()


def test_memory_stays_flat_over_10000_calls() -> None:
    def resident(pid: int) -> int:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    with PainnlessCalculator(MODEL, precision="f32", device="cpu", threads=1) as calc:
        water = Atoms("OH2", [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]], calculator=calc)
        sizes: list[tuple[int, int]] = []
        for k in range(10_000):
            water.positions[0, 0] = 1e-6 * k
            water.get_forces()
            if k in (4_000, 9_999):
                gc.collect()
                sizes.append((resident(os.getpid()), resident(pid_of(calc))))
        (ours, theirs), (ours_later, theirs_later) = sizes
        assert ours_later - ours < 2 << 20
        assert theirs_later - theirs < 16 << 20  # V8 grows and shrinks by such steps
