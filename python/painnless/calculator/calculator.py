"""The ASE calculator: what ASE asks, asked of a server; no physics here."""

import os
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from types import TracebackType
from typing import Any, Literal, NoReturn, cast

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from numpy.typing import NDArray

from painnless.calculator import runs
from painnless.calculator.conversion import has_volume, results_of, same_bits, structure_of
from painnless.connection import Connection
from painnless.errors import PainnlessError
from painnless.launch import ServerSpec
from painnless.model_cache import model_file_of
from painnless.model_file import read_model
from painnless.options import Device, Options, Precision, refuse_unknown
from painnless.wire import Property

__all__ = ["PainnlessCalculator"]

Floats = NDArray[np.float64]

_WIRE: dict[str, Property] = {"energy": "energy", "free_energy": "energy", "forces": "forces", "stress": "stress", "energies": "energies"}
"""ASE's properties by what carries them."""


class PainnlessCalculator(Calculator):
    """Energies, forces and stress of a PaiNN force field, for every tool that takes an ASE calculator.

    >>> atoms.calc = PainnlessCalculator("best_model", energy_unit="kcal/mol")

    The engine runs in a process of its own, which the calculators of one Python share where they ask for the same model and options. It
    starts with the calculator and ends with the last one that uses it: at `close`, at the end of a `with` block, when the calculator is
    collected, and when Python ends, however it ends.

    Properties, in ASE's units: energy and free_energy (equal; eV), forces (n, 3) eV/Å, stress (6) xx yy zz yz xz xy, eV/Å³, positive is
    tension, energies (n) eV. Stress needs a periodic axis and a cell with a volume. Where a property cannot be had, ASE's
    PropertyNotImplementedError is raised. An energy alone is computed without forces; forces and stress are computed together.

    A copy (copy, deepcopy, pickle) connects anew where it is used. After a fork the calculator refuses to work in the child; a copy made
    there works.

    Raises PainnlessError: USAGE for an option that does not exist, saying what there is; NOT_FOUND, BAD_MODEL, UNSUPPORTED for a file;
    MISSING for a device that is not there; BAD_STRUCTURE for atoms that cannot be computed, e.g. of an element the model does not know;
    NOT_FINITE; WORKER_DIED or TIMEOUT for an engine that is gone, after which the next call starts another.
    """

    implemented_properties = list(_WIRE)  # noqa: RUF012 (ASE declares both so)
    atoms: Atoms | None
    results: dict[str, Any]
    parameters: dict[str, Any]
    ignored_changes = {"initial_charges", "initial_magmoms"}  # noqa: RUF012 (the model knows neither)

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        energy_unit: str | None = None,
        device: Device = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
        server: str | None = None,
        timeout: float = 10.0,
        **unknown: NoReturn,
    ) -> None:
        """model: a SchNetPack 2 checkpoint (best_model), an MLFF-Distiller student (.onnx or checkpoint), or a file that `painnless import`
            wrote. Nothing in it is executed. A checkpoint is converted once, into $XDG_CACHE_HOME/painnless (~/.cache/painnless).
        energy_unit: of a checkpoint's energies: eV, meV, Hartree, kcal/mol or kJ/mol. Checkpoints do not say: without it the unit is
            assumed, with a warning.
        device: "cpu", "cuda", or "auto", the best there is.
        precision: of the network: "f64", "f32", or "mixed", on a GPU, once `painnless crosscheck` has passed with it for this model; "auto"
            is f64 on a CPU and f32 on a GPU. Atomic energies are added in float64.
        threads: of the engine on a CPU; None, as many as this process may use. The result is the same for any number.
        server: the endpoint of a running `painnless serve`, ipc://PATH or tcp://HOST:PORT, instead of a process of our own; device,
            precision and threads are the server's. With `model`, the server must have that model.
        timeout: seconds without any sign of life from the engine after which a call is given up. Long computations show life.
        """
        refuse_unknown(unknown)
        super().__init__()  # pyright: ignore[reportUnknownMemberType] (of ase)
        self._options = Options(
            model=None if model is None else _absolute(model),
            energy_unit=energy_unit,
            device=device,
            precision=precision,
            threads=threads,
            server=server,
            timeout=timeout,
        )
        self.parameters = asdict(self._options)
        self._stress_used = False
        self._copied_model: str | None = None
        self._connection = _connect(self._options, warn=True)
        provides = self._connection.welcome.provides
        self.implemented_properties = [name for name, carried in _WIRE.items() if carried in provides]

    @cached_property
    def _connection(self) -> Connection:
        # Of a copy: to look at one, whose results go along, needs no model, and what fails within a pool's unpickling hangs the pool.
        return _connect(self._options, warn=False, model=self._copied_model)

    @property
    def side(self) -> str:
        """What computes, e.g. "native:cpu:f64"."""
        return self._connection.welcome.side

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """What changed since the last calculation, bit by bit: `tol` is ASE's, and not needed."""
        last = self.atoms
        if last is None:
            return list(all_changes)
        pairs = {
            "positions": (last.arrays["positions"], atoms.arrays["positions"]),
            "numbers": (last.arrays["numbers"], atoms.arrays["numbers"]),
            "cell": (last.cell.array, atoms.cell.array),
            "pbc": (last.pbc, atoms.pbc),
        }
        return [name for name, (old, new) in pairs.items() if not same_bits(old, new)]

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Sequence[str] = all_changes
    ) -> None:
        """Fills `results` with `properties` and the energy; whatever fails leaves it empty. As ASE calls it."""
        atoms = self.atoms if atoms is None else atoms
        if atoms is None:
            self.reset()
            raise PainnlessError("USAGE", "there are no atoms to calculate; use atoms.calc = ..., or name them", "atoms")
        # Who calls this without ASE may say that nothing changed where something did: kept results would be taken for those of `atoms`.
        kept = {} if system_changes or self.check_state(atoms) else self.results
        self.reset()
        want = self._wanted(atoms, properties)
        copies: list[Atoms] = []  # made while the engine works
        (evaluation,) = self._connection.evaluate([structure_of(atoms, "atoms")], want, lambda: copies.append(atoms.copy()))
        self.results = {**kept, **results_of(evaluation)}
        self.atoms = copies[-1]

    # ASE's own methods, which its own hints take to return None.

    def get_potential_energy(self, atoms: Atoms | None = None, force_consistent: bool = False) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        """eV; free_energy, which is equal, if `force_consistent`."""
        return self._typed("free_energy" if force_consistent else "energy", atoms)

    def get_potential_energies(self, atoms: Atoms | None = None) -> Floats:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(n) eV."""
        return self._typed("energies", atoms)

    def get_forces(self, atoms: Atoms | None = None) -> Floats:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(n, 3) eV/Å."""
        return self._typed("forces", atoms)

    def get_stress(self, atoms: Atoms | None = None) -> Floats:  # pyright: ignore[reportIncompatibleMethodOverride]
        """(6) xx yy zz yz xz xy, eV/Å³."""
        return self._typed("stress", atoms)

    def _typed(self, name: str, atoms: Atoms | None) -> Any:
        return cast("Any", self.get_property(name, atoms))  # pyright: ignore[reportUnknownMemberType]

    def compute_many(self, images: Iterable[Atoms], properties: Collection[str] = ("energy", "forces")) -> list[dict[str, Any]]:
        """The properties of many structures, computed as one ragged batch; each as `results` would hold it, in order.

        Each is bitwise what it would be alone. Atoms, `results` and ASE's cache stay as they are. Where a structure has no volume, its
        stress is absent. Raises as a single calculation does; the message tells the structure, "atoms[3]".
        """
        structures = [structure_of(atoms, f"atoms[{k}]") for k, atoms in enumerate(images)]
        want: list[Property] = [_WIRE[name] for name in self._known(properties)] or ["energy"]
        results: list[dict[str, Any]] = []
        for batch in self._connection.batches(structures):
            results += map(results_of, self._connection.evaluate(batch, want))
        return results

    def run_nve(self, atoms: Atoms, steps: int, timestep: float, *, every: int = 1) -> Iterator[Atoms]:
        """`steps` steps of velocity Verlet inside the engine, as ASE's VelocityVerlet(atoms, timestep) would make them, but far faster.

        Gives a new Atoms at each `every`-th step, the first and the last included, with momenta, energy and forces, while the run goes on;
        who stops taking them ends it. `atoms` stays as it is; its momenta are where the run begins.

        timestep: in ASE's unit, e.g. 0.5 * ase.units.fs. every: a divisor of `steps`. Raises UNSUPPORTED for constraints or masses that are
        not the standard ones, UNSTABLE where the run cannot go on, after the last good step.
        """
        options = {"ensemble": "nve", "timestep": timestep / units.fs}
        return (frame for (frame,) in runs.run(self._connection, atoms, steps, every, 1, False, options))

    def dynamics(
        self,
        atoms: Atoms,
        steps: int,
        timestep: float,
        *,
        ensemble: Literal["nve", "langevin", "csvr"] = "nve",
        temperature_K: float | None = None,
        friction: float = 0.01 / units.fs,
        relaxation: float = 100 * units.fs,
        equilibration: int = 0,
        seed: int = 0,
        replicas: int = 1,
        every: int = 100,
    ) -> Iterator[list[Atoms]]:
        """As run_nve, of several replicas as one batch and with a thermostat: Langevin dynamics or stochastic velocity rescaling (csvr).

        Gives the replicas, one Atoms each. Times and rates are in ASE's units. Without momenta in `atoms` velocities are drawn for
        `temperature_K`; replica r has the seed `seed` + r. equilibration: steps of Langevin dynamics before the first that is given.
        """
        draws = temperature_K is not None and "momenta" not in atoms.arrays
        if temperature_K is None and (ensemble != "nve" or equilibration > 0):
            raise PainnlessError("USAGE", f"temperature_K is None, expected the temperature of ensemble {ensemble!r}", "temperature_K")
        options = {
            "ensemble": ensemble,
            "timestep": timestep / units.fs,
            "temperature": temperature_K or 0.0,
            "friction": friction * units.fs,
            "relaxation": relaxation / units.fs,
            "equilibration": equilibration,
            "seed": seed,
        }
        return runs.run(self._connection, atoms, steps, every, replicas, draws, options)

    def set(self, **changes: Any) -> dict[str, Any]:
        """Changes options, by keyword, as a new calculator would have them; returns those that changed. What it refuses changes nothing."""
        refuse_unknown({name: value for name, value in changes.items() if name not in asdict(self._options)})
        changed = {name: value for name, value in changes.items() if value != getattr(self._options, name)}
        before = dict(vars(self))
        try:
            if changed:
                self.__init__(**{**asdict(self._options), **changed})
        except BaseException:  # an interruption too
            vars(self).clear()
            vars(self).update(before)
            raise
        return changed

    def close(self) -> None:
        """Frees the engine, and ends it if nobody else uses it; may be called twice. A later calculation starts it again."""
        if "_connection" in vars(self):
            self._connection.close()

    def __enter__(self) -> "PainnlessCalculator":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        rest = {name: value for name, value in vars(self).items() if name != "_connection"}
        model = self._connection.model if "_connection" in vars(self) else self._copied_model
        return {**rest, "results": dict(self.results), "_copied_model": model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def _wanted(self, atoms: Atoms, properties: Iterable[str]) -> list[Property]:
        """What to ask for: the stress comes with the forces for next to nothing, so who uses both pays once."""
        wanted: set[Property] = {_WIRE[name] for name in self._known(properties)} or {"energy"}
        if "stress" in wanted and not has_volume(atoms):
            raise PropertyNotImplementedError("stress needs a periodic axis and a cell with a volume")
        self._stress_used = self._stress_used or "stress" in wanted
        if "stress" in wanted or ("forces" in wanted and self._stress_used and has_volume(atoms)):
            wanted |= {"forces", "stress"}
        return list(wanted)

    def _known(self, properties: Iterable[str]) -> list[str]:
        if isinstance(properties, str):
            raise PainnlessError("USAGE", f"properties is {properties!r}, expected a list, [{properties!r}]", "properties")
        names = list(properties)
        for name in names:
            if name not in self.implemented_properties:
                raise PropertyNotImplementedError(
                    f"{name} is not among what {self.side} provides: {', '.join(self.implemented_properties)}"
                )
        return names


def _absolute(model: str | os.PathLike[str]) -> str:
    try:
        return os.path.abspath(os.fsdecode(model))
    except TypeError as exc:  # SpkCalculator takes a model object too
        raise PainnlessError("USAGE", f"model is a {type(model).__name__}, expected the path of a file: save it", "model") from exc


def _connect(options: Options, warn: bool, model: str | None = None) -> Connection:
    """model: sha256 that it must be, of a copy, whose results are that model's."""
    if options.model is None:
        assert options.server is not None
        return Connection(options.server, silence=options.timeout, model=model)
    file, notes = model_file_of(options.model, options.energy_unit)
    for note in notes if warn else ():
        warnings.warn(f"{options.model}: {note}", UserWarning, stacklevel=3)
    if options.server is not None:
        return Connection(options.server, silence=options.timeout, model=model or read_model(file).sha256)
    return Connection(ServerSpec(file, options.side, options.threads), silence=options.timeout, model=model)
