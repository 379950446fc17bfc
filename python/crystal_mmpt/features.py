"""Features of structures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crystal_mmpt import _native
from crystal_mmpt.progress import ProgressOption, watching
from crystal_mmpt.structures import entries
from crystal_mmpt.table import Table


@dataclass(frozen=True)
class Features:
    """Features of crystals, and what was left out.

    Attributes:
        crystals: A row for each crystal, with the columns of a store: lattice vectors of the Niggli cell
            ``[3, 3]`` in Å, fractional positions ``[nsites, 3]``, edges ``[nedges]`` with their distances in
            Å, and so on.
        rejects: A row for each structure that is no crystal, with ``material_id``, ``source_file`` (``list``
            for one in memory), ``record`` (its number from 1), ``line``, ``reason`` (a code) and ``message``.
        notes: The same columns, for remarks about crystals that are kept.
    """

    crystals: Table
    rejects: Table
    notes: Table


def featurise(
    structures: Any,
    *,
    ids: Sequence[str] | None = None,
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
    progress: ProgressOption = None,
) -> Features:
    """Computes the features of structures: Niggli cells, neighbours, labels of direction, distances.

    The rows are those of the store that ``etl build`` makes of the same structures with the same options.
    Structures that are no crystals are rejects and do not end the call.

    Args:
        structures: ``ase.Atoms``, a pymatgen ``Structure``, the text of a CIF or POSCAR, a path of a file,
            folder, archive or table; a list of any of them; or a mapping of identifiers to them.
        ids: Identifiers of the structures in a list; their numbers from 0 unless given. Files are named by
            themselves.
        name: Value of the column ``source``.
        threads: Number of threads; every core unless given. The result does not depend on it.
        neighbours: Number of nearest neighbours of each atom, or ``"all"`` within the cutoff.
        cutoff: Largest length of an edge, in Å.
        ties: ``"shell"`` keeps the whole shell of the last neighbour, ``"cut"`` exactly the number.
        max_sites: Largest number of sites; a larger crystal is a reject.
        min_contact: Smallest distance of two sites as a share of their covalent radii; the ETL's default
            unless given.
        reject_isolated: Whether a crystal with an atom without neighbours is a reject instead of a note.
        min_volume: Smallest volume of a cell, in Å³.
        min_distance: Smallest distance of two atoms, in Å.
        progress: A bar or a function; see :data:`crystal_mmpt.progress.ProgressOption`.

    Raises:
        InputError: An option or a path is at fault.
    """
    bounds = bound_options(max_sites, min_contact, reject_isolated, min_volume, min_distance)
    options = {"neighbours": neighbours, "cutoff": cutoff, "ties": ties, **bounds}
    given = entries(structures, ids)
    with watching(progress, "featurise") as callback:
        crystals, rejects, notes = _native.featurise(given, name, threads, options, callback)
    return Features(Table(crystals), Table(rejects), Table(notes))


def bound_options(
    max_sites: int,
    min_contact: float | str | None,
    reject_isolated: bool,
    min_volume: float,
    min_distance: float,
) -> dict[str, Any]:
    """The limits for single crystals by their names, without those that are not given."""
    options = {
        "max_sites": max_sites,
        "reject_isolated": reject_isolated,
        "min_volume": min_volume,
        "min_distance": min_distance,
    }
    return options if min_contact is None else {**options, "min_contact": min_contact}
