"""A worker seen from Python: the blocking client, the end of the parent, and what coincides."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
from processes import is_alive, within

from painnless.client import RemotePotential
from painnless.errors import PainnlessError
from painnless.structure import Structure
from painnless.worker.distinct import assert_distinct

CALCULATORS = Path(__file__).parents[1] / "wire/calculators"
LENNARD_JONES = 'ase:ase.calculators.lj:LennardJones?{"sigma": 1.5}'


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(CALCULATORS), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    address = f"ipc://{tmp_path_factory.mktemp('w')}/wire"
    command = [sys.executable, "-m", "painnless.worker", "--serve", LENNARD_JONES, "--endpoint", address, "--parent", str(os.getpid())]
    process = subprocess.Popen(command, env=environment())
    yield address
    process.terminate()
    assert process.wait(5) == 0
    assert not os.path.exists(address.removeprefix("ipc://"))


def pair(distance: float, numbers: tuple[int, ...] = (18, 18)) -> Structure:
    return Structure("pair", np.array(numbers), np.array([[0, 0, 0], [distance, 0, 0]]), None, (False, False, False))


def test_client(endpoint: str) -> None:
    with RemotePotential(endpoint, silence=30) as remote:
        assert remote.name == LENNARD_JONES
        assert remote.ping() < 5
        near, far = remote.evaluate([pair(1.6), pair(9.0)], ["energy", "forces", "energies"])
        at_cutoff = 4 * ((1 / 3) ** 12 - (1 / 3) ** 6)  # ASE shifts by it
        assert near.energy == pytest.approx(4 * ((1.5 / 1.6) ** 12 - (1.5 / 1.6) ** 6) - at_cutoff, rel=1e-12)
        assert near.forces is not None and near.energies is not None
        assert near.forces[0, 0] == -near.forces[1, 0] != 0
        assert near.energies.sum() == pytest.approx(near.energy)
        assert (far.energy, far.stress) == (0, None)
        with pytest.raises(PainnlessError) as caught:
            remote.evaluate([pair(float("nan"))])
        assert (caught.value.code, caught.value.field) == ("BAD_STRUCTURE", "positions")
        assert remote.evaluate([pair(1.6)], ["energy"])[0].energy == near.energy
        box = Structure("box", np.array([18]), np.zeros((1, 3)), np.eye(3) * 2.0, (True, True, True))
        (strained,) = remote.evaluate([box], ["energy", "stress"])
        assert strained.stress is not None and strained.stress.shape == (6,)
    remote.close()


def test_client_alone(tmp_path: Path) -> None:
    with pytest.raises(PainnlessError) as caught:
        RemotePotential(f"ipc://{tmp_path}/none", silence=0.2)
    assert caught.value.code == "TIMEOUT"


PARENT = """
import os, subprocess, sys
command = [sys.executable, "-m", "painnless.worker", "--serve", "ase:sleepy:Sleepy", "--endpoint", sys.argv[1], "--own-folder"]
process = subprocess.Popen([*command, "--parent", str(os.getpid())])
print(process.pid, flush=True)
process.wait()
"""


def test_worker_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Before a client has come, its folder is the worker's to remove."""
    folder = tmp_path / "own"
    folder.mkdir(mode=0o700)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, f"ipc://{folder}/wire"], stdout=subprocess.PIPE, env=environment(), start_new_session=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert within(20, (folder / "wire").exists)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert within(3, lambda: not is_alive(pid))
    assert not folder.exists()


@pytest.mark.parametrize("planted", [False, True], ids=["distinct", "coincident"])
def test_coincident_atoms_are_found(planted: bool) -> None:
    rng = np.random.default_rng(7)
    for _ in range(100):
        n = int(rng.integers(2, 12))
        cell = rng.normal(size=(3, 3)) + 5 * np.eye(3)
        pbc = (bool(rng.integers(2)), bool(rng.integers(2)), bool(rng.integers(2)))
        positions = 6 * rng.normal(size=(n, 3))
        if planted:
            shift = np.where(pbc, rng.integers(-2, 3, 3), 0)
            offset = rng.normal(size=3)
            positions[1] = positions[0] + shift @ cell + offset * rng.uniform(0, 0.9e-6) / np.linalg.norm(offset)
            if rng.random() < 0.5:
                positions[:2] -= positions[0]  # at a face of the cell
        structure = Structure("s", np.ones(n, dtype=np.int64), positions, cell if any(pbc) else None, pbc)
        if planted:
            with pytest.raises(PainnlessError, match="coincide"):
                assert_distinct(structure)
        else:
            assert_distinct(structure)


@pytest.mark.parametrize(("unit", "code"), [(None, "USAGE"), ("furlong", "USAGE"), ("kcal/mol", "MISSING")])
def test_package_side_says_what_it_lacks(unit: str | None, code: str) -> None:
    """That it agrees with the reference where schnetpack is installed is crosscheck's to show."""
    pytest.importorskip("torch")
    with suppress(PackageNotFoundError):  # by its package: tests/golden/schnetpack is on the path, and can be imported too
        version("schnetpack")
        pytest.skip("skipped: schnetpack is here")
    from painnless.worker.package_side import PackageSide  # noqa: PLC0415

    with pytest.raises(PainnlessError) as caught:
        PackageSide("none", "cpu", "f64", unit, None)
    assert caught.value.code == code
