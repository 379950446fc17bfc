"""Feature stores."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystal_mmpt import _native
from crystal_mmpt.features import bound_options
from crystal_mmpt.labels import ID_COLUMN, in_order, label_columns, labels_file
from crystal_mmpt.progress import ProgressOption, watching
from crystal_mmpt.structures import entries, identified
from crystal_mmpt.table import Table

if TYPE_CHECKING:
    import ase
    import pandas
    import polars
    import pyarrow
    from pymatgen.core import Structure

    from crystal_mmpt.loader import StoreBatches

DEFAULT_BATCH_CRYSTALS = 64
"""Most crystals in a batch, unless another number is given."""
DEFAULT_SHUFFLE_BUFFER = 8192
"""Crystals among which the next one of a shuffled epoch is drawn."""


@dataclass(frozen=True)
class Column:
    """A column of a store.

    Attributes:
        name: Name.
        type: ``text``, ``double``, ``int8``, and ``[double]`` for a list.
        unit: Unit; empty for a column without one, ``1`` for pure numbers.
        shape: Shape of a list, such as ``[nedges]``; empty for a single value.
        description: Meaning.
    """

    name: str
    type: str
    unit: str
    shape: str
    description: str


class Store:
    """A finished feature store. :func:`open_store` opens one.

    Filters are expressions of ``etl build --filter``, such as ``"nsites <= 20 AND elements HAS O"``; a
    crystal must pass all of them.

    Attributes:
        path: Its folder.
        built: Of a store that :func:`build_store` has just made: ``counts`` of entries by outcome,
            ``unmatched_labels`` (rows of labels without a crystal), ``first_unmatched`` of their
            identifiers, and ``notes``. ``None`` otherwise.
    """

    built: dict[str, Any] | None = None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._native = _native.Store(self.path)

    @property
    def columns(self) -> dict[str, Column]:
        """The columns by name, in order, with units, shapes and descriptions."""
        return {column["name"]: Column(**column) for column in json.loads(self._native.columns())}

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest: source, settings of the features, counts, files and their hashes."""
        return json.loads(self._native.manifest())

    @property
    def rejects(self) -> Table:
        """A row for each entry that is no crystal, with the columns of
        :attr:`crystal_mmpt.Features.rejects`."""
        return Table(self._native.rejects())

    def __len__(self) -> int:
        """Number of crystals."""
        return len(self._native)

    def __repr__(self) -> str:
        return f"<Store {self.path}: {len(self)} crystals>"

    def stream(
        self, columns: Sequence[str] | None = None, filters: str | Sequence[str] = ()
    ) -> _native.StoreTable:
        """The rows as an Arrow stream (``__arrow_c_stream__``) that reads the shards as it is asked: for
        stores that are larger than the memory, as by ``pyarrow.RecordBatchReader.from_stream``."""
        names = None if columns is None else list(columns)
        return self._native.table(names, [filters] if isinstance(filters, str) else list(filters))

    def table(self, columns: Sequence[str] | None = None, filters: str | Sequence[str] = ()) -> Table:
        """The rows in memory.

        Args:
            columns: Names of the columns; all unless given.
            filters: Expressions that every row passes.
        """
        return Table(self.stream(columns, filters).read())

    def to_pyarrow(
        self, columns: Sequence[str] | None = None, filters: str | Sequence[str] = ()
    ) -> pyarrow.Table:
        """The rows as a table of pyarrow; see :meth:`table`."""
        return self.table(columns, filters).to_pyarrow()

    def to_pandas(
        self, columns: Sequence[str] | None = None, filters: str | Sequence[str] = ()
    ) -> pandas.DataFrame:
        """The rows as a frame of pandas; see :meth:`table`."""
        return self.table(columns, filters).to_pandas()

    def to_polars(
        self, columns: Sequence[str] | None = None, filters: str | Sequence[str] = ()
    ) -> polars.DataFrame:
        """The rows as a frame of polars; see :meth:`table`."""
        return self.table(columns, filters).to_polars()

    def to_ase(self, filters: str | Sequence[str] = ()) -> Iterator[ase.Atoms]:
        """The crystals as ``ase.Atoms``, one after another: the Niggli cells in Å,
        ``info["material_id"]``."""
        from ase import Atoms

        for identifier, lattice, numbers, fractional in self._cells(filters):
            yield Atoms(
                numbers=numbers,
                scaled_positions=fractional,
                cell=lattice,
                pbc=True,
                info={"material_id": identifier},
            )

    def to_pymatgen(self, filters: str | Sequence[str] = ()) -> Iterator[Structure]:
        """The crystals as pymatgen's ``Structure``, one after another: the Niggli cells in Å,
        ``properties["material_id"]``."""
        from pymatgen.core import Element, Structure

        for identifier, lattice, numbers, fractional in self._cells(filters):
            species = [Element.from_Z(int(number)) for number in numbers]
            yield Structure(lattice, species, fractional, properties={"material_id": identifier})

    def _cells(self, filters: str | Sequence[str]) -> _native.Cells:
        # Those by which the native module checks the rows.
        names = ["material_id", "nsites", "lattice_vectors", "a", "b", "c", "alpha", "beta", "gamma"]
        names += ["atomic_numbers", "fractional_site_positions"]
        return self.stream(names, filters).cells()

    def to_torch(
        self,
        batch: int = DEFAULT_BATCH_CRYSTALS,
        *,
        triplets: bool | int = False,
        properties: str | Sequence[str] = (),
        split: str | None = None,
        split_column: str = "split",
        shuffle: bool | int = False,
        seed: int = 0,
        drop_last: bool = False,
        workers: int = 1,
    ) -> StoreBatches:
        """Batches of graphs for PyTorch: an ``IterableDataset`` of dictionaries.

        The batches are built by threads, ahead of the model, and the tensors take over their memory.
        Iterating again is the next epoch, with another order if shuffled. In a ``DataLoader``, give
        ``batch_size=None`` and leave ``num_workers`` at 0: its processes could not count the epochs.

        A batch of B crystals with N atoms, E edges and T triplets has, by name: ``atomic_numbers`` ``[N]``,
        ``crystal_of_atom`` ``[N]``, ``fractional`` ``[N, 3]``, ``centre_distances`` ``[N]`` in Å,
        ``lattice_vectors`` ``[B, 3, 3]`` as rows in Å, ``lattice_parameters`` ``[B, 6]`` in Å and degrees,
        ``edge_index`` ``[2, E]`` (neighbour, centre; ascending centres), ``distances`` ``[E]`` and
        ``vectors`` ``[E, 3]`` from the centre to the neighbour in Å, ``images`` ``[E, 3]`` of the
        neighbours' cells, ``directions`` ``[E]`` from 0 to 26, ``same_cell`` ``[E]``, ``properties`` by
        column ``[B]`` with NaN for a missing value, and ``material_ids``, a list of B texts. With triplets:
        ``triplets`` ``[2, T]`` (edge kj, edge ji) and ``cosines`` ``[T]`` of the angle at j between the
        edges' directions (specification, section 2.5).

        Args:
            batch: Most crystals in a batch.
            triplets: Whether the batches have triplets; a number is the most of them in a batch.
            properties: Property columns.
            split: A part, ``train``, ``val`` or ``test``; all crystals unless given.
            split_column: The column of the parts.
            shuffle: Whether to draw the crystals in another order in each epoch; a number is that of the
                crystals among which the next one is drawn.
            seed: Seed of the order.
            drop_last: Whether to leave out a last batch with fewer crystals.
            workers: Threads that build batches.
        """
        from crystal_mmpt.loader import StoreBatches

        options = {
            "batch": batch,
            "has_triplets": bool(triplets),
            "most_triplets": None if isinstance(triplets, bool) else triplets,
            "properties": [properties] if isinstance(properties, str) else list(properties),
            "split": None if split is None else (split_column, split),
            "shuffle_buffer": DEFAULT_SHUFFLE_BUFFER if shuffle is True else shuffle or None,
            "seed": seed,
            "drop_last": drop_last,
            "workers": workers,
        }
        return StoreBatches(self._native, options)


def open_store(path: str | os.PathLike[str]) -> Store:
    """Opens a finished store, and checks its shards against their hashes.

    :attr:`Store.columns` describes its columns: identifier, formula and elements, Niggli cell, sites, edges,
    split and fold; ``immutable_id``, ``chemical_formula_anonymous``, ``elements_ratios``,
    ``species_at_sites``, ``dimension_types`` and ``nperiodic_dimensions`` of OPTIMADE;
    ``space_group_number``, empty unless the store was built with ``etl build --space-groups``;
    ``structure_hash``, which equal crystals share whatever their cell; and the properties. Stores of the
    format versions 1 and 2 are read as well, and lack the columns from ``immutable_id`` to
    ``structure_hash``.

    Raises:
        InputError: It is not there, unfinished, damaged, or of another version.
    """
    return Store(path)


def build_store(
    structures: Any,
    path: str | os.PathLike[str],
    *,
    ids: Sequence[str] | None = None,
    labels: Any = None,
    name: str | None = None,
    threads: int | None = None,
    neighbours: int | str = 12,
    cutoff: float = 8.0,
    ties: str = "shell",
    max_sites: int = 10_000,
    min_contact: float | str | None = None,
    reject_isolated: bool = False,
    min_volume: float = 0.0,
    min_distance: float = 0.0,
    force: bool = False,
    progress: ProgressOption = None,
) -> Store:
    """Builds a store of structures and their properties, as ``etl build`` does.

    Args:
        structures: As those of :func:`crystal_mmpt.featurise`.
        path: Folder of the store.
        ids: Identifiers of the structures in a list; their numbers from 0 unless given.
        labels: A file of labels; or columns of properties: a frame of pandas or polars, or a mapping of
            names to values. Columns with ``material_id`` are joined by it, as a file is; others are in the
            order of the structures, and files among these are named by their numbers then, too, unless
            ``ids`` or keys name them. Names such as ``band_gap_ev`` are documented columns. Lists and arrays hold
            a number of every site, in the order of the sites, and ``None`` is a missing value.
        name: Value of the column ``source`` and first part of the shards' names.
        threads: Number of threads; every core unless given.
        neighbours: As those of :func:`crystal_mmpt.featurise`, and so are the options up to
            ``min_distance``.
        force: Whether to replace a finished store.
        progress: A bar or a function.

    Raises:
        InputError: A structure, a label or an option is at fault, or there is a store of other structures,
            labels or options already. That of the same ones stays as it is.
    """
    bounds = bound_options(max_sites, min_contact, reject_isolated, min_volume, min_distance)
    options = {"neighbours": neighbours, "cutoff": cutoff, "ties": ties, **bounds}
    columns = label_columns(labels)
    if columns is not None and ID_COLUMN not in columns:
        ids, structures = identified(structures, ids)
        columns = in_order(labels, columns, ids)
    given = entries(structures, ids)
    with labels_file(labels, columns) as files, watching(progress, "build") as callback:
        summary = _native.build(given, Path(path), files, name, threads, force, options, callback)
    store = Store(path)
    store.built = json.loads(summary)
    return store
