"""The reference: both architectures in plain PyTorch, forces by autograd. Needs torch: pip install "painnless[reference]"."""

try:
    import torch  # noqa: F401
except ImportError as exc:
    raise ImportError('painnless.reference needs torch: pip install "painnless[reference]"') from exc

from painnless.reference.reference import Property, Reference, Result, Structure, build, load, with_weights

__all__ = ["Property", "Reference", "Result", "Structure", "build", "load", "with_weights"]
