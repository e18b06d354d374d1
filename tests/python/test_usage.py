"""The Python examples of docs/usage.md and README.md, run in order as a reader would."""

import re
import shutil
from pathlib import Path

import pytest
from calculations import GOLDEN, MODEL, ROOT


@pytest.mark.parametrize("page", ["docs/usage.md", "README.md"])
def test_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(GOLDEN / "schnetpack/gaussian.model", tmp_path / "best_model")
    shutil.copy(MODEL, tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    examples = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    assert examples
    variables: dict[str, object] = {}
    for example in examples:
        exec(compile(example, page, "exec"), variables)
    atoms = variables["atoms"]
    assert atoms.get_forces().shape == (9, 3)  # type: ignore[attr-defined]
    variables.clear()
