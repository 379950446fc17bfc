"""Structures of other libraries, texts and paths as entries of the native module."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy

from crystal_mmpt import _native
from crystal_mmpt.errors import InputError

_POSCAR_NAMES = ("poscar", "contcar")
_POSCAR_ENDINGS = (".vasp", ".poscar")
_CIF_ENDINGS = (".cif", ".mcif")


def entries(structures: Any, ids: Sequence[str] | None = None) -> _native.Entries:
    """Entries of structures, in order.

    ``structures`` is one structure or an iterable of them; a mapping, such as a dictionary or a pandas
    ``Series``, gives their identifiers as its keys. Otherwise structures in memory are named by ``ids``, or
    by their number from 0, and files by themselves.
    """
    found = _native.Entries()
    named, items = _named(structures)
    if ids is not None:
        ids = [str(identifier) for identifier in ids]
        items = list(items)
        if named or len(ids) != len(items):
            what = "a mapping has identifiers" if named else f"{len(ids)} for {len(items)} structures"
            raise InputError(f"ids: {what}")
        items = zip(ids, (item for _, item in items))
        named = True
    for number, (identifier, structure) in enumerate(items):
        _append(found, str(number) if identifier is None else str(identifier), structure, named)
    return found


def is_one(structures: Any) -> bool:
    """Whether this is a single structure and no collection of them."""
    is_text = isinstance(structures, (str, bytes, os.PathLike))
    return is_text or _is_atoms(structures) or _is_structure(structures)


def _named(structures: Any) -> tuple[bool, Iterable[tuple[Any, Any]]]:
    """Whether the structures have identifiers, and the pairs of identifier and structure."""
    if is_one(structures):
        return False, [(None, structures)]
    if hasattr(structures, "items"):
        return True, structures.items()
    if not isinstance(structures, Iterable):
        raise InputError(f"{type(structures).__name__} is no structure, and no list of them")
    return False, _unnamed(structures)


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
    found.cell(identifier, lattice, [bool(flag) for flag in atoms.pbc], numbers, positions, True)


def _append_structure(found: _native.Entries, identifier: str, structure: Any) -> None:
    numbers = _atomic_numbers(structure)
    if numbers is None:
        # Partial occupancies and dummies are refused as the ETL refuses them in a file.
        import json

        text = json.dumps(structure.as_dict(), default=str)
        found.text(identifier, "pymatgen", text.encode())
        return
    lattice = numpy.asarray(structure.lattice.matrix, dtype=numpy.float64)
    positions = numpy.asarray(structure.frac_coords, dtype=numpy.float64).reshape(-1, 3)
    periodic = [bool(flag) for flag in structure.lattice.pbc]
    found.cell(identifier, lattice, periodic, numbers, positions, False)


def _atomic_numbers(structure: Any) -> numpy.ndarray | None:
    """Atomic numbers of the sites, or ``None`` if a site is no single element."""
    try:
        return numpy.array([site.specie.Z for site in structure], dtype=numpy.int64)
    except (AttributeError, TypeError, ValueError):
        return None


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
