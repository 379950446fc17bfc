"""Columns of properties as a file of labels, which the ETL joins by identifier."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy

from crystal_mmpt.errors import InputError

ID_COLUMN = "material_id"


def label_columns(labels: Any) -> dict[str, list[Any]] | None:
    """The columns of a frame or a mapping, by name; ``None`` for a file, and for no labels."""
    if labels is None or isinstance(labels, (str, os.PathLike)):
        return None
    if isinstance(labels, Mapping):
        return {str(name): list(values) for name, values in labels.items()}
    if hasattr(labels, "columns"):
        return {str(name): list(labels[name]) for name in labels.columns}
    raise InputError(f"labels: {type(labels).__name__} is neither a file, a frame nor a mapping of columns")


def in_order(labels: Any, columns: dict[str, list[Any]], ids: Sequence[str]) -> dict[str, list[Any]]:
    """The columns with the identifiers of the structures, whose order is that of the rows.

    Raises:
        InputError: The frame has an index by which its rows belong to other structures.
    """
    index = [] if isinstance(labels, Mapping) else list(getattr(labels, "index", []))
    if index != list(range(len(index))):
        places = {identifier: number for number, identifier in enumerate(ids)}
        for number, key in enumerate(map(str, index)):
            if places.get(key, number) != number:
                raise InputError(
                    f"labels: row {number} has the index {key}, which is structure {places[key]}: reindex the "
                    f"frame, reset its index, or give it a column {ID_COLUMN}",
                    id=key,
                )
    return {ID_COLUMN: list(ids), **columns}


@contextmanager
def labels_file(labels: Any, columns: dict[str, list[Any]] | None) -> Iterator[list[Path]]:
    """Gives the files of labels: the one that was given, one that holds the columns, or none."""
    if columns is None:
        yield [] if labels is None else [Path(labels)]
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        _write(path, columns)
        try:
            yield [path]
        except InputError as error:
            if str(path) not in str(error):
                raise
            # Nobody has seen that file.
            message = str(error).replace(str(path), "labels")
            raise InputError(message, id=error.id, line=error.line, value=error.value) from None


def _write(path: Path, columns: dict[str, list[Any]]) -> None:
    ids = columns[ID_COLUMN]
    for name, values in columns.items():
        if len(values) != len(ids):
            message = f"labels: column {name} has {len(values)} values for {len(ids)} structures"
            raise InputError(message, value=name)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for identifier, row in zip(ids, zip(*columns.values())):
            writer.writerow([_cell(name, identifier, value) for name, value in zip(columns, row)])


def _cell(name: str, identifier: Any, value: Any) -> str:
    """A value of a column as text; that of a double parses to the same double, and a missing one is empty.

    Raises:
        InputError: A number is infinite, or one of a list is missing: no table of labels can hold it.
    """
    value = _plain(value)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        _require_whole(name, identifier, value)
        return json.dumps(value, default=_number_or_text)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)
    if math.isinf(number):
        message = f"labels: column {name} of {identifier} is {number}"
        raise InputError(message, id=str(identifier), value=str(number))
    if math.isnan(number):
        return ""
    return str(int(value)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def _plain(value: Any) -> Any:
    """Python's own value, with lists nested in lists, in the place of a scalar or an array of NumPy, pandas,
    polars, pyarrow or PyTorch; other values as they are."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, numpy.generic):
        plain = value.item()
        # Python has no type for a long double.
        return float(plain) if isinstance(plain, numpy.floating) else plain
    for name in ("tolist", "to_list", "to_pylist", "as_py"):
        convert = getattr(value, name, None)
        if callable(convert):
            return _plain(convert())
    return value


def _require_whole(name: str, identifier: Any, values: list[Any]) -> None:
    """Refuses lists with a number that is missing or not finite."""
    for number, value in enumerate(values):
        if isinstance(value, list):
            _require_whole(name, identifier, value)
            continue
        # Nobody knows whether pandas' NA is equal to anything.
        is_missing = value is None or type(value).__name__ == "NAType"
        if is_missing or (isinstance(value, float) and not math.isfinite(value)):
            message = f"labels: column {name} of {identifier}: item {number} of the list is {value}"
            hint = "a list has a number of every site, and a crystal without them has None in its place"
            raise InputError(f"{message}; {hint}", id=str(identifier), value=str(value))


def _number_or_text(value: Any) -> float | str:
    """A value in a list that JSON does not know."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
