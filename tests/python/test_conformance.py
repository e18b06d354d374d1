"""Both servers of the wire, the Python worker and the Node server, seen by the Python client; tests/wire/conformance.ts in TypeScript."""

import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq

from painnless.client import RemotePotential
from painnless.errors import PainnlessError
from painnless.structure import Structure
from painnless.wire import PROTOCOL

ROOT = Path(__file__).parents[2]
WIRE = ROOT / "tests/wire"


@pytest.fixture(scope="module", params=["worker", "node"])
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("c")
    folder.chmod(0o700)
    address = f"ipc://{folder}/wire"
    if request.param == "worker":
        command = [sys.executable, "-m", "painnless.worker", "--serve", "ase:sleepy:Sleepy", "--endpoint", address]
    else:
        node = shutil.which("node")
        if node is None or not (ROOT / "dist/wire/server.js").exists():
            pytest.skip("skipped: no Node, or nothing built")
        command = [node, str(WIRE / "sleepy.mjs"), address]
    path = os.pathsep.join([str(WIRE / "calculators"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield address
    process.terminate()
    assert process.wait(10) == 0
    assert not os.path.exists(address.removeprefix("ipc://"))
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


@pytest.fixture(scope="module")
def remote(endpoint: str) -> Iterator[RemotePotential]:
    with RemotePotential(endpoint, silence=30) as potential:
        yield potential


def pair(mark: float, seconds: float = 0.0, numbers: tuple[int, ...] = (1, 8)) -> Structure:
    return Structure(f"pair {mark}", np.array(numbers), np.array([[seconds, 1.0, 0], [0, 0, mark + 1]]), None, (False, False, False))


def energy_of_pair(mark: float, seconds: float = 0.0) -> float:
    return seconds**2 + 1 + (mark + 1) ** 2


def test_what_it_is_and_what_it_answers(remote: RemotePotential) -> None:
    assert remote.name == "ase:sleepy:Sleepy"
    assert list(remote.welcome.provides) == ["energy", "forces"]
    four, two = remote.evaluate([pair(4), pair(2)])
    assert (four.energy, two.energy) == (energy_of_pair(4), energy_of_pair(2))
    assert four.forces is not None and four.forces.tolist() == [[0, -2, 0], [0, 0, -10]]
    (bare,) = remote.evaluate([pair(4)], ["energy"])
    assert (bare.energy, bare.forces, bare.stress, bare.energies) == (energy_of_pair(4), None, None, None)
    assert remote.evaluate([]) == []
    assert 0 < remote.ping() < 5


STRIDED = np.arange(24, dtype=np.float64).reshape(4, 6)[::2, ::2] % 7
LAYOUTS = {
    "Fortran order": np.asfortranarray(STRIDED),
    "every second number": STRIDED,
    "backwards": STRIDED[::-1, ::-1],
    "big-endian": STRIDED.astype(">f8"),
    "float32": STRIDED.astype(np.float32),
    "whole numbers": STRIDED.astype(np.int64),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_however_they_lie(remote: RemotePotential, layout: str) -> None:
    positions = LAYOUTS[layout].copy(order="K")
    positions[0, 0] = 0
    numbers = np.array([1, 8], dtype=">i8")
    (evaluation,) = remote.evaluate([Structure("s", numbers, positions, None, (False, False, False))])
    assert evaluation.energy == float((np.asarray(positions, dtype=np.float64) ** 2).sum())


BAD = {
    "0 atoms": (Structure("x", np.array([], dtype=np.int64), np.zeros((0, 3)), None, (False, False, False)), "BAD_STRUCTURE", "numbers"),
    "NaN": (pair(math.nan), "BAD_STRUCTURE", "positions"),
    "infinity": (pair(math.inf), "BAD_STRUCTURE", "positions"),
    "element 0": (pair(1, numbers=(0, 1)), "BAD_STRUCTURE", "numbers"),
    "element 119": (pair(1, numbers=(1, 119)), "BAD_STRUCTURE", "numbers"),
    "periodic without a cell": (Structure("x", np.array([1]), np.zeros((1, 3)), None, (True, False, False)), "BAD_STRUCTURE", "cell"),
    "an error of the calculator's own": (pair(1, numbers=(100, 1)), "WORKER_FAILED", None),
    "an energy that is NaN": (pair(1, numbers=(101, 1)), "NOT_FINITE", "energy"),
    "forces of a wrong shape": (pair(1, numbers=(102, 1)), "WORKER_FAILED", "forces"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name_and_the_next_is_answered(remote: RemotePotential, name: str) -> None:
    structure, code, field = BAD[name]
    with pytest.raises(PainnlessError) as caught:
        remote.evaluate([pair(0), structure], ["energy", "forces"])
    assert (caught.value.code, caught.value.field) == (code, field)
    assert remote.evaluate([pair(5)])[0].energy == energy_of_pair(5)


def test_what_is_not_provided(remote: RemotePotential) -> None:
    with pytest.raises(PainnlessError) as caught:
        remote.evaluate([pair(1)], ["stress"])
    assert caught.value.code == "UNSUPPORTED"


def test_another_model_is_refused_with_both_named(endpoint: str, remote: RemotePotential) -> None:
    with pytest.raises(PainnlessError, match=f"abcd.*{remote.welcome.model or 'none'}") as caught:
        RemotePotential(endpoint, silence=30, model="abcd")
    assert (caught.value.code, caught.value.field) == ("UNSUPPORTED", "model")


def test_another_protocol_is_refused_with_both_named(endpoint: str) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, 20_000)
    socket.connect(endpoint)
    socket.send(msgspec.msgpack.encode({"kind": "hello", "epoch": 1, "id": 1, "protocol": 7, "colour": "red"}))
    answer = msgspec.msgpack.decode(socket.recv_multipart()[0])
    socket.close()
    context.term()
    assert (answer["kind"], answer["code"], answer["field"]) == ("error", "UNSUPPORTED", "protocol")
    assert "7" in answer["message"] and str(PROTOCOL) in answer["message"]


def test_a_deadline_and_what_comes_after(remote: RemotePotential) -> None:
    with pytest.raises(PainnlessError) as caught:
        remote.evaluate([pair(1, 0.6)], ["energy"], deadline=0.1)
    assert caught.value.code == "TIMEOUT"
    assert remote.evaluate([pair(7)])[0].energy == energy_of_pair(7)


def test_clients_at_the_same_time_get_their_own_answers(endpoint: str) -> None:
    wrong: list[int] = []

    def ask(first: int) -> None:
        with RemotePotential(endpoint, silence=30) as potential:
            for mark in range(first, first + 25):
                evaluations = potential.evaluate([pair(mark), pair(mark + 0.5)])
                if [e.energy for e in evaluations] != [energy_of_pair(mark), energy_of_pair(mark + 0.5)]:
                    wrong.append(mark)

    threads = [threading.Thread(target=ask, args=(100 * k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
