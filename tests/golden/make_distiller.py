"""Writes tests/golden/distiller/: small random-weight students in the two formats of MLFF-Distiller, with their energies and forces.

The package is on no registry, so the files are not its own work: the checkpoint has the layout it writes (a dict with `model_state_dict`,
`config` and `num_parameters`), the ONNX file is exported by torch.onnx from a module with its parameter names. Energies come from
`energy` below, plain numpy written from the formulas of the architecture (docs/theory.md); the module must agree with them. Forces
are autograd's.

Made with Python 3.11, torch 2.4.1 (CPU) and onnx 1.17:

    pip install torch==2.4.1 onnx==1.17 && python tests/golden/make_distiller.py
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

FOLDER = Path(__file__).parent / "distiller"


class Radial(nn.Module):
    def __init__(self, r: int, cutoff: float) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.linspace(0, cutoff, r))
        self.widths = nn.Parameter(torch.full((r,), cutoff / r))

    def forward(self, d: torch.Tensor) -> torch.Tensor:
        return torch.exp(-(1 / self.widths**2) * (d[:, None] - self.centers) ** 2)


class Message(nn.Module):
    def __init__(self, f: int, r: int) -> None:
        super().__init__()
        self.rbf_to_scalar = nn.Sequential(nn.Linear(r, f), nn.SiLU(), nn.Linear(f, 3 * f))

    def forward(self, s, v, x, u, i, j):
        ws, w1, w2 = torch.chunk(self.rbf_to_scalar(x), 3, dim=-1)
        dv = w1[:, None, :] * v[j] + u[:, :, None] * w2[:, None, :]
        return s.index_add(0, i, ws * s[j]), v.index_add(0, i, dv)


class Update(nn.Module):
    def __init__(self, f: int) -> None:
        super().__init__()
        self.mixing_matrix = nn.Parameter(torch.randn(3, 3) * 0.4)
        self.update_mlp = nn.Sequential(nn.Linear(2 * f, f), nn.SiLU(), nn.Linear(f, 3 * f))

    def forward(self, s, v):
        y, g1, g2 = torch.chunk(self.update_mlp(torch.cat([s, torch.linalg.norm(v, dim=1)], dim=-1)), 3, dim=-1)
        return s + y, g1[:, None] * v + g2[:, None] * torch.einsum("kl,nlf->nkf", self.mixing_matrix, v)


class Interaction(nn.Module):
    def __init__(self, f: int, r: int) -> None:
        super().__init__()
        self.message, self.update = Message(f, r), Update(f)


class Student(nn.Module):
    def __init__(self, f: int, layers: int, r: int, cutoff: float, max_z: int) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.embedding = nn.Embedding(max_z + 1, f)
        self.rbf = Radial(r, cutoff)
        self.interactions = nn.ModuleList([Interaction(f, r) for _ in range(layers)])
        self.energy_head = nn.Sequential(nn.Linear(f, f // 2), nn.SiLU(), nn.Linear(f // 2, f // 4), nn.SiLU(), nn.Linear(f // 4, 1))

    def forward(self, atomic_numbers, positions):
        n = positions.shape[0]
        distances = torch.linalg.norm(positions[None] - positions[:, None], dim=-1)
        i, j = torch.nonzero((distances <= self.cutoff) & ~torch.eye(n, dtype=torch.bool), as_tuple=True)
        r = positions[j] - positions[i]
        d = torch.linalg.norm(r, dim=-1)
        u = r / (d + 1e-8)[:, None]
        f = 0.5 * (torch.cos(torch.pi * d / self.cutoff) + 1) * (d < self.cutoff)
        x = self.rbf(d) * f[:, None]
        s = self.embedding(atomic_numbers)
        v = torch.zeros(n, 3, s.shape[1], dtype=s.dtype)
        for block in self.interactions:
            s, v = block.message(s, v, x, u, i, j)
            s, v = block.update(s, v)
        return self.energy_head(s).sum()


def energy(w: dict[str, np.ndarray], cutoff: float, numbers: list[int], positions: np.ndarray) -> float:
    """The same from the formulas, in numpy, atom by atom, by names of the state dict."""

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def silu(x: np.ndarray) -> np.ndarray:
        return x / (1 + np.exp(-x))

    n, f = len(numbers), w["embedding.weight"].shape[1]
    s, v = w["embedding.weight"][numbers].copy(), np.zeros((n, 3, f))
    for t in range(1 + max(int(name.split(".")[1]) for name in w if name.startswith("interactions."))):
        ds, dv = np.zeros_like(s), np.zeros_like(v)
        for i in range(n):
            for j in range(n):
                r = positions[j] - positions[i]
                d = float(np.sqrt(r @ r))
                if i == j or d > cutoff:
                    continue
                envelope = (np.cos(np.pi * d / cutoff) + 1) / 2 if d < cutoff else 0.0
                x = envelope * np.exp(-((d - w["rbf.centers"]) ** 2) / w["rbf.widths"] ** 2)
                name = f"interactions.{t}.message.rbf_to_scalar"
                filters = linear(f"{name}.2", silu(linear(f"{name}.0", x)))
                ds[i] += filters[:f] * s[j]
                dv[i] += filters[f : 2 * f] * v[j] + np.outer(r / (d + 1e-8), filters[2 * f :])
        s, v = s + ds, v + dv
        name = f"interactions.{t}.update"
        for i in range(n):
            c = np.concatenate([s[i], np.sqrt((v[i] ** 2).sum(0))])
            y = linear(f"{name}.update_mlp.2", silu(linear(f"{name}.update_mlp.0", c)))
            s[i] += y[:f]
            v[i] = y[f : 2 * f] * v[i] + y[2 * f :] * (w[f"{name}.mixing_matrix"] @ v[i])
    return float(linear("energy_head.4", silu(linear("energy_head.2", silu(linear("energy_head.0", s))))).sum())


def evaluate(student: Student, structure: dict) -> dict:
    double = student.double()
    positions = torch.tensor(structure["positions"], dtype=torch.float64, requires_grad=True)
    result = double(torch.tensor(structure["numbers"]), positions)
    weights = {name: tensor.numpy() for name, tensor in double.state_dict().items()}
    expected = energy(weights, student.cutoff, structure["numbers"], np.array(structure["positions"]))
    if not abs(expected - result.item()) < 1e-12:
        raise SystemExit(f"numpy says {expected}, the module {result.item()}")
    return {"energy": expected, "forces": (-torch.autograd.grad(result, positions)[0]).tolist()}


def main() -> None:
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    structures = json.loads((FOLDER.parent / "schnetpack" / "expected.json").read_text())["structures"]
    structures = {name: structures[name] for name in ("ethanol", "methanol_ammonia")}
    record = {"torch": torch.__version__, "models": {}}
    torch.manual_seed(4)
    plain, trained = Student(16, 2, 6, 5.0, 100), Student(12, 3, 7, 4.5, 60)
    with torch.no_grad():
        trained.rbf.centers += 0.1 * torch.randn(7)
        trained.rbf.widths *= 1 + 0.3 * torch.rand(7)
    for name, student, files in (
        ("student", plain, ["student.pt", "student.onnx"]),
        ("student_trained_rbf", trained, ["student_trained_rbf.pt"]),
    ):
        forces = np.array(evaluate(student, structures["ethanol"])["forces"])
        with torch.no_grad():
            student.energy_head[4].weight /= np.abs(forces).max()  # forces near 1 eV/Å
        student.float()
        f, r = student.embedding.weight.shape[1], len(student.rbf.centers)
        config = {"hidden_dim": f, "num_interactions": len(student.interactions), "num_rbf": r, "cutoff": student.cutoff}
        config |= {"max_z": student.embedding.weight.shape[0] - 1, "use_torch_cluster": True, "learning_rate": 0.001}
        count = sum(parameter.numel() for parameter in student.parameters())
        torch.save({"model_state_dict": student.state_dict(), "config": config, "num_parameters": count}, FOLDER / f"{name}.pt")
        if f"{name}.onnx" in files:
            example = (
                torch.tensor(structures["ethanol"]["numbers"]),
                torch.tensor(structures["ethanol"]["positions"], dtype=torch.float32),
            )
            names = {"input_names": ["atomic_numbers", "positions"], "output_names": ["energy"]}
            torch.onnx.export(student, example, FOLDER / f"{name}.onnx", opset_version=14, **names)
        hashes = {file: hashlib.sha256((FOLDER / file).read_bytes()).hexdigest() for file in files}
        record["models"][name] = {"sha256": hashes, "results": {key: evaluate(student, a) for key, a in structures.items()}}
        print(name, hashes, record["models"][name]["results"]["ethanol"]["energy"])
    (FOLDER / "expected.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
