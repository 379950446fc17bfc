"""The compiled module. What users call is in the package around it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Optional

import numpy
from numpy.typing import NDArray

VERSION: str
DEVICES: str

_Progress = Optional[Callable[[int, Optional[int], str], object]]

class Entries:
    def __init__(self) -> None: ...
    def path(self, path: str | Path) -> None: ...
    def text(self, material_id: str, format: str, text: bytes) -> None: ...
    def cell(
        self,
        material_id: str,
        lattice: NDArray[numpy.float64],
        periodic: list[bool],
        atomic_numbers: NDArray[numpy.int64],
        positions: NDArray[numpy.float64],
        is_cartesian: bool,
    ) -> None: ...
    def __len__(self) -> int: ...

class Table:
    @property
    def column_names(self) -> list[str]: ...
    def to_pydict(self) -> dict[str, list[Any]]: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...
    def __arrow_c_schema__(self) -> Any: ...
    def __len__(self) -> int: ...

class Cells(Iterator[tuple[str, NDArray[numpy.float64], NDArray[numpy.uint8], NDArray[numpy.float64]]]):
    def __next__(
        self,
    ) -> tuple[str, NDArray[numpy.float64], NDArray[numpy.uint8], NDArray[numpy.float64]]: ...

class StoreTable:
    @property
    def column_names(self) -> list[str]: ...
    def read(self) -> Table: ...
    def cells(self) -> Cells: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...
    def __arrow_c_schema__(self) -> Any: ...

class Batches(Iterator[dict[str, Any]]):
    def __next__(self) -> dict[str, Any]: ...

class Store:
    def __init__(self, path: Path) -> None: ...
    def columns(self) -> str: ...
    def manifest(self) -> str: ...
    def rejects(self) -> Table: ...
    def table(self, columns: list[str] | None, filters: list[str]) -> StoreTable: ...
    def batches(self, options: dict[str, Any]) -> Batches: ...
    def __len__(self) -> int: ...

def featurise(
    entries: Entries, name: str | None, threads: int | None, options: dict[str, Any], progress: _Progress
) -> tuple[Table, Table, Table]: ...
def build(
    entries: Entries,
    store: Path,
    labels: list[Path],
    name: str | None,
    threads: int | None,
    force: bool,
    options: dict[str, Any],
    progress: _Progress,
) -> str: ...
def predict(
    entries: Entries,
    weights: list[Path],
    out: Path,
    overwrite: bool,
    device: str,
    threads: int | None,
    batch: int,
    batch_triplets: int,
    options: dict[str, Any],
    progress: _Progress,
) -> str: ...
def embed(
    shards: list[str],
    entries: Entries | None,
    weights: Path,
    out: Path,
    overwrite: bool,
    per_atom: bool,
    device: str,
    threads: int | None,
    batch: int,
    batch_triplets: int | None,
    progress: _Progress,
) -> tuple[bool, Table | None]: ...
def finetune(options: dict[str, Any], progress: _Progress) -> str: ...
def evaluate(
    folder: Path, out: Path | None, on_validation: bool, shards: list[str], device: str, threads: int | None
) -> str: ...
def read_table(path: str | Path) -> Table: ...
