"""Neighbour lists by ASE: reads questions (JSON lines on stdin), writes the edges of each (JSON lines on stdout)."""

import json
import sys

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list


def edges(question: dict) -> dict:
    atoms = Atoms(
        positions=np.reshape(question["positions"], (-1, 3)), cell=np.reshape(question["cell"], (3, 3)), pbc=np.array(question["pbc"], bool)
    )
    atoms.numbers[:] = 1
    i, j, shifts, vectors = neighbor_list("ijSD", atoms, question["cutoff"])
    order = np.lexsort((shifts[:, 2], shifts[:, 1], shifts[:, 0], j, i))
    return {
        "receivers": i[order].tolist(),
        "senders": j[order].tolist(),
        "shifts": shifts[order].ravel().tolist(),
        "vectors": vectors[order].ravel().tolist(),
    }


for line in sys.stdin:
    print(json.dumps(edges(json.loads(line))))
