"""Tables of Arrow data, which other libraries take without a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crystal_mmpt import _native

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Table:
    """A table of Arrow data.

    It has the Arrow PyCapsule interface, so that ``pyarrow.table(t)``, ``polars.DataFrame(t)``,
    ``pandas.DataFrame.from_arrow(t)`` and DuckDB (``duckdb.sql("from t")``) take it as it is. Buffers of
    numbers are shared.
    """

    def __init__(self, stream: _native.Table) -> None:
        self._stream = stream

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return self._stream.column_names

    def to_pyarrow(self) -> pyarrow.Table:
        """The table of pyarrow, which shares the buffers."""
        import pyarrow

        return pyarrow.table(self)

    def to_polars(self) -> polars.DataFrame:
        """The frame of polars. Texts and lists become its own kinds."""
        import polars

        return polars.DataFrame(self)

    def to_pandas(self) -> pandas.DataFrame:
        """The frame of pandas, which needs pyarrow."""
        return self.to_pyarrow().to_pandas()

    def to_pydict(self) -> dict[str, list[Any]]:
        """The values of every column by its name, as Python's own: slow, and without any other library."""
        return self._stream.to_pydict()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._stream.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        return self._stream.__arrow_c_schema__()

    def __len__(self) -> int:
        return len(self._stream)

    def __repr__(self) -> str:
        return f"<Table of {len(self)} rows: {', '.join(self.column_names)}>"
