"""The Python end of the wire: golden messages of both sides, the schema of both sides, and what is refused."""

import base64
import json
import os
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from painnless import codec, wire
from painnless.batch import Evaluation, decode_evaluate, decode_result, encode_evaluate, encode_result
from painnless.errors import PainnlessError
from painnless.structure import Structure

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden/wire"


def read(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


CONTENTS: dict[str, Any] = read("messages.json")


def encode(content: Any) -> list[codec.FrameBytes]:
    kind = next(kind for kind in wire.layouts if kind.__name__.lower() == content["message"]["kind"])
    packed = {
        field: np.array(content["arrays"][field], dtype=NUMPY[layout.dtype]).tobytes()
        for field, layout in wire.layouts[kind].items()
        if field in content["arrays"]
    }
    places = content.get("frames", {})
    message = msgspec.convert(content["message"] | packed | places, wire.Message)
    return codec.encode_message(message, [packed[field] for field in sorted(places, key=places.get)])


NUMPY = {"f64": "<f8", "i32": "<i4", "u8": "u1"}

if os.environ.get("WRITE_GOLDEN"):
    written = {name: [base64.b64encode(frame).decode() for frame in encode(content)] for name, content in CONTENTS.items()}
    (GOLDEN / "python.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", CONTENTS)
def test_what_python_writes_has_not_changed(name: str) -> None:
    assert [base64.b64encode(frame).decode() for frame in encode(CONTENTS[name])] == read("python.json")[name]


@pytest.mark.parametrize("name", CONTENTS)
def test_what_node_wrote_is_read(name: str) -> None:
    decoded = codec.decode_message([base64.b64decode(frame) for frame in read("node.json")[name]])
    arrays = CONTENTS[name]["arrays"]
    found = json.loads(msgspec.json.encode(decoded.message))
    assert {field: value for field, value in found.items() if field not in arrays} == CONTENTS[name]["message"]
    for field, values in arrays.items():
        assert decoded.array(field).ravel().tolist() == values


def test_the_schema_is_that_of_typescript() -> None:
    ours = msgspec.json.schema(wire.Message)
    theirs = json.loads((ROOT / "python/painnless/wire_schema.json").read_text(encoding="utf-8"))
    assert normal(ours, ours["$defs"]) == normal(theirs, {})


UNBOUNDED = 9007199254740991  # the largest integer of JavaScript, which zod writes where no maximum was given
IGNORED = {"$schema", "$defs", "title", "description", "discriminator", "propertyNames"}


def normal(schema: Any, definitions: dict[str, Any]) -> Any:
    """The same schema in one spelling."""
    if isinstance(schema, list):
        return [normal(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return normal(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if isinstance(schema.get("type"), list):
        return normal({"anyOf": [{**schema, "type": kind} for kind in schema["type"]]}, definitions)
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key in IGNORED or (key == "maximum" and value == UNBOUNDED) or (key == "additionalProperties" and value == {}):
            continue
        if key in ("anyOf", "oneOf"):
            out["anyOf"] = sorted(normal(value, definitions), key=json.dumps)
        elif key in ("const", "enum"):
            out["enum"] = sorted(value if key == "enum" else [value], key=str)
        elif key == "required":
            out[key] = sorted(value)
        elif key == "properties":
            out[key] = {name: normal(item, definitions) for name, item in sorted(value.items())}
        else:
            out[key] = normal(value, definitions)
    if "enum" in out:
        out.pop("type", None)
    return dict(sorted(out.items()))


def good_header() -> dict[str, Any]:
    """Of the golden evaluate, whose numbers and positions are in frames of their own."""
    header = msgspec.msgpack.decode(encode(CONTENTS["evaluate"])[0])
    return {**header, "numbers": 1, "positions": 2}


def frames_of(header: Any, sizes: tuple[int, ...] = (16, 96)) -> list[bytes]:
    return [msgspec.msgpack.encode(header), *(bytes(size) for size in sizes)]


def with_field(path: str, value: Any) -> dict[str, Any]:
    header = good_header()
    *parents, last = path.split(".")
    target: Any = header
    for parent in parents:
        target = target[parent]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return header


REFUSED = {
    "no frames": ([], None),
    "no msgpack": ([b"\xc1"], None),
    "half a header": ([frames_of(good_header())[0][:40]], None),
    "a list": ([msgspec.msgpack.encode([1])], None),
    "deep nesting": ([b"\x91" * 100_000], None),
    "unknown kind": (frames_of({"kind": "shout", "epoch": 1, "id": 1}, ()), "kind"),
    "no kind": (frames_of({"epoch": 1, "id": 1}, ()), None),
    "unknown key": (frames_of(with_field("colour", "red")), None),
    "missing key": (frames_of(with_field("names", None)), None),
    "negative id": (frames_of(with_field("id", -1)), "id"),
    "id of 64 bits": (frames_of(with_field("id", 2**63)), "id"),
    "unknown property": (frames_of(with_field("want", ["charge"])), "want[0]"),
    "nothing wanted": (frames_of(with_field("want", [])), "want"),
    "neither bytes nor a frame": (frames_of(with_field("positions", [1.0, 2.0, 3.0])), "positions"),
    "half a row": (frames_of(with_field("positions", bytes(100)), (16,)), "positions"),
    "half a row in a frame": (frames_of(good_header(), (16, 100)), "positions"),
    "half a number": (frames_of(good_header(), (15, 96)), "numbers"),
    "the header's own frame": (frames_of(with_field("positions", 0)), "positions"),
    "frame that is not there": (frames_of(with_field("positions", 3)), "positions"),
    "frame of another": (frames_of(with_field("counts", 1)), "numbers"),
    "a frame too many": (frames_of(good_header(), (16, 96, 1)), None),
    "a frame too few": (frames_of(good_header(), (16,)), "positions"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    frames, field = REFUSED[name]
    with pytest.raises(PainnlessError) as caught:
        codec.decode_message(frames)
    assert caught.value.code == "BAD_MESSAGE"
    if field is not None:
        assert caught.value.field == field


finite = st.floats(allow_nan=False)


@st.composite
def structures(draw: st.DrawFn) -> Structure:
    n = draw(st.integers(1, 5))
    numbers = np.array(draw(st.lists(st.integers(1, 118), min_size=n, max_size=n)))
    positions = np.array(draw(st.lists(finite, min_size=3 * n, max_size=3 * n))).reshape(n, 3)
    cell = draw(st.none() | st.lists(st.floats(1, 9), min_size=9, max_size=9).map(lambda x: np.array(x).reshape(3, 3)))
    return Structure(draw(st.text(max_size=5)), numbers, positions, cell, draw(st.tuples(st.booleans(), st.booleans(), st.booleans())))


def test_an_answer_that_lists_stresses_and_has_none_is_refused() -> None:
    one = Structure("x", np.array([1]), np.zeros((1, 3)), None, (False, False, False))
    header = msgspec.msgpack.decode(encode_result(1, 2, [Evaluation(1.0, 1.0, None, None, None)])[0])
    with pytest.raises(PainnlessError, match="stress: 0 rows, expected 1"):
        decode_result(codec.decode_message([msgspec.msgpack.encode({**header, "stressed": [0]})]), [one])


def test_an_answer_of_another_size_is_refused() -> None:
    two = Structure("x", np.array([1, 1]), np.zeros((2, 3)), None, (False, False, False))
    header = msgspec.msgpack.decode(encode_result(1, 2, [Evaluation(1.0, 1.0, np.zeros((2, 3)), None, None)])[0])
    for field, rows, expected in (("energy", 2, 1), ("net", 0, 1), ("forces", 3, 2), ("forces", 0, 2)):
        values = np.zeros((rows, 3) if field == "forces" else rows).tobytes()
        with pytest.raises(PainnlessError, match=f"{field}: {rows} rows, expected {expected}"):
            decode_result(codec.decode_message([msgspec.msgpack.encode({**header, field: values})]), [two])


def test_what_is_decoded_may_be_changed_and_is_nobody_elses() -> None:
    """Also of frames that ZeroMQ would give away as they are."""
    large = Structure("x", np.ones(4000, dtype=np.int64), np.zeros((4000, 3)), None, (False, False, False))
    for count, has_more in product((2, 4000), (False, True)):
        forces = np.arange(3.0 * count).reshape(count, 3)
        more = (np.ones(6), np.ones(count)) if has_more else (None, None)
        made = encode_result(1, 2, [Evaluation(1.0, 1.0, forces, *more)])
        frames = [memoryview(bytearray(frame)) for frame in made]
        structure = Structure("x", large.numbers[:count], large.positions[:count], None, large.pbc)
        (got,) = decode_result(codec.decode_message(frames), [structure])
        for array in (got.forces, got.stress, got.energies):
            assert array is None or (array.flags.writeable and array.flags.aligned)
            if array is not None:
                np.add(array, 1, out=array)
        assert got.forces is not None and np.array_equal(got.forces, forces + 1)
        assert forces[0, 0] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(structures(), min_size=1, max_size=4), st.data())
def test_a_batch_and_its_answer_survive_the_wire(batch: list[Structure], data: st.DataObject) -> None:
    back = decode_evaluate(codec.decode_message(encode_evaluate(1, 2, batch, ["energy", "forces"])))
    for a, b in zip(batch, back, strict=True):
        assert (a.name, a.numbers.tolist(), a.positions.tolist(), a.pbc) == (b.name, b.numbers.tolist(), b.positions.tolist(), b.pbc)
        assert (a.cell is None) == (b.cell is None) and (a.cell is None or (b.cell is not None and np.array_equal(a.cell, b.cell)))
    has = data.draw(st.tuples(st.booleans(), st.booleans()))
    rng = np.random.default_rng(len(batch))
    answer = [
        Evaluation(
            energy=rng.normal(),
            net_energy=rng.normal(),
            forces=rng.normal(size=s.positions.shape) if has[0] else None,
            stress=rng.normal(size=6) if data.draw(st.booleans()) else None,
            energies=rng.normal(size=len(s.numbers)) if has[1] else None,
        )
        for s in batch
    ]
    got = decode_result(codec.decode_message(encode_result(1, 2, answer)), batch)
    for a, b in zip(answer, got, strict=True):
        assert (a.energy, a.net_energy) == (b.energy, b.net_energy)
        for name in ("forces", "stress", "energies"):
            x, y = getattr(a, name), getattr(b, name)
            assert (x is None) == (y is None)
            assert x is None or np.array_equal(x, y)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_damaged_messages_are_refused_or_read(tail: list[bytes], at: int, patch: bytes) -> None:
    header, *arrays = map(bytes, encode(CONTENTS["evaluate"]))
    for frames in ([header[:at] + patch + header[at + len(patch) :], *arrays], tail, [header, *tail]):
        try:
            codec.decode_message(frames)
        except PainnlessError as error:
            assert error.code == "BAD_MESSAGE"
        codec.address_of(frames)
