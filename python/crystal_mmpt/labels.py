"""Columns of properties as a file of labels, which the ETL joins by identifier."""

from __future__ import annotations

import csv
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crystal_mmpt.errors import InputError

_ID_COLUMN = "material_id"


@contextmanager
def labels_file(labels: Any, ids: Sequence[str] | None, count: int) -> Iterator[list[Path]]:
    """Gives the files of labels: the one that was given, one that holds the columns, or none."""
    if labels is None:
        yield []
    elif isinstance(labels, (str, os.PathLike)):
        yield [Path(labels)]
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "labels.csv"
            _write(path, _columns(labels), [str(number) for number in range(count)] if ids is None else ids)
            yield [path]


def _columns(labels: Any) -> dict[str, list[Any]]:
    """The columns of a frame or a mapping, by name."""
    if isinstance(labels, Mapping):
        return {str(name): list(values) for name, values in labels.items()}
    if hasattr(labels, "columns"):
        return {str(name): list(labels[name]) for name in labels.columns}
    raise InputError(f"labels: {type(labels).__name__} is neither a file, a frame nor a mapping of columns")


def _write(path: Path, columns: dict[str, list[Any]], ids: Sequence[str]) -> None:
    for name, values in columns.items():
        if len(values) != len(ids):
            raise InputError(
                f"labels: column {name} has {len(values)} values for {len(ids)} structures", value=name
            )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([_ID_COLUMN, *columns])
        for identifier, *row in zip(ids, *columns.values()):
            writer.writerow([str(identifier), *(_cell(value) for value in row)])


def _cell(value: Any) -> str:
    """A value as text; that of a double parses to the same double, and a missing one is empty."""
    if value is None:
        return ""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if isinstance(value, str):
        return value
    if math.isnan(number):
        return ""
    return str(int(value)) if number == int(number) and abs(number) < 2**53 else repr(number)
