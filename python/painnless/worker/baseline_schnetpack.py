"""SchNetPack's own model beside ours, for `painnless bench gpu`: built by the package, with the weights of a model file."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from painnless.errors import PainnlessError
from painnless.model_file import Model, ModelConfig
from painnless.worker.baseline_model import Inputs
from painnless.worker.opponents import import_opponent

__all__ = ["schnetpack_model"]


def schnetpack_model(model: Model, device: str) -> Callable[[Inputs, Tensor], Callable[[], tuple[Tensor, Tensor]]]:
    """What takes inputs, and the molecule of each atom (N), and makes ready to be called: energies per atom (N, eV, net of constants) and
    forces (N, 3, eV/Å), in float32. Neighbours are given, as they are to the others.

    Raises PainnlessError MISSING where the package cannot be imported.
    """
    models, atomistic, properties = import_opponent("schnetpack", "schnetpack.model", "schnetpack.atomistic", "schnetpack.properties")
    config = model.config
    head = atomistic.Atomwise(
        config.n_features,
        n_hidden=list(config.readout_widths[:-1]),
        n_layers=len(config.readout_widths),
        output_key="energy",
        per_atom_output_key="energies",
    )
    network = models.NeuralNetworkPotential(
        _representation(config), input_modules=[atomistic.PairwiseDistances()], output_modules=[head, atomistic.Forces()]
    )
    _take_weights(network, model)
    network.to(device).eval().requires_grad_(False)

    def prepare(inputs: Inputs, molecules: Tensor) -> Callable[[], tuple[Tensor, Tensor]]:
        given = {
            properties.Z: inputs.numbers,
            properties.R: inputs.positions.detach().float(),
            properties.idx_i: inputs.receivers,
            properties.idx_j: inputs.senders,
            properties.offsets: torch.zeros(len(inputs.senders), 3, device=device),
            properties.idx_m: molecules,
        }

        def run() -> tuple[Tensor, Tensor]:
            found = network(dict(given))  # to which it adds
            return found["energies"].detach()[:, 0], found["forces"]

        return run

    return prepare


def _representation(config: ModelConfig) -> Any:
    layers, representation = import_opponent("schnetpack", "schnetpack.nn", "schnetpack.representation")
    basis = layers.GaussianRBF if config.rbf == "gaussian" else layers.BesselRBF
    painn = representation.PaiNN(
        config.n_features,
        config.n_layers,
        basis(config.n_rbf, config.cutoff),
        layers.CosineCutoff(config.cutoff),
        shared_interactions=config.shared_layers,
        shared_filters=config.shared_filters,
        epsilon=config.norm_eps,
    )
    # The argument that sizes it is another from version to version.
    painn.embedding = nn.Embedding(config.max_z + 1, config.n_features)
    return painn


def _take_weights(network: nn.Module, model: Model) -> None:
    """Modules are named as in the file. The unit is put into the last layer, so that to convert it takes them no time."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in model.tensors.items()}
    last = f"output_modules.0.outnet.{len(model.config.readout_widths) - 1}"
    for name in (f"{last}.weight", f"{last}.bias"):
        tensors[name] *= model.config.energy_unit_in_ev
    # What it has beside them is the cutoff, and shared layers once more.
    unknown = network.load_state_dict(tensors, strict=False).unexpected_keys
    if unknown:
        raise PainnlessError("UNSUPPORTED", f"the installed schnetpack has no parameter {unknown[0]}, expected those of 2.0 to 2.2")
