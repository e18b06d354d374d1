"""How a calculator lives: copies, forks, threads, its end, and that nothing is left."""

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from calculations import GOLDEN, MODEL, ethanol, refusal
from private_servers import pid_of, socket_of
from processes import is_alive, within

from painnless import PainnlessCalculator, PainnlessError

# The end


@pytest.mark.parametrize("how", ["close", "with", "del", "cycle", "exception"])
def test_nothing_is_left(how: str) -> None:
    calc = PainnlessCalculator(MODEL)
    pid, socket = pid_of(calc), socket_of(calc)
    atoms = ethanol()
    atoms.calc = calc
    atoms.get_forces()
    if how == "close":
        calc.close()
        calc.close()
    elif how == "with":
        with calc:
            pass
    elif how == "exception":
        with pytest.raises(PainnlessError) as kept, calc:  # with its traceback, and so the variables of every call in it
            calc.get_forces(Atoms("Fe"))
        assert kept.value.code == "BAD_STRUCTURE"
    else:
        if how == "cycle":
            atoms.info["self"] = atoms
        atoms.calc = None
        del atoms, calc
        gc.collect()
    assert not is_alive(pid)
    assert not socket.exists() and not socket.parent.exists()


def test_a_closed_calculator_starts_again() -> None:
    calc = PainnlessCalculator(MODEL)
    atoms = ethanol()
    forces = calc.get_forces(atoms)
    first = pid_of(calc)
    calc.close()
    assert np.array_equal(calc.get_forces(atoms), forces)  # remembered: nothing is started for it
    assert calc._connection.server_pid is None
    atoms.positions += 0.1
    calc.get_forces(atoms)
    assert pid_of(calc) != first
    calc.close()


ENDS = {
    "the script ends": "",
    "an exception": "raise RuntimeError('ours')",
    "sys.exit": "sys.exit(3)",
    "os._exit": "os._exit(4)",
    "abort": "os.abort()",
    "kill -9": "os.kill(os.getpid(), 9)",
    "SIGTERM": "os.kill(os.getpid(), 15)",
    "kill -9 with a fork that lives on": "time.sleep(30) if os.fork() == 0 else os.kill(os.getpid(), 9)",
    "a thread that computes": "threading.Thread(target=compute, daemon=True).start(); time.sleep(0.2)",
}
SCRIPT = """
import os, sys, threading, time
sys.path.insert(0, {here!r})
from calculations import MODEL, ethanol
from painnless import PainnlessCalculator
atoms = ethanol()
atoms.calc = PainnlessCalculator(MODEL)
atoms.get_forces()
print(atoms.calc._connection.server_pid, atoms.calc._connection._server.endpoint, flush=True)
def compute():
    while True:
        atoms.positions += 1e-6
        atoms.get_forces()
"""


@pytest.fixture(scope="module")
def endings() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """One interpreter each, all started at once: most of their time is the import of ase."""
    script = SCRIPT.format(here=str(Path(__file__).parent))
    started = {
        how: subprocess.Popen(
            [sys.executable, "-c", script + end], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        for how, end in ENDS.items()
    }
    yield started
    for process in started.values():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("how", ENDS)
def test_the_interpreter_ends_and_so_does_its_server(endings: dict[str, subprocess.Popen[str]], how: str) -> None:
    process = endings[how]
    assert process.stdout is not None
    pid, endpoint = process.stdout.readline().split()
    process.wait(20)
    assert within(3, lambda: not is_alive(int(pid)))
    assert within(1, lambda: not Path(endpoint.removeprefix("ipc://")).parent.exists())


def test_interpreters_end_while_a_thread_is_within_a_call() -> None:
    """ZeroMQ ends a process two of whose threads use a socket, and waits for one that is in use: one try in eight met that."""
    script = SCRIPT.format(here=str(Path(__file__).parent)) + ENDS["a thread that computes"]
    started = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(8)
    ]
    try:
        ends = [(process.communicate(timeout=25)[1], process.returncode) for process in started]
    finally:
        for process in started:
            process.kill()
    assert ends == [("", 0)] * 8


# Sharing


def test_calculators_of_the_same_model_share_a_process_and_others_do_not() -> None:
    one, same = PainnlessCalculator(MODEL), PainnlessCalculator(MODEL)
    threads, single = PainnlessCalculator(MODEL, threads=1), PainnlessCalculator(MODEL, precision="f32")
    other = PainnlessCalculator(GOLDEN / "schnetpack/gaussian.model", energy_unit="eV")
    assert pid_of(one) == pid_of(same)
    assert len({pid_of(c) for c in (one, threads, single, other)}) == 4
    atoms = ethanol()
    assert np.array_equal(one.get_forces(atoms), threads.get_forces(atoms))
    assert not np.array_equal(one.get_forces(atoms), other.get_forces(atoms))
    pid = pid_of(one)
    one.close()
    assert is_alive(pid) and same.get_forces(atoms).shape == (9, 3)
    same.close()
    assert not is_alive(pid)
    for calc in (threads, single, other):
        calc.close()


def test_a_model_file_that_was_written_anew_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(MODEL.read_bytes())
    with PainnlessCalculator(file) as first:
        file.unlink()
        file.write_bytes((GOLDEN / "model-file/painn.safetensors").read_bytes())
        with PainnlessCalculator(file) as second:
            assert pid_of(first) != pid_of(second)
        copied = copy.copy(first)
        first.close()
        for calc in (first, copied):
            with refusal("UNSUPPORTED", "model", "make a new calculator"):  # it began with what the file was then
                calc.get_forces(ethanol(1))
            assert calc._connection.server_pid is None


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_copies_work_and_are_their_own(how: str) -> None:
    duplicate = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda c: pickle.loads(pickle.dumps(c))}[how]
    with PainnlessCalculator(MODEL) as calc:
        atoms = ethanol()
        forces = calc.get_forces(atoms)
        other = duplicate(calc)
        assert other._connection is not calc._connection and other.parameters == calc.parameters
        assert np.array_equal(other.get_forces(atoms), forces)  # results go along
        other.get_forces(ethanol(1))
        assert np.array_equal(calc.results["forces"], forces) and pid_of(other) == pid_of(calc)
    other.get_forces(ethanol(2))
    other.close()


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_needs_its_model_only_where_it_computes(how: str, tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(MODEL.read_bytes())
    atoms = ethanol()
    with PainnlessCalculator(file) as atoms.calc:
        forces = atoms.get_forces()
        file.rename(tmp_path / "elsewhere")
        other = {"deepcopy": copy.deepcopy, "pickle": lambda a: pickle.loads(pickle.dumps(a))}[how](atoms)
    assert np.array_equal(other.get_forces(), forces)
    other.positions += 0.1
    with refusal("NOT_FOUND", "model", str(file)):
        other.get_forces()
    other.calc.close()
    (tmp_path / "elsewhere").rename(file)
    with other.calc:
        assert np.abs(other.get_forces() - forces).max() < 1e-9


def test_threads_take_turns() -> None:
    with PainnlessCalculator(MODEL) as calc:
        images = [ethanol(seed) for seed in range(32)]
        alone = [result["forces"] for result in calc.compute_many(images)]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda atoms: calc.compute_many([atoms])[0]["forces"], images))
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


# Other processes


def forces_of(calc: PainnlessCalculator, seed: int) -> np.ndarray:
    return calc.get_forces(ethanol(seed))


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_pools_take_calculators_along(method: str) -> None:
    with PainnlessCalculator(MODEL) as calc, ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        futures = [pool.submit(forces_of, calc, seed) for seed in range(4)]
        for seed, future in enumerate(futures):
            assert np.array_equal(future.result(60), calc.get_forces(ethanol(seed)))


def in_fork(work: Callable[[], str]) -> str:
    """What `work` says in a forked child that ends as a script does."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writing, work().encode())
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        gc.collect()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.wait()
    return said


def test_a_fork_is_refused_and_does_no_harm() -> None:
    with PainnlessCalculator(MODEL) as calc:
        calc.get_forces(ethanol())

        def child() -> str:
            refused = ""
            try:
                calc.get_forces(ethanol(1))
            except PainnlessError as error:
                refused = f"{error.code} {error}"
            calc.close()
            own = copy.deepcopy(calc)
            own.get_forces(ethanol(1))
            own.close()
            with PainnlessCalculator(MODEL) as fresh:
                fresh.get_forces(ethanol(2))
            return refused

        said = in_fork(child)
        assert said.startswith("UNSUPPORTED") and "fork" in said and "Make the calculator after the fork" in said
        assert is_alive(pid_of(calc))
        assert calc.get_forces(ethanol(3)).shape == (9, 3)
