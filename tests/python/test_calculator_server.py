"""A calculator at a server that somebody else started: over a socket file, and over TCP with keys."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from calculations import GOLDEN, MODEL, ethanol, refusal

from painnless import PainnlessCalculator, PainnlessError
from painnless.launch import _program


@contextmanager
def serve(*arguments: str, model: Path = MODEL) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    process = subprocess.Popen([*_program(), "serve", str(model), *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["endpoint"]
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(10)
        process.stdout.close()


def test_a_named_server_is_used_and_stays() -> None:
    with serve("--side", "native:cpu:f32") as (process, endpoint):
        with PainnlessCalculator(server=endpoint, timeout=1e9) as calc, PainnlessCalculator(MODEL, server=endpoint) as sure:
            assert (calc.side, calc._connection.server_pid) == ("native:cpu:f32", None)
            assert np.array_equal(calc.get_forces(ethanol()), sure.get_forces(ethanol()))
            assert len(list(calc.run_nve(ethanol(), 4, 0.05))) == 5
        assert process.poll() is None
        with pytest.raises(PainnlessError) as caught:
            PainnlessCalculator(GOLDEN / "model-file/painn.safetensors", server=endpoint)
        assert (caught.value.code, caught.value.field) == ("UNSUPPORTED", "model")


@pytest.mark.filterwarnings("ignore:the connection.*between two calls:RuntimeWarning")
def test_a_named_server_that_is_killed_is_missed_at_once_and_found_again(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    endpoint = f"ipc://{tmp_path}/wire"
    with serve("--endpoint", endpoint) as (process, _):
        calc = PainnlessCalculator(server=endpoint, timeout=5)
        forces = calc.get_forces(ethanol())
        os.kill(process.pid, signal.SIGSTOP)  # so that the request is owed for sure when it dies
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -9 {process.pid}"])
        start = time.monotonic()
        with pytest.raises(PainnlessError) as caught:
            calc.get_forces(ethanol(1))
        assert (caught.value.code, time.monotonic() - start < 2) == ("WORKER_DIED", True)
        killer.wait()
    with serve("--endpoint", endpoint):
        assert np.array_equal(calc.get_forces(ethanol()), forces)
    calc.close()


@pytest.mark.filterwarnings("ignore:the connection.*between two calls:RuntimeWarning")
def test_a_named_server_that_comes_back_with_another_model_is_refused(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o700)
    endpoint = f"ipc://{tmp_path}/wire"
    hydrogen = Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])
    with serve("--endpoint", endpoint):
        calc = PainnlessCalculator(server=endpoint, timeout=5)
        energy = calc.get_potential_energy(hydrogen)
    hydrogen.positions[1, 2] += 0.01
    with serve("--endpoint", endpoint, model=GOLDEN / "model-file/painn.safetensors"), refusal("UNSUPPORTED", "model", "asked for"):
        calc.get_potential_energy(hydrogen)
    hydrogen.positions[1, 2] = 0.8
    with serve("--endpoint", endpoint):
        assert calc.get_potential_energy(hydrogen) == energy
    calc.close()


def test_nobody_there() -> None:
    with pytest.raises(PainnlessError) as caught:
        PainnlessCalculator(server="ipc:///nowhere/wire", timeout=0.3)
    assert caught.value.code == "TIMEOUT"
    for endpoint in ("ipc://", f"ipc:///{'x' * 200}"):
        with refusal("USAGE", "server", "is no endpoint"):
            PainnlessCalculator(server=endpoint)
    with pytest.raises(PainnlessError, match="no plaintext TCP"):
        PainnlessCalculator(server="tcp://127.0.0.1:5555")


def test_tcp_takes_the_listed_key_and_no_other(tmp_path: Path) -> None:
    for name in ("server", "client", "stranger"):
        subprocess.run([*_program(), "keys", str(tmp_path / name)], check=True, stdout=subprocess.DEVNULL)
    keys = ["--key", str(tmp_path / "server"), "--clients", str(tmp_path / "client.pub")]
    with serve("--endpoint", "tcp://127.0.0.1:*", *keys) as (_, endpoint):

        def address(key: str) -> str:
            return f"{endpoint}?key={tmp_path / key}&server={tmp_path / 'server.pub'}"

        with PainnlessCalculator(MODEL, server=address("client")) as calc, PainnlessCalculator(MODEL) as own:
            assert np.array_equal(calc.get_forces(ethanol()), own.get_forces(ethanol()))
        with pytest.raises(PainnlessError) as caught:
            PainnlessCalculator(server=address("stranger"), timeout=5)
        assert (caught.value.code, caught.value.field) == ("UNSUPPORTED", "server")
        with pytest.raises(PainnlessError, match="not a key pair"):
            PainnlessCalculator(server=address("client.pub"))
        with pytest.raises(PainnlessError, match="cannot read key file"):
            PainnlessCalculator(server=address("nowhere"))
