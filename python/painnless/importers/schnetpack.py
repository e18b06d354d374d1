"""SchNetPack 2.0 to 2.2 PaiNN models, as torch.save wrote the whole module (`best_model`, `*.model`)."""

from typing import Any

import numpy as np

from painnless.importers.checkpoint import Checkpoint
from painnless.importers.foreign import Foreign, common_dtype
from painnless.importers.modules import Module, refused, shown
from painnless.importers.pickle_data import Global, Instance

__all__ = ["ROOT", "read_schnetpack"]

ROOT = "schnetpack.model.base.NeuralNetworkPotential"
_LIST = "torch.nn.modules.container.ModuleList"
_SEQUENTIAL = "torch.nn.modules.container.Sequential"
_DENSE = "schnetpack.nn.base.Dense"
_SILU = ("torch.nn.functional.silu", "torch.nn.modules.activation.SiLU")
_NONE = type(None)


def read_schnetpack(checkpoint: Checkpoint) -> Foreign:
    """Raises PainnlessError UNSUPPORTED naming the class, tensor or flag that cannot be carried over, BAD_MODEL for damage."""
    model = Module(checkpoint, checkpoint.root, "").expect(ROOT)
    tensors: dict[str, np.ndarray] = {}
    warnings: list[str] = []
    for entry in model.child("input_modules").items(_LIST):
        entry.expect("schnetpack.atomistic.distances.PairwiseDistances", "schnetpack.atomistic.response.Strain")
        entry.ignore("model_outputs", "required_derivatives")
        entry.finish()
    fields = _representation(model.child("representation"), tensors)
    energy_key, fields["readout_widths"] = _outputs(model.child("output_modules"), tensors)
    offsets = _offsets(model.child("postprocessors"), energy_key, fields["max_z"])
    if not model.take("do_postprocessing", bool):
        if offsets["energy_offset"] != "0.0" or offsets["atom_refs"] is not None:
            warnings.append("do_postprocessing is false in the file: its energy offsets are left out, as the package does")
        offsets = _offset_fields(0.0, True, None)
    version = model.take("spk_version", str, _NONE, default=None)
    model.ignore("input_dtype_str", "input_dtype", "required_derivatives", "model_outputs")
    model.finish()
    weight_dtype, tensors = common_dtype(tensors)
    fields |= offsets | {
        "arch": "painn-schnetpack",
        "elements": None,
        "cutoff_applies_to": "filter",
        "dir_eps": 0.0,
        "edge_rule": "lt",
        "pbc_supported": True,
        "equivariant": True,
        "continuous_at_cutoff": True,
        "weight_dtype": weight_dtype,
        "source_format": "schnetpack",
        "source_version": version,
    }
    reason = "SchNetPack files state no unit; the package's MD17 and rMD17 data sets are in kcal/mol"
    return Foreign(fields, tensors, "kcal/mol", reason, warnings)


def _representation(painn: Module, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    painn.expect("schnetpack.representation.painn.PaiNN")
    features = painn.take("n_atom_basis", int)
    layers = painn.take("n_interactions", int)
    embedding = painn.child("embedding").expect("torch.nn.modules.sparse.Embedding")
    if embedding.take("max_norm", float, int, _NONE) is not None:
        raise refused("representation.embedding.max_norm", "set", "null: an embedding that renormalises itself is not supported")
    table = embedding.tensor("weight")
    embedding.ignore("num_embeddings", "embedding_dim", "padding_idx", "norm_type", "scale_grad_by_freq", "sparse")
    embedding.finish()
    if table.ndim != 2 or len(table) < 2:
        raise refused("representation.embedding.weight", f"of shape {table.shape}", "(elements, features)")
    max_z = min(len(table) - 1, 118)
    tensors["representation.embedding.weight"] = table[: max_z + 1]
    if painn.has_child("electronic_embeddings") and painn.child("electronic_embeddings").items(_LIST):
        raise refused("representation.electronic_embeddings", "not empty", "empty: charge and spin embeddings are not supported")
    rbf, n_rbf = _radial(painn.child("radial_basis"), tensors)
    cutoff_fn = painn.child("cutoff_fn").expect("schnetpack.nn.cutoff.CosineCutoff")
    cutoff = cutoff_fn.tensor("cutoff")
    cutoff_fn.finish()
    repeated = painn.attribute_tensor("cutoff")
    if cutoff.size != 1 or not np.array_equal(cutoff, repeated):
        raise refused("representation.cutoff", "not the number in representation.cutoff_fn.cutoff", "the same number")
    shared_filters = painn.take("share_filters", bool)
    _dense(painn.child("filter_net"), tensors, "representation.filter_net", activated=False)
    shared, epsilon = _layers(painn, tensors, layers)
    painn.finish()
    return {
        "n_features": features,
        "n_layers": layers,
        "n_rbf": n_rbf,
        "max_z": max_z,
        "cutoff": float(cutoff.item()),
        "rbf": rbf,
        "rbf_gamma_convention": "half_inv_w2" if rbf == "gaussian" else None,
        "norm_eps": epsilon,
        "shared_layers": shared,
        "shared_filters": shared_filters,
    }


def _radial(basis: Module, tensors: dict[str, np.ndarray]) -> tuple[str, int]:
    """Trainable or not, the stored values count: they differ from exact ones in the last bit."""
    basis.expect("schnetpack.nn.radial.GaussianRBF", "schnetpack.nn.radial.GaussianRBFCentered", "schnetpack.nn.radial.BesselRBF")
    bessel = basis.kind.endswith("BesselRBF")
    for name in ("freqs",) if bessel else ("offsets", "widths"):
        tensors[f"representation.radial_basis.{name}"] = basis.tensor(name)
    n_rbf = basis.take("n_rbf", int)
    basis.finish()
    return "bessel" if bessel else "gaussian", n_rbf


def _layers(painn: Module, tensors: dict[str, np.ndarray], layers: int) -> tuple[bool, float]:
    """Interaction and mixing blocks; shared ones are one object in the file and are stored once."""
    interactions = painn.child("interactions").items(_LIST)
    mixing = painn.child("mixing").items(_LIST)
    if len(interactions) != layers or len(mixing) != layers or layers < 1:
        raise refused(
            "representation.interactions", f"{len(interactions)} blocks with {len(mixing)} mixing blocks", f"{layers} = n_interactions"
        )
    distinct = {len({id(block.identity) for block in blocks}) for blocks in (interactions, mixing)}
    if distinct not in ({1}, {layers}):
        raise refused("representation.interactions", "partly shared between layers", "all shared or none")
    shared = layers > 1 and distinct == {1}
    epsilons: set[float] = set()
    for t in range(1 if shared else layers):
        block = interactions[t].expect("schnetpack.representation.painn.PaiNNInteraction")
        block.ignore("n_atom_basis")
        _mlp(block.child("interatomic_context_net"), tensors, f"representation.interactions.{t}.interatomic_context_net", 2)
        block.finish()
        block = mixing[t].expect("schnetpack.representation.painn.PaiNNMixing")
        block.ignore("n_atom_basis")
        epsilons.add(float(block.take("epsilon", float, int)))
        _mlp(block.child("intraatomic_context_net"), tensors, f"representation.mixing.{t}.intraatomic_context_net", 2)
        _dense(block.child("mu_channel_mix"), tensors, f"representation.mixing.{t}.mu_channel_mix", activated=False, bias=False)
        block.finish()
    if len(epsilons) != 1:
        raise refused("representation.mixing.epsilon", "different from layer to layer", "one number")
    return shared, epsilons.pop()


def _mlp(net: Module, tensors: dict[str, np.ndarray], name: str, layers: int | None = None) -> list[int]:
    """silu after each layer but the last; the output width of each."""
    dense = net.items(_SEQUENTIAL)
    if not dense or (layers is not None and len(dense) != layers):
        raise refused(net.path, f"a stack of {len(dense)} layers", "at least 1" if layers is None else str(layers))
    return [_dense(layer, tensors, f"{name}.{k}", activated=k < len(dense) - 1) for k, layer in enumerate(dense)]


def _dense(layer: Module, tensors: dict[str, np.ndarray], name: str, *, activated: bool, bias: bool = True) -> int:
    """A layer without the bias our format expects gets one of zeros, which is the same function."""
    layer.expect(_DENSE)
    if layer.has_child("activation"):
        activation = layer.child("activation")
        found = activation.kind
        activation.ignore("inplace")
        activation.finish()
    else:
        function = layer.take("activation", Global, Instance)
        found = function.name if isinstance(function, Global) else shown(function)
    expected = _SILU if activated else ("torch.nn.modules.linear.Identity",)
    if found not in expected:
        raise refused(f"{layer.path}.activation", found, " or ".join(expected))
    weight = layer.tensor("weight")
    if weight.ndim != 2:
        raise refused(f"{layer.path}.weight", f"of shape {weight.shape}", "(outputs, inputs)")
    tensors[f"{name}.weight"] = weight
    values = layer.optional_tensor("bias")
    if bias:
        tensors[f"{name}.bias"] = np.zeros(len(weight), weight.dtype) if values is None else values
    elif values is not None:
        raise refused(f"{layer.path}.bias", "a tensor", "no bias")
    layer.ignore("in_features", "out_features", "weight_init", "bias_init")
    layer.finish()
    return len(weight)


def _outputs(modules: Module, tensors: dict[str, np.ndarray]) -> tuple[str, list[int]]:
    """One energy head, and Forces, whose result is the derivative that painnless computes itself."""
    entries = modules.items(_LIST)
    heads = [entry for entry in entries if entry.kind == "schnetpack.atomistic.atomwise.Atomwise"]
    if len(heads) != 1:
        kinds = ", ".join(entry.kind for entry in entries) or "none"
        raise refused("output_modules", kinds[:300], "exactly one schnetpack.atomistic.atomwise.Atomwise, the energy")
    head = heads[0]
    key = head.take("output_key", str)
    aggregation = head.take("aggregation_mode", str, _NONE)
    if aggregation != "sum":
        raise refused(f"{head.path}.aggregation_mode", shown(aggregation), "'sum'")
    if head.take("n_out", int) != 1:
        raise refused(f"{head.path}.n_out", "more than 1", "1: one energy per atom")
    widths = _mlp(head.child("outnet"), tensors, "output_modules.0.outnet")
    head.ignore("model_outputs", "per_atom_output_key", "_aggregation", "required_derivatives")
    head.finish()
    for entry in entries:
        if entry is head:
            continue
        entry.expect("schnetpack.atomistic.response.Forces")
        if entry.take("energy_key", str) != key:
            raise refused(f"{entry.path}.energy_key", "another quantity", f"{key!r}, what the Atomwise head computes")
        entry.ignore("calc_forces", "calc_stress", "force_key", "stress_key", "model_outputs", "required_derivatives")
        entry.finish()
    return key, widths


def _offsets(modules: Module, energy_key: str, max_z: int) -> dict[str, Any]:
    offsets = _offset_fields(0.0, True, None)
    seen = False
    for entry in modules.items(_LIST):
        if entry.kind in ("schnetpack.transform.casting.CastTo64", "schnetpack.transform.casting.CastTo32"):
            entry.ignore("type_map")
            entry.finish()
            continue
        entry.expect("schnetpack.transform.atomistic.AddOffsets")
        if seen or entry.take("_property", str) != energy_key:
            raise refused(entry.path, "a second AddOffsets or one for another quantity", f"one AddOffsets for {energy_key!r}")
        seen = True
        add_mean, add_refs = entry.take("add_mean", bool), entry.take("add_atomrefs", bool)
        extensive = entry.take("is_extensive", bool)
        mean, refs = entry.tensor("mean").astype(np.float64), entry.tensor("atomref").astype(np.float64)
        entry.ignore("_atomrefs_initialized", "_mean_initialized", "_aggregation", "estimate_atomref")
        entry.finish()
        if mean.size != 1 or not np.isfinite(mean).all():
            raise refused(f"{entry.path}.mean", f"of shape {mean.shape}", "one finite number")
        if add_refs and not extensive:
            raise refused(
                f"{entry.path}.add_atomrefs",
                "used with is_extensive false",
                "is_extensive true: the package would average the references over the atoms",
            )
        if add_refs and (refs.ndim != 1 or len(refs) <= max_z or not np.isfinite(refs).all()):
            raise refused(
                f"{entry.path}.atomref", f"of shape {refs.shape}", f"at least {max_z + 1} finite numbers, one for each row of the embedding"
            )
        offsets = _offset_fields(float(mean.item()) if add_mean else 0.0, extensive, refs[: max_z + 1] if add_refs else None)
    return offsets


def _offset_fields(mean: float, per_atom: bool, refs: np.ndarray | None) -> dict[str, Any]:
    """Python's repr of a float64 is the shortest decimal that reads back as the same number."""
    return {
        "energy_offset": repr(mean),
        "energy_offset_per_atom": per_atom,
        "atom_refs": None if refs is None else tuple(float(x) for x in refs),
    }
