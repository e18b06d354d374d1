"""Measures what docs/accuracy.md quotes, with the PyTorch reference alone: how far float32 is from float64, and float64 from itself
with its sums in another order; how the error of finite differences depends on the step; how all that grows with the number of atoms.

    python benchmarks/accuracy.py MODEL.safetensors... [--seed 1] [--structures FILE.xyz]

Models must know H, C and O. --structures writes the geometries, for `painnless crosscheck` to put the native sides beside these figures.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule
from ase.io import write

from painnless.reference.reference import Reference, Structure, load

FREE = (False, False, False)
STEPS = [10 ** (-k / 2) for k in range(2, 15)]


def geometries(rng: np.random.Generator, count: int = 16) -> list[Structure]:
    """Ethanol, atoms displaced by 0.02 to 0.2 Å, none closer than 0.75 Å."""
    ethanol, found = molecule("CH3CH2OH"), []
    while len(found) < count:
        moved = ethanol.copy()
        moved.positions += rng.normal(scale=0.02 + 0.18 * len(found) / count, size=(9, 3))
        distances = moved.get_all_distances()
        if distances[distances > 0].min() >= 0.75:
            found.append((moved.numbers, moved.positions.copy(), None, FREE))
    return found


def packing(rng: np.random.Generator, atoms: int) -> Structure:
    """Atoms of H, C and O at random in a cube, 0.1 atoms/Å^3, no two closer than 1.2 Å, periodic."""
    length, points = (atoms / 0.1) ** (1 / 3), np.empty((0, 3))
    while len(points) < atoms:
        point = rng.uniform(0, length, 3)
        away = points - point
        away -= length * np.round(away / length)
        if not len(points) or np.sqrt((away**2).sum(1)).min() >= 1.2:
            points = np.vstack([points, point])
    return rng.choice([1, 6, 8], atoms), points, length * np.eye(3), (True, True, True)


def turned(structure: Structure, rng: np.random.Generator) -> tuple[Structure, np.ndarray]:
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    numbers, positions, cell, pbc = structure
    return (numbers, positions @ q.T, cell if cell is None else cell @ q.T, pbc), q


def shuffled(structure: Structure, rng: np.random.Generator) -> tuple[Structure, np.ndarray]:
    order = rng.permutation(len(structure[0]))
    return (structure[0][order], structure[1][order], *structure[2:]), order


def values(reference: Reference, structures: list[Structure]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Net energies (eV) and forces (eV/Å)."""
    results = reference.evaluate(structures)
    return np.array([r["net_energy"] for r in results]), [np.asarray(r["forces"]) for r in results]


def largest(found: list[np.ndarray], expected: list[np.ndarray]) -> tuple[float, float]:
    """Largest difference, absolute and relative to the largest component of the structure."""
    pairs = [(np.abs(a - b).max(), np.abs(b).max()) for a, b in zip(found, expected, strict=True)]
    return max(d for d, _ in pairs), max(d / s for d, s in pairs)


def rounding(single: Reference, double: Reference, structures: list[Structure], rng: np.random.Generator) -> Iterator[str]:
    atoms = np.array([len(s[0]) for s in structures])
    energies, forces = values(double, structures)
    yield f"largest force {max(np.abs(f).max() for f in forces):.3g} eV/Å, |net energy| per atom {np.abs(energies / atoms).max():.3g} eV"
    for name, reference in (("float64, atoms in another order", double), ("float32 from float64", single)):
        moved, orders = zip(*[shuffled(s, rng) for s in structures], strict=True)
        e, f = values(reference, list(moved) if reference is double else structures)
        if reference is double:
            f = [a[np.argsort(order)] for a, order in zip(f, orders, strict=True)]
        force, relative = largest(f, forces)
        energy = np.abs((e - energies) / atoms).max()
        yield f"{name}: forces {force:.1e} eV/Å, {relative:.1e} of the largest; energy {energy:.1e} eV/atom"
    own_energies, own_forces = values(single, structures)
    shift = rng.normal(size=3)
    shift *= 20 / np.sqrt(shift @ shift)
    e, f = values(single, [(s[0], s[1] + shift, *s[2:]) for s in structures])
    force, relative = largest(f, own_forces)
    energy = np.abs((e - own_energies) / atoms).max()
    yield f"float32, moved by 20 Å: forces {force:.1e}, {relative:.1e} of the largest; energy {energy:.1e} eV/atom"
    for name, reference, own in (("float64", double, forces), ("float32", single, own_forces)):
        moved, turns = zip(*[turned(s, rng) for s in structures], strict=True)
        _, f = values(reference, list(moved))
        force, relative = largest([a @ q for a, q in zip(f, turns, strict=True)], own)
        net = max(np.abs(a.sum(0)).max() for a in own)
        yield f"{name}, turned: forces {force:.1e}, {relative:.1e} of the largest; net force {net:.1e} eV/Å"


def v_curve(reference: Reference, structure: Structure, exact: np.ndarray) -> list[float]:
    """Largest error of a central difference of the net energy, eV/Å, for each step."""
    numbers, positions, cell, pbc = structure
    moves = [h * sign * np.eye(positions.size)[k].reshape(-1, 3) for h in STEPS for k in range(positions.size) for sign in (1, -1)]
    energies, _ = values(reference, [(numbers, positions + move, cell, pbc) for move in moves])
    plus, minus = energies.reshape(len(STEPS), -1, 2).transpose(2, 0, 1)
    return [np.abs((m - p) / (2 * h) - exact.ravel()).max() for p, m, h in zip(plus, minus, STEPS, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--structures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for path in arguments.models:
        rng = np.random.default_rng(arguments.seed)
        double, single = load(path, "float64"), load(path, "float32")
        print(f"\n## {path}: {double.config.arch}, F={double.config.n_features}, L={double.config.n_layers}\n\nethanol, 16 geometries")
        molecules = geometries(rng)
        packings = [packing(rng, atoms) for atoms in (30, 100, 300)]
        if arguments.structures:
            everything = molecules + packings * double.config.pbc_supported
            write(arguments.structures, [Atoms(s[0], s[1], cell=s[2], pbc=s[3]) for s in everything], format="extxyz")
        for line in rounding(single, double, molecules, rng):
            print("-", line)
        exact = values(double, molecules[:1])[1][0]
        curves = [v_curve(reference, molecules[0], exact) for reference in (double, single)]
        print("\n| step, Å | float64 | float32 |\n|---|---|---|")
        for h, a, b in zip(STEPS, *curves, strict=True):
            print(f"| {h:.1e} | {a:.1e} | {b:.1e} |")
        if double.config.pbc_supported:
            for structure in packings:
                print(f"\n{len(structure[0])} atoms, random, periodic")
                for line in rounding(single, double, [structure], rng):
                    print("-", line)


if __name__ == "__main__":
    main()
