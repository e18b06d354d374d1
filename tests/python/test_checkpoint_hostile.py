"""Files made to do harm: nothing in them runs, and each is refused with a typed error that names the trouble."""

import os
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from checkpoints import GOLDEN, entries, nothing_runs, pack, text, torch_file

from painnless.errors import PainnlessError
from painnless.importers import convert
from painnless.model_cache import model_file_of
from painnless.model_file import read_model

GLOBAL_SYSTEM = b"cos\nsystem\n"
STACK_GLOBAL_SYSTEM = b"\x8c\x02os\x8c\x06system\x93"
POPEN = b"csubprocess\nPopen\n"


def payloads(marker: Path) -> dict[str, bytes]:
    """Pickles that touch `marker` when unpickled, by the opcode that makes the call."""
    command = text(f"touch {marker}")
    listed = b"]" + text("touch") + b"a" + text(str(marker)) + b"a"
    return {
        "REDUCE": b"\x80\x02" + GLOBAL_SYSTEM + command + b"\x85R.",
        "REDUCE by STACK_GLOBAL": b"\x80\x04" + STACK_GLOBAL_SYSTEM + command + b"\x85R.",
        "REDUCE in a state dict": b"\x80\x02}" + text("model_state_dict") + GLOBAL_SYSTEM + command + b"\x85Rs.",
        "INST": b"\x80\x02(" + command + b"ios\nsystem\n.",
        "OBJ": b"\x80\x02(" + POPEN + listed + b"o.",
        "NEWOBJ and __init__": b"\x80\x02" + POPEN + listed + b"\x85R.",
        "eval": b"\x80\x02cbuiltins\neval\n" + text(f"__import__('os').system('touch {marker}')") + b"\x85R.",
        "getattr": b"\x80\x02cbuiltins\ngetattr\ncos\nenviron\n" + text("get") + b"\x86R0" + GLOBAL_SYSTEM + command + b"\x85R.",
        "dotted name": b"\x80\x04\x8c\x07zipfile\x8c\x09os.system\x93" + command + b"\x85R.",
        "BUILD and __setstate__": b"\x80\x02cfunctools\npartial\n"
        + GLOBAL_SYSTEM
        + b"\x85R("
        + GLOBAL_SYSTEM
        + command
        + b"\x85}Nt"
        + b"b)R.",
        "memo": b"\x80\x02" + GLOBAL_SYSTEM + b"q\x000" + b"h\x00" + command + b"\x85R.",
    }


NAMES = payloads(Path("x")).keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_payload_is_live(name: str, tmp_path: Path) -> None:
    """Without this the next test could pass on duds: pickle itself does run each of them."""
    marker = tmp_path / "marker"
    made = pickle.loads(payloads(marker)[name])
    if hasattr(made, "wait"):
        made.wait()
    assert marker.exists()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    file = tmp_path / "hostile.model"
    file.write_bytes(torch_file(payloads(marker)[name]))
    with nothing_runs(), pytest.raises(PainnlessError, match=r"nothing was executed") as caught:
        convert(file, tmp_path / "m")
    assert caught.value.code == "BAD_MODEL"
    assert not marker.exists()
    assert not (tmp_path / "m").exists()


def test_the_watch_sees_what_it_watches_for(tmp_path: Path) -> None:
    with pytest.raises(AssertionError), nothing_runs():
        os.system(f"touch {tmp_path / 'marker'}")
    with pytest.raises(AssertionError), nothing_runs():
        pickle.loads(b"\x80\x02cos\ngetcwd\n.")


@pytest.mark.parametrize("call", [b"\x85R", b"\x85\x81"], ids=["REDUCE", "NEWOBJ"])
@pytest.mark.parametrize("name", ["torch.nn.functional\nos.system", "schnetpack.cli\ntrain", "torch.nn\nModule"])
def test_allowed_names_stay_names(name: str, call: bytes, tmp_path: Path) -> None:
    """Classes of schnetpack and torch.nn may be mentioned; whatever the file does with them makes a record."""
    file = tmp_path / "hostile.model"
    file.write_bytes(torch_file(b"\x80\x02c" + name.encode() + b"\n" + text("touch x") + call + b"}" + text("a") + b"K\x01sb."))
    with nothing_runs(), pytest.raises(PainnlessError, match=name.replace("\n", ".")) as caught:
        convert(file, tmp_path / "m")
    assert caught.value.code == "UNSUPPORTED"


@pytest.mark.parametrize("opcode", ["EXT1", "PERSID", "BINSTRING", "POP", "DUP", "BYTEARRAY8", "NEXT_BUFFER"])
def test_opcodes_that_data_does_not_need(opcode: str, tmp_path: Path) -> None:
    argument = {"EXT1": b"\x01", "PERSID": b"1\n", "BINSTRING": b"\x00\x00\x00\x00", "BYTEARRAY8": bytes(8)}.get(opcode, b"")
    file = tmp_path / "hostile.model"
    file.write_bytes(torch_file(b"\x80\x02N" + getattr(pickle, opcode) + argument + b"."))
    with nothing_runs(), pytest.raises(PainnlessError, match=f"opcode {opcode} .*nothing was executed"):
        convert(file, tmp_path / "m")


def nested(levels: int) -> bytes:
    """A tuple of a tuple of ..., each twice: 2^levels leaves in a few bytes, as the key of a dict."""
    body = b"".join(b"q" + bytes([k]) + b"h" + bytes([k]) + b"\x86" for k in range(levels))
    return b"\x80\x02}N" + body + b"K\x01s."


EXHAUSTION = {
    "a memo slot far out": b"\x80\x02Nr\xff\xff\xff\xff.",
    "bytes that are not there": b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b".",
    "text that is not there": b"\x80\x04\x8d" + (1 << 40).to_bytes(8, "little") + b".",
    "a frame that is not there": b"\x80\x04\x95" + (1 << 62).to_bytes(8, "little") + b"N.",
    "an exponential hash": nested(60),
    "a deep list": b"\x80\x02" + b"]" * 300_000 + b"a" * 299_999 + b".",
    "marks without end": b"\x80\x02" + b"(" * 300_000 + b".",
    "a long number": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a pickle too large": b"\x80\x02" + b"N0" * (3 << 20) + b".",
    "an object inside itself": b"\x80\x02cschnetpack.model.base\nNeuralNetworkPotential\n)\x81q\x00}" + text("_modules") + b"h\x00sb.",
    "no end": b"\x80\x02N",
    "nothing": b"",
    "an underflow": b"\x80\x02R.",
    "a mark in a tuple": b"\x80\x02(\x85.",
    "a list as a dict": b"\x80\x02]NNs.",
    "a dict without values": b"\x80\x02}(Nu.",
    "something after the end": b"\x80\x02N.N.",
}


@pytest.mark.parametrize("data", EXHAUSTION.values(), ids=EXHAUSTION.keys())
def test_no_crash_and_no_hang(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "hostile.model"
    file.write_bytes(torch_file(data))
    with nothing_runs(), pytest.raises(PainnlessError) as caught:
        convert(file, tmp_path / "m")
    assert caught.value.code in ("BAD_MODEL", "UNSUPPORTED")
    assert len(str(caught.value)) < 1000


# The container

GOOD = (GOLDEN / "schnetpack" / "odd_sizes.model").read_bytes()
CONTENTS = entries(GOOD)
FOLDER = "odd_sizes"


def replaced(**changed: bytes) -> bytes:
    return pack(CONTENTS | {f"{FOLDER}/{name}": content for name, content in changed.items()})


def without(name: str) -> bytes:
    return pack({key: content for key, content in CONTENTS.items() if key != f"{FOLDER}/{name}"})


def with_size(declared: int) -> bytes:
    """The first entry's sizes in the central directory, changed."""
    data = bytearray(GOOD)
    at = data.index(b"PK\x01\x02")
    data[at + 20 : at + 28] = declared.to_bytes(4, "little") * 2
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(GOOD)
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


def twice() -> bytes:
    """Two central entries of one name."""
    data = bytearray(pack({"archive/data.pkl": b"N.", "archive/data.pkX": b"N."}))
    return bytes(data).replace(b"archive/data.pkX", b"archive/data.pkl")


CONTAINERS = {
    "empty": (b"", "not a checkpoint painnless knows"),
    "text": (b"9\nethanol\n", "not a checkpoint painnless knows"),
    "truncated": (GOOD[:-100], "truncated zip"),
    "half": (GOOD[: len(GOOD) // 2], "truncated zip"),
    "only the magic": (b"PK\x03\x04", "truncated zip"),
    "an older torch file": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "before 1.6"),
    "a model file": (b"\x40\x00\x00\x00\x00\x00\x00\x00{" + b" " * 64, "safetensors file already"),
    "big-endian": (replaced(byteorder=b"big"), "byte order b'big'"),
    "compressed": (pack(CONTENTS, zipfile.ZIP_DEFLATED), "is compressed"),
    "a bomb": (pack({"archive/data.pkl": bytes(50 << 20)}, zipfile.ZIP_DEFLATED), "is compressed"),
    "oversized": (with_size(0x7FFFFFFF), "declares 2147483647 bytes"),
    "undersized": (with_size(3), "damaged|has .* bytes|2 bytes|3 bytes"),
    "encrypted": (encrypted(), "encrypted|damaged"),
    "two entries of one name": (twice(), "2 entries with 1 names"),
    "two pickles": (pack(CONTENTS | {"other/data.pkl": b"N."}), "2 entries .*data.pkl"),
    "no pickle": (without("data.pkl"), "0 entries .*data.pkl"),
    "TorchScript": (replaced(**{"constants.pkl": b"N."}), "TorchScript"),
    "a storage gone": (without("data/7"), "no entry '.*data/7'"),
    "a storage too short": (replaced(**{"data/7": bytes(8)}), "storage 7 of tensor .* has 8 bytes"),
    "a storage too long": (replaced(**{"data/7": bytes(1 << 20)}), "storage 7 of tensor .* has 1048576 bytes"),
    "NaN weights": (replaced(**{"data/7": b"\xff" * len(CONTENTS[f"{FOLDER}/data/7"])}), "NaN or infinity"),
}


@pytest.mark.parametrize(("data", "message"), CONTAINERS.values(), ids=CONTAINERS.keys())
def test_containers(data: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "file.model"
    file.write_bytes(data)
    with nothing_runs(), pytest.raises(PainnlessError, match=message) as caught:
        convert(file, tmp_path / "m")
    assert caught.value.code in ("BAD_MODEL", "UNSUPPORTED")
    assert not (tmp_path / "m").exists()
    assert list(tmp_path.iterdir()) == [file]


def test_a_renamed_root_folder_and_no_byteorder(tmp_path: Path) -> None:
    file = tmp_path / "file.model"
    renamed = {key.replace(FOLDER, "archive", 1): content for key, content in CONTENTS.items() if not key.endswith("byteorder")}
    file.write_bytes(pack(renamed))
    assert convert(file, tmp_path / "m")["config"]["n_features"] == 18


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PainnlessError, match="cannot read checkpoint") as caught:
        convert(tmp_path / "nothing", tmp_path / "m")
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("read", [partial(convert, target="m"), read_model, partial(model_file_of, energy_unit=None)])
def test_a_pipe_is_not_waited_for(read: Callable[[Path], object], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PainnlessError, match="pipe: it is a named pipe, expected a regular file") as caught:
        read(tmp_path / "pipe")
    assert caught.value.code == "NOT_FOUND"


def tensor(
    size: bytes, stride: bytes, offset: bytes = b"K\x00", count: bytes = b"K\x04", storage: bytes = b"ctorch\nFloatStorage\n"
) -> bytes:
    """A student whose one tensor has this geometry, in a storage of four float32."""
    reference = b"(" + text("storage") + storage + text("0") + text("cpu") + count + b"tQ"
    value = b"ctorch._utils\n_rebuild_tensor_v2\n(" + reference + offset + size + stride + b"\x89}tR"
    return torch_file(b"\x80\x02}" + text("model_state_dict") + b"}" + text("rbf.centers") + value + b"ss.", **{"data/0": bytes(16)})


TENSORS = {
    "too long": (tensor(b"K\x05\x85", b"K\x01\x85"), "reaches element 4 of a storage that holds 4"),
    "offset": (tensor(b"K\x04\x85", b"K\x01\x85", b"K\x01"), "reaches element 4"),
    "stride": (tensor(b"K\x02\x85", b"K\x04\x85"), "reaches element 4"),
    "endless by stride 0": (tensor(b"J\xff\xff\xff\x7f\x85", b"K\x00\x85"), "of a storage that holds 4"),
    "negative stride": (tensor(b"K\x02\x85", b"J\xff\xff\xff\xff\x85"), "impossible stride"),
    "negative size": (tensor(b"J\xff\xff\xff\xff\x85", b"K\x01\x85"), "impossible size"),
    "negative offset": (tensor(b"K\x01\x85", b"K\x01\x85", b"J\xff\xff\xff\xff"), "offset -1"),
    "ranks": (tensor(b"K\x02K\x02\x86", b"K\x01\x85"), "2 sizes, 1 strides"),
    "text for a size": (tensor(text("4") + b"\x85", b"K\x01\x85"), "impossible size"),
    "count": (tensor(b"K\x04\x85", b"K\x01\x85", count=b"K\x05"), "16 bytes, expected 5 x 4"),
    "negative count": (tensor(b"K\x04\x85", b"K\x01\x85", count=b"J\xfc\xff\xff\xff"), "16 bytes, expected -4 x 4"),
    "integers": (tensor(b"K\x02\x85", b"K\x01\x85", count=b"K\x02", storage=b"ctorch\nLongStorage\n"), "dtype int64"),
}


@pytest.mark.parametrize(("data", "message"), TENSORS.values(), ids=TENSORS.keys())
def test_tensor_geometry(data: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "file.pt"
    file.write_bytes(data)
    with nothing_runs(), pytest.raises(PainnlessError, match=message):
        convert(file, tmp_path / "m")


def test_half_precision_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "file.pt"
    file.write_bytes(tensor(b"K\x02\x85", b"K\x01\x85", storage=b"ctorch\nHalfStorage\n"))
    with pytest.raises(PainnlessError, match=r"torch\.HalfStorage"):
        convert(file, tmp_path / "m")
