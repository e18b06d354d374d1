"""Checkpoints of other programs, turned into model files as they are asked for, once each."""

import hashlib
import os
from pathlib import Path

import msgspec

from painnless.errors import PainnlessError
from painnless.model_file import read_model
from painnless.regular_file import open_regular

__all__ = ["model_file_of"]


class _Summary(msgspec.Struct):
    """What is kept beside a converted file: what its import said."""

    sha256: str
    warnings: list[str]


def model_file_of(path: str, energy_unit: str | None) -> tuple[str, list[str]]:
    """The model file to serve for `path`: itself if it is one, else a converted copy in the cache; and what the conversion had to say.

    energy_unit: of a checkpoint, or of a model file, which must then agree. Nothing in a checkpoint is executed.
    Raises NOT_FOUND, USAGE (unit), BAD_MODEL, UNSUPPORTED.
    """
    with open_regular(path, "model", "model") as file:
        start = file.read(9)
    if start[8:] != b"{":  # of a safetensors file: 8 bytes of length, then JSON
        return _converted(path, energy_unit)
    if energy_unit is not None:
        has = read_model(path).config.energy_unit
        if has != energy_unit:
            raise PainnlessError(
                "USAGE", f"energy_unit is {energy_unit!r}, but the model file {path} says {has!r}; leave energy_unit out", "energy_unit"
            )
    return path, []


def _converted(path: str, energy_unit: str | None) -> tuple[str, list[str]]:
    from painnless.importers import convert  # noqa: PLC0415  (what reads checkpoints loads only where one is read)

    digest = hashlib.sha256(Path(path).read_bytes())
    digest.update(f"{energy_unit}\0".encode())
    for source in sorted(Path(__file__).parent.glob("importers/*.py")):  # another version of them may read it otherwise
        digest.update(source.read_bytes())
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "painnless"
    target, notes = folder / f"{digest.hexdigest()[:40]}.safetensors", folder / f"{digest.hexdigest()[:40]}.json"
    try:
        summary = msgspec.json.decode(notes.read_bytes(), type=_Summary)
        if read_model(target).sha256 == summary.sha256:
            return str(target), summary.warnings
    except (OSError, msgspec.DecodeError, PainnlessError):
        pass  # not there, or damaged: made below
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        converted = convert(path, target, energy_unit)
        summary = _Summary(converted["sha256"], converted["warnings"])
        notes.write_bytes(msgspec.json.encode(summary))
    except OSError as exc:
        raise PainnlessError(
            "NOT_FOUND", f"cannot write the imported model to {folder}: {exc.strerror}; set XDG_CACHE_HOME, or use painnless import"
        ) from exc
    return str(target), summary.warnings
