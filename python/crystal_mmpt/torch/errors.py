"""Errors of this package. Each is a `ValueError`."""

from __future__ import annotations

from pathlib import Path


class CrystalError(ValueError):
    """A crystal that has no valid graph.

    Attributes:
        material_id: Identifier of the crystal; `None` if a whole table is at fault.
    """

    def __init__(self, material_id: str | None, reason: str) -> None:
        super().__init__(reason if material_id is None else f"{material_id}: {reason}")
        self.material_id = material_id


class FeatureError(ValueError):
    """Crystals whose features were computed with other settings than those of the model's training set.

    Attributes:
        key: Name of the setting in the metadata of store and weights.
        found: Its value in the store.
        expected: Its value in the weights.
    """

    def __init__(self, key: str, found: str, expected: str) -> None:
        super().__init__(f"the store has {key} = {found}, but the weights need {expected}")
        self.key, self.found, self.expected = key, found, expected


class WeightsError(ValueError):
    """A weights file that is damaged or holds no model of this package.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
