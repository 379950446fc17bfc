"""Structures of other libraries, texts and paths as entries of the native module."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from crystal_mmpt import _native
from crystal_mmpt.errors import InputError

_POSCAR_NAMES = ("poscar", "contcar")
_POSCAR_ENDINGS = (".vasp", ".poscar")
_CIF_ENDINGS = (".cif", ".mcif")


def entries(structures: Any, ids: Sequence[Any] | None = None) -> _native.Entries:
    """Entries of structures, in order.

    ``structures`` is one structure or an iterable of them; a mapping, such as a dictionary or a pandas
    ``Series``, gives their identifiers as its keys. Otherwise structures in memory are named by ``ids``, or
    by their number from 0, and files by themselves.
    """
    found = _native.Entries()
    named, pairs = _named(structures, ids)
    for number, (key, structure) in enumerate(pairs):
        _append(found, _identifier(key, number) if named else str(number), structure, named)
    return found


def identified(structures: Any, ids: Sequence[Any] | None) -> tuple[list[str], list[Any]]:
    """Identifiers and structures, where every structure has one: also a file is named by its number then,
    unless ``ids`` or the keys of a mapping name it."""
    named, pairs = _named(structures, ids)
    pairs = list(pairs)
    names = [_identifier(key, number) if named else str(number) for number, (key, _) in enumerate(pairs)]
    return names, [structure for _, structure in pairs]


def is_one(structures: Any) -> bool:
    """Whether this is a single structure and no collection of them."""
    is_text = isinstance(structures, (str, bytes, os.PathLike))
    return is_text or _is_atoms(structures) or _is_structure(structures)


def _named(structures: Any, ids: Sequence[Any] | None) -> tuple[bool, Iterable[tuple[Any, Any]]]:
    """Whether the structures have identifiers, and the pairs of identifier and structure."""
    named, pairs = False, _unnamed([structures])
    if hasattr(structures, "items") and not is_one(structures):
        named, pairs = True, structures.items()
    elif not is_one(structures):
        if not isinstance(structures, Iterable):
            raise InputError(f"{type(structures).__name__} is no structure, and no list of them")
        pairs = _unnamed(structures)
    if ids is None:
        return named, pairs
    keys, items = list(ids), [structure for _, structure in pairs]
    if named or len(keys) != len(items):
        what = "a mapping has identifiers" if named else f"{len(keys)} for {len(items)} structures"
        raise InputError(f"ids: {what}")
    return True, zip(keys, items)


def _identifier(key: Any, number: int) -> str:
    """The text of an identifier, which is neither ``None``, NaN nor pandas' ``NA``."""
    # NaN is not equal to itself, and nobody knows whether NA is.
    if key is None or str(key) == "<NA>" or key != key:
        raise InputError(f"structure {number} has no identifier: {key}", value=str(key))
    return str(key)


def _unnamed(structures: Iterable[Any]) -> Iterator[tuple[None, Any]]:
    for structure in structures:
        yield None, structure


def _append(found: _native.Entries, identifier: str, structure: Any, named: bool) -> None:
    if isinstance(structure, bytes):
        found.text(identifier, _format_of(structure.decode("latin-1")), structure)
    elif isinstance(structure, str) and "\n" in structure:
        found.text(identifier, _format_of(structure), structure.encode())
    elif isinstance(structure, (str, os.PathLike)):
        path = Path(structure)
        if named:
            found.text(identifier, _format_of_name(path), _bytes_of(path))
        else:
            found.path(path)
    elif _is_atoms(structure):
        _append_atoms(found, identifier, structure)
    elif _is_structure(structure):
        _append_structure(found, identifier, structure)
    else:
        kind = type(structure).__name__
        wanted = "neither ase.Atoms, a pymatgen Structure, a text nor a path"
        message = f"structure {identifier}: {kind} is {wanted}"
        raise InputError(message, id=identifier, value=kind)


def _is_atoms(structure: Any) -> bool:
    return (
        hasattr(structure, "get_atomic_numbers") and hasattr(structure, "cell") and hasattr(structure, "pbc")
    )


def _is_structure(structure: Any) -> bool:
    return hasattr(structure, "lattice") and hasattr(structure, "frac_coords")


def _append_atoms(found: _native.Entries, identifier: str, atoms: Any) -> None:
    lattice = numpy.asarray(atoms.cell[:], dtype=numpy.float64)
    numbers = numpy.asarray(atoms.numbers, dtype=numpy.int64)
    positions = numpy.asarray(atoms.positions, dtype=numpy.float64)
    periodic = [bool(flag) for flag in atoms.pbc]
    species = _partial_species(atoms)
    if species is None or atoms.cell.rank < 3:
        found.cell(identifier, lattice, periodic, numbers, positions, True)
        return
    sites = [
        {"species": [{"element": symbol, "occu": share} for symbol, share in shares.items()], "abc": place}
        for shares, place in zip(species, atoms.get_scaled_positions(wrap=False).tolist())
    ]
    document = {"lattice": {"matrix": lattice.tolist(), "pbc": periodic}, "sites": sites}
    _append_document(found, identifier, document)


def _partial_species(atoms: Any) -> list[dict[str, float]] | None:
    """Occupancies of every site by element, which ``ase.io.read`` keeps beside the most frequent element of
    each; ``None`` if every site is one atom."""
    by_kind = getattr(atoms, "info", {}).get("occupancy")
    if not isinstance(by_kind, Mapping) or not all(isinstance(one, Mapping) for one in by_kind.values()):
        return None
    shares = {str(kind): dict(one) for kind, one in by_kind.items()}
    partial = [one for one in shares.values() if list(one.values()) != [1.0]]
    if not partial:
        return None
    kinds = atoms.arrays.get("spacegroup_kinds")
    if kinds is None:
        # It may be any site.
        return [partial[0]] * len(atoms)
    whole = [{symbol: 1.0} for symbol in atoms.get_chemical_symbols()]
    species = [shares.get(str(kind), one) for kind, one in zip(kinds, whole)]
    return species if any(one in partial for one in species) else None


def _append_structure(found: _native.Entries, identifier: str, structure: Any) -> None:
    numbers = _atomic_numbers(structure)
    if numbers is None:
        _append_document(found, identifier, structure.as_dict())
        return
    lattice = numpy.asarray(structure.lattice.matrix, dtype=numpy.float64)
    positions = numpy.asarray(structure.frac_coords, dtype=numpy.float64).reshape(-1, 3)
    periodic = [bool(flag) for flag in structure.lattice.pbc]
    found.cell(identifier, lattice, periodic, numbers, positions, False)


def _append_document(found: _native.Entries, identifier: str, document: dict[str, Any]) -> None:
    """Appends pymatgen's JSON: partial occupancies and dummies are refused as the ETL refuses them in a file."""
    found.text(identifier, "pymatgen", json.dumps(document, default=str).encode())


def _atomic_numbers(structure: Any) -> numpy.ndarray | None:
    """Atomic numbers of the sites, or ``None`` if a site is no single element."""
    try:
        species = [site.specie for site in structure]
    except AttributeError:
        return None
    # A dummy has the hash of its name in the place of a number.
    if any(type(one).__name__.startswith("Dummy") for one in species):
        return None
    return numpy.array([one.Z for one in species], dtype=numpy.int64)


def _format_of(text: str) -> str:
    """Format of a text: CIFs begin their blocks with ``data_``, POSCARs do not."""
    lines = (line.lstrip("\ufeff \t").lower() for line in text.splitlines())
    return "cif" if any(line.startswith("data_") for line in lines) else "poscar"


def _format_of_name(path: Path) -> str:
    name = path.name.lower()
    if name.endswith(_CIF_ENDINGS):
        return "cif"
    if name.startswith(_POSCAR_NAMES) or name.endswith(_POSCAR_ENDINGS):
        return "poscar"
    message = f"{path}: neither a CIF nor a POSCAR by its name; only such files can be given identifiers"
    raise InputError(message, file=str(path))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", file=str(path)) from error
