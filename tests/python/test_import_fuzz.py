"""A thousand damaged checkpoints: each becomes a readable model file or a typed error, in bounded time, and nothing in it runs."""

from collections import Counter
from pathlib import Path

from checkpoints import GOLDEN, entries, nothing_runs, pack
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from painnless.errors import PainnlessError
from painnless.importers import convert
from painnless.model_file import read_model

FILES = [
    (GOLDEN / name).read_bytes()
    for name in ("schnetpack/odd_sizes.model", "schnetpack/shared_both.model", "distiller/student.pt", "distiller/student.onnx")
]
UNPACKED = [entries(data) if data[:2] == b"PK" else None for data in FILES]


def spot(data: bytes, fraction: float) -> int:
    return int(fraction * max(len(data) - 1, 0))


def flip_bits(data: bytes, places: list[tuple[float, int]]) -> bytes:
    changed = bytearray(data)
    for fraction, bit in places:
        changed[spot(data, fraction)] ^= 1 << bit
    return bytes(changed)


fraction = st.floats(0, 1, exclude_max=True)
places = st.lists(st.tuples(fraction, st.integers(0, 7)), min_size=1, max_size=8)


@st.composite
def mutation(draw: st.DrawFn, data: bytes) -> bytes:
    """Bits flipped, an end cut off, a piece of this or another file spliced in, bytes overwritten, or the header touched."""
    kind = draw(st.sampled_from(["flip", "truncate", "splice", "overwrite", "header", "repeat"]))
    if kind == "flip":
        return flip_bits(data, draw(places))
    if kind == "truncate":
        return data[: spot(data, draw(fraction))]
    if kind == "splice":
        other = draw(st.sampled_from(FILES))
        a, b = sorted(spot(other, draw(fraction)) for _ in range(2))
        at = spot(data, draw(fraction))
        return data[:at] + other[a : min(b, a + 4096)] + data[at + (b - a if draw(st.booleans()) else 0) :]
    if kind == "overwrite":
        at = spot(data, draw(fraction))
        new = draw(st.binary(min_size=1, max_size=16))
        return data[:at] + new + data[at + len(new) :]
    if kind == "header":  # the first bytes, or the last, where a zip file keeps its directory
        size = min(len(data), 400)
        return (
            flip_bits(data[:size], draw(places)) + data[size:]
            if draw(st.booleans())
            else data[:-size] + flip_bits(data[-size:], draw(places))
        )
    a, b = sorted(spot(data, draw(fraction)) for _ in range(2))
    return data[:b] + data[a:b][:4096] + data[b:]


@st.composite
def damaged_file(draw: st.DrawFn) -> bytes:
    """The file itself damaged, or an entry inside it, packed again so that no checksum gives the damage away."""
    index = draw(st.integers(0, len(FILES) - 1))
    contents = UNPACKED[index]
    if contents is None or draw(st.integers(0, 3)) == 0:
        return draw(mutation(FILES[index]))
    pickled = next(name for name in contents if name.endswith("data.pkl"))
    name = pickled if draw(st.integers(0, 3)) else draw(st.sampled_from(sorted(contents)))
    return pack(contents | {name: draw(mutation(contents[name]))})


outcomes: Counter[str] = Counter()


@settings(
    max_examples=1000,
    deadline=2000,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(data=damaged_file())
@example(data=FILES[0])
@example(data=FILES[3])
def attempt(data: bytes, folder: Path) -> None:
    source, target = folder / "damaged", folder / "model"
    source.write_bytes(data)
    with nothing_runs():
        try:
            convert(source, target)
        except PainnlessError as error:
            assert error.code in ("BAD_MODEL", "UNSUPPORTED")
            assert 0 < len(error.message) < 2000
            outcomes[error.code] += 1
            assert not target.exists()
        else:
            read_model(target)
            target.unlink()
            outcomes["converted"] += 1
    assert list(folder.iterdir()) == [source]


def test_a_thousand_damaged_files(tmp_path: Path) -> None:
    outcomes.clear()
    attempt(folder=tmp_path)
    print(dict(outcomes))
    assert sum(outcomes.values()) >= 1000
    # Each outcome is met: the damage is neither all caught by one check nor all harmless.
    assert all(outcomes[kind] > 0 for kind in ("converted", "BAD_MODEL", "UNSUPPORTED"))
