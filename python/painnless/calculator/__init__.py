"""What ASE sees of painnless. The only part of the package, beside workers and training, that imports ase."""

from painnless.calculator.calculator import PainnlessCalculator

__all__ = ["PainnlessCalculator"]
