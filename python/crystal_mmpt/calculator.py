"""A calculator for ASE: energies of models that predict an energy per atom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes

from crystal_mmpt.errors import InputError
from crystal_mmpt.models import PathLike, Tuned, predict

_UNIT = "eV/atom"


class EnergyCalculator(Calculator):
    """Energies of crystals by a fine-tuned model of a property in eV/atom.

    ``atoms.get_potential_energy()`` is the predicted energy per atom times the number of atoms, in eV, with
    the zero of the property: a formation energy is one against the elements. There are no forces and no
    stresses: the features of the models are those of Niggli cells with a fixed number of neighbours, which
    do not change smoothly with the positions. What needs them, such as a relaxation, ends with
    ``PropertyNotImplementedError``.

    Args:
        weights: Weights as those of :func:`crystal_mmpt.predict`.
        device: ``cpu``, or a device of :data:`crystal_mmpt.DEVICES`.
        threads: Number of threads; every core unless given.
    """

    implemented_properties = ["energy"]

    def __init__(
        self,
        weights: PathLike | Tuned | Sequence[PathLike | Tuned],
        *,
        device: str = "cpu",
        threads: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._weights = weights
        self._device = device
        self._threads = threads

    def get_property(self, name: str, atoms: Any = None, allow_calculation: bool = True) -> Any:
        """A property by its name; energies alone."""
        if name not in ("energy", "free_energy"):
            message = f"{name}: the model predicts energies per atom, and no forces or stresses"
            raise PropertyNotImplementedError(message)
        return super().get_property("energy", atoms, allow_calculation)

    def calculate(
        self,
        atoms: Any = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Predicts the energy, in eV."""
        super().calculate(atoms, list(properties), system_changes)
        predictions = predict(
            [self.atoms], self._weights, device=self._device, threads=self._threads, progress=False
        )
        row = predictions.table.to_pydict()
        if set(row["unit"]) != {_UNIT} or len(predictions) != 1:
            found = ", ".join(f"{name} in {unit}" for name, unit in zip(row["property"], row["unit"]))
            raise InputError(f"an energy in {_UNIT} is needed, and the weights predict {found}", value=found)
        self.results["energy"] = row["prediction"][0] * len(self.atoms)
