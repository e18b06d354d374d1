"""What an importer does not understand is refused by name: each class, flag and tensor of a golden checkpoint, changed in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import GOLDEN

from painnless.errors import PainnlessError
from painnless.importers import convert
from painnless.importers.checkpoint import Checkpoint, open_checkpoint, read_source
from painnless.importers.distiller import read_distiller_checkpoint, read_distiller_onnx
from painnless.importers.onnx_weights import OnnxFile, OnnxNode, read_onnx
from painnless.importers.pickle_data import Global, Instance
from painnless.importers.schnetpack import read_schnetpack


def golden_checkpoint(name: str) -> Checkpoint:
    return open_checkpoint(read_source(GOLDEN / name))


def at(root: object, path: str) -> Instance:
    """The module at this place of the tree."""
    for name in path.split(".") if path else []:
        assert isinstance(root, Instance)
        root = root.state["_modules"][name]
    assert isinstance(root, Instance)
    return root


def attribute(path: str, name: str, value: object) -> Callable[[Instance], None]:
    return lambda root: at(root, path).state.__setitem__(name, value)


def of_class(path: str, name: str) -> Callable[[Instance], None]:
    return lambda root: setattr(at(root, path), "cls", Global(name))


def entry(path: str, table: str, name: str, source: tuple[str, str, str]) -> Callable[[Instance], None]:
    """Puts what lies at `source` into a table of the module at `path`."""
    return lambda root: at(root, path).state[table].__setitem__(name, at(root, source[0]).state[source[1]][source[2]])


_bias = ("output_modules.0.outnet.1", "_parameters", "bias")
_block = ("representation.interactions", "_modules", "0")
REFUSALS: dict[str, tuple[str, Callable[[Instance], None], str]] = {
    "flag": ("gaussian", attribute("representation", "layer_norm", True), "flag representation.layer_norm .* unknown"),
    "tensor": ("gaussian", entry("representation", "_buffers", "shift", _bias), "tensor representation.shift .* unknown"),
    "module": ("gaussian", entry("", "_modules", "extra", _block), "module extra .* unknown"),
    "average": ("gaussian", attribute("output_modules.0", "aggregation_mode", "avg"), "aggregation_mode is 'avg', expected 'sum'"),
    "no aggregation": ("gaussian", attribute("output_modules.0", "aggregation_mode", None), "aggregation_mode is None"),
    "outputs": ("gaussian", attribute("output_modules.0", "n_out", 2), "n_out"),
    "activation": (
        "gaussian",
        attribute("output_modules.0.outnet.0", "activation", Global("schnetpack.nn.activations.shifted_softplus")),
        "activation is schnetpack.nn.activations.shifted_softplus, expected torch.nn.functional.silu",
    ),
    "activation module": ("silu_module", of_class("output_modules.0.outnet.0.activation", "torch.nn.modules.activation.ReLU"), "ReLU"),
    "last activation": (
        "gaussian",
        of_class("output_modules.0.outnet.1.activation", "torch.nn.modules.activation.SiLU"),
        "outnet.1.activation is torch.nn.modules.activation.SiLU",
    ),
    "cutoff": ("gaussian", of_class("representation.cutoff_fn", "schnetpack.nn.cutoff.MollifierCutoff"), "MollifierCutoff"),
    "radial": ("gaussian", of_class("representation.radial_basis", "schnetpack.nn.radial.Other"), "radial.Other"),
    "representation": ("gaussian", of_class("representation", "schnetpack.representation.schnet.SchNet"), "schnet.SchNet"),
    "embedding": ("gaussian", of_class("representation.embedding", "schnetpack.nn.embedding.NuclearEmbedding"), "NuclearEmbedding"),
    "embedding norm": ("gaussian", attribute("representation.embedding", "max_norm", 1.0), "max_norm"),
    "charges": (
        "gaussian",
        entry("representation.electronic_embeddings", "_modules", "0", _block),
        "electronic_embeddings is not empty",
    ),
    "head": ("gaussian", of_class("output_modules.0", "schnetpack.atomistic.atomwise.DipoleMoment"), "DipoleMoment"),
    "response": ("gaussian", of_class("output_modules.1", "schnetpack.atomistic.response.Response"), "response.Response"),
    "input": ("gaussian", of_class("input_modules.0", "schnetpack.atomistic.distances.FilterShortRange"), "FilterShortRange"),
    "scale": ("gaussian", of_class("postprocessors.1", "schnetpack.transform.atomistic.ScaleProperty"), "ScaleProperty"),
    "offset of": ("gaussian", attribute("postprocessors.1", "_property", "dipole"), "AddOffsets"),
    "averaged references": ("atomrefs", attribute("postprocessors.1", "is_extensive", False), "is_extensive"),
    "forward hook": ("gaussian", attribute("representation", "_forward_hooks", {1: Global("torch.nn.functional.silu")}), "a hook"),
    "epsilon": ("gaussian", attribute("representation.mixing.1", "epsilon", 1e-3), "different from layer to layer"),
    "depth": ("gaussian", attribute("representation", "n_interactions", 4), "4 = n_interactions"),
    "partly shared": ("gaussian", entry("representation.interactions", "_modules", "1", _block), "partly shared"),
    "flag type": ("gaussian", attribute("representation", "share_filters", "yes"), "share_filters is 'yes', expected bool"),
}


@pytest.mark.parametrize(("name", "edit", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_schnetpack_refusals(name: str, edit: Callable[[Instance], None], message: str) -> None:
    checkpoint = golden_checkpoint(f"schnetpack/{name}.model")
    assert isinstance(checkpoint.root, Instance)
    edit(checkpoint.root)
    with pytest.raises(PainnlessError, match=message) as caught:
        read_schnetpack(checkpoint)
    assert caught.value.code == "UNSUPPORTED"


def test_a_module_inside_itself_is_refused() -> None:
    checkpoint = golden_checkpoint("schnetpack/gaussian.model")
    assert isinstance(checkpoint.root, Instance)
    checkpoint.root.state["_modules"]["representation"] = checkpoint.root
    with pytest.raises(PainnlessError, match="NeuralNetworkPotential"):
        read_schnetpack(checkpoint)


def test_postprocessing_switched_off() -> None:
    checkpoint = golden_checkpoint("schnetpack/atomrefs.model")
    assert isinstance(checkpoint.root, Instance)
    checkpoint.root.state["do_postprocessing"] = False
    foreign = read_schnetpack(checkpoint)
    assert (foreign.fields["energy_offset"], foreign.fields["atom_refs"]) == ("0.0", None)
    assert any("do_postprocessing" in warning for warning in foreign.warnings)


DISTILLER_REFUSALS: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "width": ("student.pt", lambda root: root["config"].update(hidden_dim=32), "config.hidden_dim is 32, but the weights have 16"),
    "cutoff": ("student.pt", lambda root: root["config"].update(cutoff=-1.0), "config.cutoff is -1.0"),
    "cutoff text": ("student.pt", lambda root: root["config"].update(cutoff="5"), "config.cutoff is '5'"),
    "no cutoff": ("student_trained_rbf.pt", lambda root: root["config"].pop("cutoff"), "radial functions that were trained"),
    "layers": ("student.pt", lambda root: root["model_state_dict"].pop("interactions.0.update.update_mlp.0.weight"), "update_mlp.0.weight"),
    "extra": (
        "student.pt",
        lambda root: root["model_state_dict"].update(x=root["model_state_dict"]["rbf.centers"]),
        "tensor x .* no place",
    ),
    "state": ("student.pt", lambda root: root.update(model_state_dict=[1]), "model_state_dict is a list"),
    "config": ("student.pt", lambda root: root.update(config=3), "config is 3"),
    "not a tensor": (
        "student.pt",
        lambda root: root["model_state_dict"].update({"rbf.centers": 7}),
        "rbf.centers is a int, expected a tensor",
    ),
}


@pytest.mark.parametrize(("file", "edit", "message"), DISTILLER_REFUSALS.values(), ids=DISTILLER_REFUSALS.keys())
def test_distiller_refusals(
    file: str, edit: Callable[[dict[str, Any]], object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = golden_checkpoint(f"distiller/{file}")
    assert isinstance(checkpoint.root, dict)
    edit(checkpoint.root)
    monkeypatch.setattr("painnless.importers.open_checkpoint", lambda _: checkpoint)
    with pytest.raises(PainnlessError, match=message) as caught:
        convert(GOLDEN / "distiller" / file, tmp_path / "m")
    assert caught.value.code == "BAD_MODEL"
    assert not (tmp_path / "m").exists()


def test_distiller_cutoff_from_untrained_radial_functions() -> None:
    checkpoint = golden_checkpoint("distiller/student.pt")
    assert isinstance(checkpoint.root, dict)
    del checkpoint.root["config"]
    foreign = read_distiller_checkpoint(checkpoint)
    assert foreign.fields["cutoff"] == 5.0
    assert any("no cutoff" in warning for warning in foreign.warnings)


def test_distiller_equivariant_where_the_mixing_is() -> None:
    onnx = read_onnx((GOLDEN / "distiller" / "student.onnx").read_bytes())
    assert read_distiller_onnx(onnx).fields["equivariant"] is False
    onnx.initializers["interactions.0.update.mixing_matrix"] = 0.3 * np.eye(3, dtype=np.float32)
    assert read_distiller_onnx(onnx).fields["equivariant"] is True


def test_onnx_cutoff_must_be_one_number() -> None:
    onnx = read_onnx((GOLDEN / "distiller" / "student.onnx").read_bytes())
    nodes = [*onnx.nodes, OnnxNode("Less", ["distance", "other"], ["mask"])]
    two = OnnxFile(onnx.producer, onnx.initializers, onnx.constants | {"other": np.array(4.0, np.float32)}, nodes)
    for broken in two, OnnxFile(onnx.producer, onnx.initializers, {}, onnx.nodes):
        with pytest.raises(PainnlessError, match="compares distances with") as caught:
            read_distiller_onnx(broken)
        assert caught.value.code == "BAD_MODEL"
