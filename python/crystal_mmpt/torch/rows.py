"""Rows of a store as flat arrays.

Column names, units and shapes are those of the stores that `etl` writes; the lists of a row's edges are parallel.
Letters in shapes: B crystals, N atoms, E edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .errors import CrystalError

Integers: TypeAlias = npt.NDArray[np.int64]
Doubles: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = Any
"""The path of a shard (`*.parquet`), a pyarrow table or record batch, any object that exports an Arrow stream, or a
sequence of mappings from the names of a store's columns to the values of a row.

The settings of the features are in the metadata of a shard. `pyarrow.parquet.ParquetFile(path).read()` keeps them,
`pyarrow.parquet.read_table` does not."""

LAST_ATOMIC_NUMBER = 118
FEATURE_PREFIX = "mmpt."
"""Prefix of the keys of the settings of the features in the metadata of a table."""

_LATTICE_PARAMETERS = ("a", "b", "c", "alpha", "beta", "gamma")
_IMAGES = ("edge_k1", "edge_k2", "edge_k3")
_COLUMNS = (
    *("material_id", *_LATTICE_PARAMETERS, "lattice_vectors", "atomic_numbers", "fractional_site_positions"),
    *("edge_source", "edge_target", *_IMAGES),
)
"""The columns that are read."""
_Column: TypeAlias = "tuple[npt.NDArray[Any], Integers]"


@dataclass(frozen=True)
class Crystals:
    """B crystals with N atoms and E edges, concatenated. The edges are those of the store."""

    material_ids: tuple[str, ...]
    """Identifiers, `[B]`."""
    atom_counts: Integers
    """Number of atoms of every crystal, `[B]`."""
    atomic_numbers: Integers
    """Atomic number of every atom, `[N]`."""
    positions: Doubles
    """Fractional coordinates, wrapped into the cell, `[N, 3]`."""
    lattices: Doubles
    """Lattice vectors l1, l2, l3 as rows, in Å, `[B, 3, 3]`."""
    lattice_parameters: Doubles
    """a, b, c in Å and α, β, γ in degrees, `[B, 6]`."""
    source: Integers
    """Index of the neighbour j among all atoms, `[E]`."""
    target: Integers
    """Index of the centre i among all atoms, ascending, `[E]`."""
    images: Integers
    """Cell k of the neighbour, `[E, 3]`."""
    features: Mapping[str, str]
    """Settings of the features; empty for rows without metadata."""

    @property
    def crystal_of_atom(self) -> Integers:
        """Index of the crystal of every atom, `[N]`."""
        return np.repeat(np.arange(len(self.atom_counts)), self.atom_counts)

    def refuse_atom(self, atom: int, reason: str) -> CrystalError:
        """The error for an atom, by its index among all."""
        crystal = int(self.crystal_of_atom[atom])
        site = atom - int(self.atom_counts[:crystal].sum())
        return CrystalError(self.material_ids[crystal], f"site {site}: {reason}")

    def refuse_edge(self, edge: int, reason: str) -> CrystalError:
        """The error for an edge, by its index among all."""
        crystal = int(self.crystal_of_atom[self.target[edge]])
        first = np.searchsorted(self.target, self.atom_counts[:crystal].sum())
        return CrystalError(self.material_ids[crystal], f"edge {edge - first}: {reason}")


def read(rows: Rows) -> Crystals:
    """Reads and checks rows of a store.

    Raises:
        CrystalError: For a missing column, lists of different lengths, an index, atomic number or number out of range,
            or edges that are not sorted by their targets.
    """
    if isinstance(rows, (str, PathLike)):
        from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped]  # noqa: PLC0415  needed for this alone

        with ParquetFile(rows) as shard:
            rows = shard.read(columns=[name for name in _COLUMNS if name in shard.schema_arrow.names])
    if isinstance(rows, Mapping):
        raise TypeError("rows must be a table or a sequence of rows, not a single row")
    if isinstance(rows, Sequence):
        return _crystals(_from_mappings(rows), {})
    if not hasattr(rows, "schema") or not hasattr(rows, "column"):
        import pyarrow  # type: ignore[import-untyped]  # noqa: PLC0415  needed for these alone

        rows = pyarrow.table(rows)
    metadata = {key.decode(): value.decode() for key, value in (rows.schema.metadata or {}).items()}
    features = {key: value for key, value in metadata.items() if key.startswith(FEATURE_PREFIX)}
    return _crystals(_from_arrow(rows), features)


def _from_arrow(table: Any) -> Callable[[str], _Column]:
    """Reader of a column of an Arrow table: its values and how many of them every row has."""

    def column(name: str) -> _Column:
        if name not in table.schema.names:
            raise CrystalError(None, f"the table has no column {name}")
        array = table.column(name)
        if hasattr(array, "combine_chunks"):
            array = array.combine_chunks()
        if array.null_count:
            raise CrystalError(None, f"the column {name} has nulls")
        ones = np.ones(len(array), dtype=np.int64)
        if hasattr(array, "flatten") and hasattr(array.type, "value_type"):
            is_fixed = hasattr(array.type, "list_size")
            counts = ones * array.type.list_size if is_fixed else array.value_lengths().to_numpy().astype(np.int64)
            return array.flatten().to_numpy(zero_copy_only=False), counts
        if name == "material_id":
            # There are several types of texts, and not all become arrays.
            return np.array(array.to_pylist(), dtype=object), ones
        return array.to_numpy(zero_copy_only=False), ones

    return column


def _from_mappings(rows: Sequence[Mapping[str, Any]]) -> Callable[[str], _Column]:
    """Reader of a column of a sequence of mappings, as `_from_arrow`."""

    def column(name: str) -> _Column:
        for number, row in enumerate(rows):
            if name not in row:
                raise CrystalError(None, f"row {number} has no column {name}")
        values = [np.asarray(row[name]).reshape(-1) for row in rows]
        counts = np.array([len(value) for value in values], dtype=np.int64)
        return (np.concatenate(values) if values else np.zeros(0)), counts

    return column


def _crystals(column: Callable[[str], _Column], features: Mapping[str, str]) -> Crystals:
    identifiers = tuple(str(identifier) for identifier in column("material_id")[0])

    def flat(name: str, dtype: type[Any], counts: Integers) -> npt.NDArray[Any]:
        """A column with this number of values in every row."""
        values, found = column(name)
        wrong = np.flatnonzero(found != counts)
        if len(wrong):
            row = wrong[0]
            raise CrystalError(identifiers[row], f"{name} has {found[row]} values, not {counts[row]}")
        if dtype is np.int64 and values.dtype.kind == "f":
            for place in np.flatnonzero(values != np.trunc(values))[:1]:
                row = int(np.searchsorted(np.cumsum(counts), place, side="right"))
                raise CrystalError(identifiers[row], f"{name} has {values[place]}, which is no whole number")
        return np.ascontiguousarray(values, dtype=dtype)

    ones = np.ones(len(identifiers), dtype=np.int64)
    atom_counts = column("atomic_numbers")[1]
    edge_counts = column("edge_target")[1]
    first_atom = np.cumsum(atom_counts) - atom_counts
    parameters = [flat(name, np.float64, ones) for name in _LATTICE_PARAMETERS]
    ends = {name: flat(name, np.int64, edge_counts) for name in ("edge_source", "edge_target", *_IMAGES)}
    for name in ("edge_source", "edge_target"):
        wrong = np.flatnonzero((ends[name] < 0) | (ends[name] >= np.repeat(atom_counts, edge_counts)))
        if len(wrong):
            crystal = int(np.searchsorted(np.cumsum(edge_counts), wrong[0], side="right"))
            reason = f"{name} = {ends[name][wrong[0]]}, but there are {atom_counts[crystal]} sites"
            raise CrystalError(identifiers[crystal], reason)
    shift = np.repeat(first_atom, edge_counts)
    crystals = Crystals(
        material_ids=identifiers,
        atom_counts=atom_counts,
        atomic_numbers=flat("atomic_numbers", np.int64, atom_counts),
        positions=flat("fractional_site_positions", np.float64, 3 * atom_counts).reshape(-1, 3),
        lattices=flat("lattice_vectors", np.float64, 9 * ones).reshape(-1, 3, 3),
        lattice_parameters=np.stack(parameters, axis=1),
        source=ends["edge_source"] + shift,
        target=ends["edge_target"] + shift,
        images=np.stack([ends[name] for name in _IMAGES], axis=1),
        features=features,
    )
    _check(crystals)
    return crystals


def _check(crystals: Crystals) -> None:
    """Refuses values that no crystal has."""
    for crystal in np.flatnonzero(crystals.atom_counts == 0)[:1]:
        raise CrystalError(crystals.material_ids[crystal], "has no atoms")
    numbers = crystals.atomic_numbers
    for atom in np.flatnonzero((numbers < 1) | (numbers > LAST_ATOMIC_NUMBER))[:1]:
        raise crystals.refuse_atom(int(atom), f"atomic number {numbers[atom]} is not 1 to {LAST_ATOMIC_NUMBER}")
    for atom in np.flatnonzero(~np.isfinite(crystals.positions).all(axis=1))[:1]:
        raise crystals.refuse_atom(int(atom), f"position {crystals.positions[atom].tolist()} is not finite")
    is_finite = np.isfinite(crystals.lattices).all(axis=(1, 2)) & np.isfinite(crystals.lattice_parameters).all(axis=1)
    for crystal in np.flatnonzero(~is_finite)[:1]:
        raise CrystalError(crystals.material_ids[crystal], "the lattice is not finite")
    for edge in np.flatnonzero(np.diff(crystals.target) < 0)[:1]:
        raise crystals.refuse_edge(int(edge) + 1, "its target is below that of the edge before")
