"""Golden checkpoints, made-up ones, and a watch on the interpreter: what the importers' tests share."""

import io
import pickle
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
SHARED = ROOT.parent / "shared" / "data"

# Events by which running foreign code would show, whatever the file made of it.
_EXECUTION = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "subprocess.Popen", "pickle.find_class"}
_seen: list[str] = []
_watching = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in _EXECUTION:
        _seen.append(f"{event} {arguments}")


sys.addaudithook(_audit)  # cannot be removed, so it is added once and switched


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fails if the body starts a process, or looks up a name that a pickle asks for."""
    global _watching  # noqa: PLW0603
    _seen.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert _seen == []


def entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def torch_file(data_pkl: bytes, **others: bytes) -> bytes:
    """A container such as torch.save writes, around a pickle of our choice."""
    return pack({"archive/data.pkl": data_pkl, "archive/version": b"3\n"} | {f"archive/{k}": v for k, v in others.items()})


def text(value: str) -> bytes:
    encoded = value.encode()
    return pickle.BINUNICODE + len(encoded).to_bytes(4, "little") + encoded
